"""Gates of positions and plans: the plan does not match the position, or was handled before."""

from __future__ import annotations

from console.queries.guide.entry import Action, Guide, KeyCheck

_RECONCILIATION = KeyCheck("reconciliation:status", "hash", "when it last ran, and what differed")
_PLANS = KeyCheck("stream:apply.plan", "stream", "the newest plans: symbol, action, plan_id")
_TAIL = "quantum tail --reason {G}"

GUIDES = (
    Guide(
        "no_position",
        (
            "a race with a close: the position was closed between plan and execution",
            "reconciliation lags, so that our book shows a position that is gone",
        ),
        (_RECONCILIATION, _PLANS),
        (_TAIL, "quantum symbols"),
        (
            Action("a burst on one symbol after a close: nothing, it passes", "1 to 5"),
            Action("deduplicate intents, so that one close is published once", "30"),
            Action("reconcile more often", "10"),
        ),
        ("close_no_position", "reconciliation_mismatch", "duplicate_plan"),
    ),
    Guide(
        "close_no_position",
        (
            "two closes of one position; the first has won",
            "the position was liquidated, or closed by hand",
        ),
        (_RECONCILIATION, _PLANS),
        (_TAIL,),
        (
            Action("one close a position: deduplicate intents", "30"),
            Action("closed by hand: tell whoever did, and reconcile", "5"),
        ),
        ("no_position", "duplicate_plan"),
    ),
    Guide(
        "reconciliation_mismatch",
        (
            "a fill was missed, so that our book and the exchange differ",
            "somebody trades on the same account by hand",
            "the reconciler has stopped, and its last result stands",
        ),
        (_RECONCILIATION,),
        (_TAIL, "quantum symbols"),
        (
            Action("restart the reconciler", "2 to 5"),
            Action("still different: compare positions with the exchange by hand, and correct the book", "15 to 30"),
        ),
        ("no_position",),
    ),
    Guide(
        "duplicate_plan",
        (
            "a publisher sends a plan twice, after a timeout for example",
            "two instances of a publisher or of the apply layer run",
            "a consumer group was reset and reads old plans again",
        ),
        (_PLANS,),
        ("quantum lag", _TAIL),
        (
            Action("a few after a restart: nothing, they do no harm", "1 to 5"),
            Action("many: find the second instance and stop it", "10"),
            Action("the same plan_id again and again: fix the publisher's retry", "30 to 60"),
        ),
        ("no_position", "close_no_position"),
    ),
)
