"""Gates of limits: what was proposed exceeds what is allowed."""

from __future__ import annotations

from dataclasses import replace

from console.queries.guide.entry import Action, Guide, KeyCheck

_ALLOWLIST = KeyCheck("p33:allowlist", "set", "is the symbol on it")
_TAIL = "quantum tail --reason {G}"

_NOT_LISTED = Guide(
    "not_in_allowlist",
    ("the allowlist is too narrow", "the proposals are wrong: a symbol that must not be traded"),
    (_ALLOWLIST,),
    ("quantum share --full", "quantum symbols"),
    (
        Action("the symbol is to be traded: add it to the allowlist", "1"),
        Action("it is not: take it out of the proposer's universe", "10"),
    ),
    ("symbol_not_in_allowlist",),
)

GUIDES = (
    _NOT_LISTED,
    replace(_NOT_LISTED, gate="symbol_not_in_allowlist", related=("not_in_allowlist",)),
    Guide(
        "leverage_ratio_exceeded",
        (
            "the position has grown, or equity has shrunk: leverage is at its limit",
            "the limit is lower than the strategy needs",
        ),
        (KeyCheck("leverage:{S}", "hash", "current leverage against its limit"),),
        ("quantum symbols", _TAIL),
        (
            Action("reduce the position, or wait until it is reduced", "5 to 15"),
            Action("raise the limit, with the consent of risk control", "5"),
            Action("use adaptive leverage", "30"),
        ),
        ("p33_permit_denied",),
    ),
    Guide(
        "insufficient_confidence",
        (
            "the market is unclear, and the model says so",
            "the threshold is too high",
            "the model is out of date",
        ),
        (
            KeyCheck("config:apply", "hash", "the threshold for confidence"),
            KeyCheck("capital:efficiency:{S}", "hash", "`confidence` of the efficiency score"),
        ),
        ("quantum why --window 1h", _TAIL),
        (
            Action("high for minutes only: nothing", "5 to 15"),
            Action("lower the threshold a little, and watch what is executed", "5"),
            Action("retrain the model", "60 or more"),
        ),
        ("kill_score_critical",),
    ),
    Guide(
        "min_notional_check_failed",
        (
            "targets are so small that orders fall below the exchange's minimum",
            "the governor or the allocation has scaled the symbol down",
        ),
        (
            KeyCheck("allocation:target:{S}", "hash", "`target_usd`"),
            KeyCheck("allocation:target:proposed:{S}", "hash", "`multiplier` and `reason` of the proposal"),
            KeyCheck("capital:efficiency:{S}", "hash", "a low score makes positions smaller"),
        ),
        (_TAIL,),
        (
            Action("raise the symbol's target above the minimum, or take the symbol out", "5"),
            Action("do not send what is below the minimum: filter in the proposer", "30"),
        ),
        ("insufficient_confidence",),
    ),
)
