"""The life of an alert: pending, firing, silent during the cooldown, resolved. Pure: state in, state and events out.

    nothing --found--> pending --lasted long enough--> firing --no longer so--> resolved
                          |                              |                         |
                          '-- not found: forgotten       '-- worse: once more      '-- forgotten after the cooldown

- An alert is pending while its condition is found at each check, and fires when that has lasted as long as its rule
  says. After a gap without checks a pending one begins anew: nobody knows what was in between. One that fires goes on
  firing.
- It is published as firing once, and once more for each severity above all that were said: at once, whatever the
  cooldown. A severity that falls is not published.
- Otherwise two publications as firing are never closer than the cooldown. One that is due earlier waits, and is
  forgotten if its condition ends before. That an alert has ended does not make its severities new: what comes back
  within the cooldown is published at once only if it is worse than before.
- A condition that has lasted goes on, while the alert fires, for as long as it is near its threshold. Whatever does not
  fire yet (pending, waiting for the cooldown, or left out) must reach the threshold itself at each check.
- It is resolved at the first check at which no condition that has lasted goes on; once, and at once, whatever the
  cooldown.
- Of one kind, at most `MOST_FIRING` fire at once. What is left out is counted, and is an alert of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flows.domain.alerts.rules import Condition
from sinks.values.alerts import FIRING, RESOLVED, SEVERITIES, Key, Tracked

PUNCTUALITY = 0.5
"""Seconds. Checks are aligned to the minute but not to the millisecond: the sixteenth may come a little less than
fifteen minutes after the first."""

MOST_FIRING = 20
"""Alerts of one kind that may fire at once; the rest is told in one more, as `LEFT_OUT`."""

LEFT_OUT = "__left_out__"
"""The reason of an alert that stands for those that were left out."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something to be published."""

    key: Key
    state: str
    """One of `sinks.values.alerts.STATES`."""
    alert_id: str
    severity: str
    lasted: float
    """Seconds since it began to fire."""
    stands_for: int = 1
    """How many alerts: more than one for those that were left out."""


def advance(
    tracked: Mapping[Key, Tracked],
    found: Mapping[Key, tuple[Condition, ...]],
    now: float,
    *,
    checked_at: float | None,
    cooldown: float,
    broken: bool,
    weight: Callable[[Key], int],
) -> tuple[dict[Key, Tracked], list[Event]]:
    """What is tracked after a check at `now` (epoch seconds) that `found` this, and what is to be published.

    :arg checked_at: when the check before was, epoch seconds; None: there was none.
    :arg cooldown: seconds.
    :arg broken: whether too much time has passed since the check before to say that anything has lasted.
    :arg weight: of two that are both new, the one with more fires first where not all may.
    """
    since = {key: _since(tracked.get(key), conditions, now, checked_at, broken) for key, conditions in found.items()}
    ripe = {key: _worst_ripe(conditions, since[key], now) for key, conditions in found.items()}
    left_out = _left_out(tracked, ripe, now, cooldown, weight)
    stands_for: dict[Key, int] = {}
    for key in left_out:
        more = Key(key.kind, LEFT_OUT, key.window)
        stands_for[more] = stands_for.get(more, 0) + 1
        worst = max(ripe[key], ripe.get(more, ""), key=_rank)
        ripe[key], ripe[more], since[more] = "", worst, {worst: now}

    result: dict[Key, Tracked] = {}
    events = []
    for key in sorted({*tracked, *since}):
        before = tracked.get(key, Tracked())
        after, event = _advance_one(key, before, since.get(key, {}), ripe.get(key, ""), now, cooldown)
        if event is not None:
            events.append(Event(key, *event, stands_for.get(key, 1)))
        if after.since or after.firing or _cooling(after, now, cooldown):
            result[key] = after
    return result, events


