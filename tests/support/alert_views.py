"""Views for the rules of alerts to judge, made of what a check reads."""

from __future__ import annotations

from connectors.group_state import GroupState
from flows.domain.alerts.life import Event
from flows.domain.alerts.message import alert
from flows.domain.alerts.view import View, view_of
from sinks.values.alerts import AlertState, Key, Reading, Shifts
from sinks.values.counts import Counts

MINUTE = 29_498_817
NOW = MINUTE * 60 + 30.0


def reading(
    minutes: dict[int, Counts] | None = None,
    seen: dict[str, float] | None = None,
    executed: dict[str, float] | None = None,
    group: GroupState | None = GroupState(0, 0, 1),  # noqa: B008 (frozen)
    length: int = 0,
    trimmed: int = 0,
    state: AlertState = AlertState(),  # noqa: B008 (frozen)
    now: float = NOW,
    shifts: Shifts | None = None,
) -> Reading:
    """What a check reads; minutes are counted back from the running one."""
    by_minute = {int(now // 60) - ago: counts for ago, counts in (minutes or {}).items()}
    return Reading(now, by_minute, seen or {}, executed or {}, group, length, trimmed, state, 0.0, shifts)


def counts(decisions: dict[str, int], reasons: dict[str, int] | None = None, symbol: str = "BTCUSDT") -> Counts:
    """A minute in which all decisions are those of one symbol."""
    reasons = reasons or {}
    return Counts(
        decisions,
        reasons,
        {},
        {(symbol, decision): count for decision, count in decisions.items()},
        {(symbol, reason): count for reason, count in reasons.items()},
    )


def shares(**decisions: int) -> View:
    """A view of one minute with these decisions."""
    return view_of(reading({0: counts(decisions)}))


def said(kind: str, reason: str, window: str, view: View, state: str = "firing", lasted: float = 0.0) -> str:
    """The message of an alert."""
    return alert(view, Event(Key(kind, reason, window), state, "id", "HIGH", lasted)).message
