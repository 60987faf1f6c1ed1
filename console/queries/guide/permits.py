"""Gates of permits and holds: permission was denied, or is missing."""

from __future__ import annotations

from console.queries.guide.entry import Action, Guide, KeyCheck

_PERMIT = KeyCheck("p33:symbol:{S}:permit", "hash", "is it there, how old is it, and what does it say was denied")
_HOLDS = (
    KeyCheck("global:control", "hash", "a hold on everything: who set it, when, and why"),
    KeyCheck("symbol:{S}:control", "hash", "a hold on this symbol"),
)
_TAIL = "quantum tail --reason {G}"
_SYMBOLS = "quantum symbols"

GUIDES = (
    Guide(
        "p33_permit_denied",
        (
            "the permit is stale (`:stale`): its publisher has stopped or lags",
            "leverage over the limit",
            "risk threshold reached",
            "a hold is set",
        ),
        (_PERMIT, KeyCheck("leverage:{S}", "hash", "current leverage against its limit"), *_HOLDS),
        ("quantum share --full", _TAIL),
        (
            Action("stale: restart the publisher of P3.3 permits", "2"),
            Action("leverage or risk: adjust the limit, or reduce the position", "5 to 10"),
            Action("hold: find out who set it and why, then lift it", "1"),
        ),
        ("p33_permit_missing_or_denied", "leverage_ratio_exceeded", "action_hold", "kill_score_critical"),
    ),
    Guide(
        "p33_permit_missing_or_denied",
        (
            "no permit came in the time that is waited for: P3.3 is down or slow",
            "it came, and denies",
        ),
        (_PERMIT, KeyCheck("stream:apply.plan", "stream", "plans arrive, and with which decision")),
        (_TAIL, "quantum lag"),
        (
            Action("no permits for any symbol: restart P3.3", "2"),
            Action("permits that are late: look at the load and the lag of P3.3", "10"),
            Action("permits that deny: as for p33_permit_denied", "5 to 10"),
        ),
        ("p33_permit_denied",),
    ),
    Guide(
        "action_hold",
        (
            "an operator has put trading, or a symbol, on hold",
            "an automated control did so, after losses or errors",
            "a hold was forgotten after maintenance",
        ),
        _HOLDS,
        (_SYMBOLS, _TAIL),
        (
            Action("ask whoever set it; if the cause is gone, lift the hold", "1"),
            Action("set by an automated control: treat its cause first, or it comes back", "10 to 30"),
        ),
        ("p33_permit_denied", "kill_score_critical"),
    ),
    Guide(
        "kill_score_critical",
        (
            "drawdown, volatility or a regime change has driven the kill score up",
            "its inputs are stale, so it errs on the safe side",
        ),
        (
            KeyCheck("stream:apply.plan", "stream", "`kill_score` of the newest plans"),
            KeyCheck("capital:efficiency:{S}", "hash", "`ts` and `efficiency_score`: are the inputs fresh"),
            *_HOLDS,
        ),
        (_SYMBOLS, "quantum why --window 1h"),
        (
            Action("let it reduce exposure; do not override it on a hunch", "15 to 60"),
            Action("stale inputs: restart whoever publishes them", "5"),
            Action("high for hours while markets are calm: have risk control review the threshold", "60"),
        ),
        ("action_hold", "p33_permit_denied"),
    ),
)