def _since(
    before: Tracked | None, conditions: tuple[Condition, ...], now: float, checked_at: float | None, broken: bool
) -> dict[str, float]:
    """Severity -> since when its condition has held, as far as is known; without those that do not hold."""
    since = {}
    for one in conditions:
        if not one.reached and not _had_lasted(before, one, checked_at):
            continue
        begun = now
        if before is not None and one.severity in before.since and (before.firing or not broken):
            begun = min(before.since[one.severity], now)
        since[one.severity] = begun if one.since is None else min(begun, one.since)
    return since


def _had_lasted(before: Tracked | None, one: Condition, checked_at: float | None) -> bool:
    """Whether the alert fires, and the condition had lasted long enough at the check before."""
    if before is None or not before.firing or one.severity not in before.since or checked_at is None:
        return False
    return checked_at - before.since[one.severity] >= one.lasts - PUNCTUALITY


def _worst_ripe(conditions: tuple[Condition, ...], since: Mapping[str, float], now: float) -> str:
    """The worst severity whose condition holds and has lasted long enough; empty when none has."""
    held = [one for one in conditions if one.severity in since]
    ripe = [one.severity for one in held if now - since[one.severity] >= one.lasts - PUNCTUALITY]
    return max(ripe, key=_rank, default="")


def _left_out(
    tracked: Mapping[Key, Tracked],
    ripe: Mapping[Key, str],
    now: float,
    cooldown: float,
    weight: Callable[[Key], int],
) -> list[Key]:
    """Those that would begin to fire now and may not, because enough of their kind do."""
    result: list[Key] = []
    for kind in {key.kind for key in ripe}:
        due = [
            key
            for key, severity in ripe.items()
            if key.kind == kind
            and severity
            and not _is_firing(tracked, key)
            and _may_begin(tracked.get(key), severity, now, cooldown)
        ]
        free = MOST_FIRING - sum(
            1 for key, severity in ripe.items() if key.kind == kind and severity and _is_firing(tracked, key)
        )
        if len(due) > free:
            result += sorted(due, key=lambda key: (-weight(key), key))[max(free, 0) :]
    return result


def _is_firing(tracked: Mapping[Key, Tracked], key: Key) -> bool:
    return key in tracked and tracked[key].firing


def _may_begin(one: Tracked | None, severity: str, now: float, cooldown: float) -> bool:
    """Whether `one`, which does not fire, may be published as firing with `severity`."""
    worse = one is not None and bool(one.severity) and _rank(severity) > _rank(one.severity)
    return worse or not _cooling(one, now, cooldown)


def _cooling(one: Tracked | None, now: float, cooldown: float) -> bool:
    """Whether `one` was published within the cooldown. A time in the future (the clock was set back) counts as now."""
    return one is not None and one.published_at is not None and now - min(one.published_at, now) < cooldown


def _advance_one(
    key: Key, before: Tracked, since: Mapping[str, float], ripe: str, now: float, cooldown: float
) -> tuple[Tracked, tuple[str, str, str, float] | None]:
    """The next of one alert, and of its event: state, alert_id, severity, seconds that it lasted."""
    published_at = None if before.published_at is None else min(before.published_at, now)
    lasted = max(now - before.started_at, 0.0)
    if before.firing and not ripe:
        ended = Tracked(since, severity=before.severity, published_at=published_at)
        return ended, (RESOLVED, before.alert_id, before.severity, lasted)
    if before.firing and _rank(ripe) > _rank(before.severity):
        return Tracked(since, before.alert_id, ripe, before.started_at, now), (FIRING, before.alert_id, ripe, lasted)
    if before.firing:
        return Tracked(since, before.alert_id, before.severity, before.started_at, published_at), None
    if ripe and _may_begin(before, ripe, now, cooldown):
        alert_id = _alert_id(key, now)
        return Tracked(since, alert_id, ripe, now, now), (FIRING, alert_id, ripe, 0.0)
    return Tracked(since, severity=before.severity, published_at=published_at), None


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity else -1


def _alert_id(key: Key, now: float) -> str:
    """As the contract has it for gates; the others name their kind, so that no two are the same."""
    what = key.reason if key.kind == "gate_explosion" else f"{key.kind}_{key.reason}"
    return f"p35_alert_{int(now)}_{what}"
