"""Gates of the venue and the publishers: the exchange, market data, exceptions."""

from __future__ import annotations

from console.queries.guide.entry import Action, Guide, KeyCheck

_TAIL = "quantum tail --reason {G}"

GUIDES = (
    Guide(
        "binance_error",
        (
            "the text after the colon is the exchange's own: margin, rate limit, time out of step, symbol halted",
            "the exchange, or the way to it, is disturbed",
        ),
        (KeyCheck("stream:apply.result", "stream", "the newest results: `error` and `details`"),),
        ("quantum share --full", _TAIL),
        (
            Action("-2019 margin: free margin, or reduce positions", "5 to 15"),
            Action("-1021 timestamp: set the machine's clock right", "2"),
            Action("-1003 rate limit: send less, wait for the ban to end", "5 to 30"),
            Action("anything else: look the code up, and see the exchange's status page", "10"),
        ),
        ("exception", "mark_price_unavailable"),
    ),
    Guide(
        "mark_price_unavailable",
        (
            "market data for the symbol has stopped",
            "the symbol was delisted or halted",
        ),
        (KeyCheck("stream:apply.result", "stream", "which symbols it is, in the newest results"),),
        ("quantum symbols", _TAIL),
        (
            Action("all symbols: restart the market data feed", "2 to 5"),
            Action("one symbol: see whether the exchange still lists it; if not, take it off the allowlist", "5"),
        ),
        ("binance_error",),
    ),
    Guide(
        "exception",
        (
            "an error in the publisher's code; the text after the colon says which",
            "a service that it needs does not answer",
        ),
        (KeyCheck("stream:apply.result", "stream", "`error` and `details` of the newest results"),),
        ("quantum share --full", _TAIL),
        (
            Action("read the publisher's log at the time that `quantum tail` shows", "5"),
            Action("timeouts: see to the service that does not answer", "10 to 30"),
            Action("after a deployment: roll it back", "5 to 10"),
        ),
        ("binance_error",),
    ),
)
