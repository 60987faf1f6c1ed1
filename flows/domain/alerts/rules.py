"""The rules: what is an alert, and how bad. Pure. A new rule is one function and one row of `RULES`.

A rule says what it finds in one view, and its row says how long that must last: at every check of so many seconds on
end. A share that is within P35_ALERT_HYSTERESIS of its threshold is found, too, as one that is near. The shares of
decisions and gates are those of the window `5m`, the shortest that a few odd minutes do not sway.
A window with fewer than P35_ALERT_MIN_TOTAL decisions says nothing about anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from flows.domain.alerts.subjects import DECISION, GATE, GROUP, SHIFT, SYMBOL, Subject
from flows.domain.alerts.view import SHIFTS_SPAN, View
from flows.domain.decisions import NO_REASON
from flows.domain.thresholds import Thresholds
from sinks.values.alerts import CRITICAL, HIGH, MEDIUM, Key
from sinks.values.counts import BLOCKED, ERROR, EXECUTE, SKIP

QUARTER = 900.0
"""Seconds: a quarter of an hour."""

_DIGITS = 9
"""Decimals of a threshold: 0.6 - 0.05 must be 0.55, and not a little less."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a rule found to be so, now."""

    reason: str
    severity: str
    since: float | None = None
    """Since when it has been so at the least, where that is known: epoch seconds."""
    reached: bool = True
    """Whether its threshold is reached; False: only near, which goes on with what fires and begins nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row."""

    kind: str
    window: str
    lasts: float
    """Seconds for which it must be found at every check."""
    find: Callable[[View, Thresholds], Iterator[Finding]]
    subject: Subject
    says: str
    """What is so, for a person: a template for `reason`, `share`, `score`, `total` and `window`."""
    ended: str
    """What is so when it is over: likewise."""


def gate_explosion(view: View, thresholds: Thresholds) -> Iterator[Finding]:
    """One gate accounts for a large share of all decisions: a finding for each threshold that is reached or near."""
    window = view.windows["5m"]
    levels = tuple(
        (least, _below(least, thresholds), severity)
        for least, severity in zip(thresholds.gates, (MEDIUM, HIGH, CRITICAL), strict=True)
    )
    if window.total >= thresholds.min_total:
        for gate, count in window.gate_counts.items():
            share = count / window.total
            for least, end, severity in levels:
                reached = share >= least
                if gate != NO_REASON and (reached or share > end):
                    yield Finding(gate, severity, reached=reached)


def execute_low(view: View, thresholds: Thresholds) -> Iterator[Finding]:
    """The share of EXECUTE is too low."""
    window, low = view.windows["5m"], thresholds.execute_low
    share, end = window.share_of(EXECUTE), min(round(low + thresholds.hysteresis, _DIGITS), 1.0)
    if window.total >= thresholds.min_total and share < max(low, end):
        yield Finding(EXECUTE, HIGH, reached=share < low)


def skip_high(view: View, thresholds: Thresholds) -> Iterator[Finding]:
    """The share of SKIP is too high."""
    return _above(view, thresholds, SKIP, thresholds.skip_high, MEDIUM)


def skip_severe(view: View, thresholds: Thresholds) -> Iterator[Finding]:
    """The share of SKIP is far too high."""
    return _above(view, thresholds, SKIP, thresholds.skip_severe, HIGH)


def blocked_high(view: View, thresholds: Thresholds) -> Iterator[Finding]:
    """The share of BLOCKED is too high."""
    return _above(view, thresholds, BLOCKED, thresholds.blocked_high, HIGH)


def error_high(view: View, thresholds: Thresholds) -> Iterator[Finding]:
    """The share of ERROR is too high."""
    return _above(view, thresholds, ERROR, thresholds.error_high, CRITICAL)


def is_stuck(seen: float, executed: float | None, now: float) -> bool:
    """Whether a symbol has decisions within the last quarter of an hour, and no EXECUTE. Epoch seconds.

    :arg seen: when it was last decided upon.
    :arg executed: its last EXECUTE; None: never.
    """
    return seen > now - QUARTER and (executed is None or executed <= now - QUARTER)


def symbol_stuck(view: View, thresholds: Thresholds) -> Iterator[Finding]:
    """A symbol has decisions and no EXECUTE.

    One that executed within the last half hour has not done so since then. Of any other nobody knows how long it has
    been decided upon (it may be new, or back after a pause), so that the quarter of an hour begins now.
    """
    if view.windows["15m"].total < thresholds.min_total:
        return
    for symbol, seen in view.last_seen.items():
        executed = view.last_execute.get(symbol)
        if is_stuck(seen, executed, view.now):
            recent = executed is not None and executed > view.now - 2 * QUARTER
            yield Finding(symbol, MEDIUM, executed if recent else None)


def share_shift(view: View, thresholds: Thresholds) -> Iterator[Finding]:
    """The share of a gate rose against the same hours of the weeks before. Silent where none of those is known.

    What fires goes on for as long as `quantum trend` says that it rose: a q that wavers about its limit ends nothing.
    """
    if view.shifts is None or view.shifts.total < thresholds.min_total:
        return
    end = _below(thresholds.shift, thresholds)
    for gate, one in view.shifts.gates.items():
        rise = round(one.share - one.before, _DIGITS)
        reached = rise > thresholds.shift and one.q < thresholds.shift_q
        if one.rose and (reached or rise > end):
            yield Finding(gate, MEDIUM, reached=reached)


def consumer_behind(view: View, thresholds: Thresholds) -> Iterator[Finding]:
    """What is counted is not what has happened: P3.5 lags behind, or entries are lost to it."""
    if view.lag is not None and view.lag > thresholds.max_lag:
        yield Finding("lag", HIGH)
    if view.pending > thresholds.max_lag:
        yield Finding("pending", HIGH)
    if view.trimmed:
        yield Finding("trimmed", HIGH)


def _above(view: View, thresholds: Thresholds, decision: str, most: float, severity: str) -> Iterator[Finding]:
    window = view.windows["5m"]
    share = window.share_of(decision)
    if window.total >= thresholds.min_total and share > _below(most, thresholds):
        yield Finding(decision, severity, reached=share > most)


def _below(threshold: float, thresholds: Thresholds) -> float:
    """The share at which a condition ends that began at `threshold`; where nothing is left at the latest."""
    return max(round(threshold - thresholds.hysteresis, _DIGITS), 0.0)


_OF = "{share} of {total} decisions in {window}"
_GATE = "{reason} accounts for " + _OF
_STUCK = "{reason} has decisions and no EXECUTE"
_SHIFT = "{reason} stops more than in the weeks before: " + _OF
_AS_BEFORE = "{reason} no longer stands out against the weeks before"
_BEHIND = "P3.5 is behind: {score} entries ({reason})"

RULES: tuple[Rule, ...] = (
    Rule("gate_explosion", "5m", 0, gate_explosion, GATE, _GATE, _GATE),
    Rule("execute_low", "5m", QUARTER, execute_low, DECISION, "only " + _OF + " are EXECUTE", _OF + " are EXECUTE"),
    Rule("skip_high", "5m", QUARTER, skip_high, DECISION, _OF + " are SKIP", _OF + " are SKIP"),
    Rule("skip_high", "5m", 300, skip_severe, DECISION, _OF + " are SKIP", _OF + " are SKIP"),
    Rule("blocked_high", "5m", QUARTER, blocked_high, DECISION, _OF + " are BLOCKED", _OF + " are BLOCKED"),
    Rule("error_high", "5m", 300, error_high, DECISION, _OF + " are ERROR", _OF + " are ERROR"),
    Rule("symbol_stuck", "15m", QUARTER, symbol_stuck, SYMBOL, _STUCK, "{reason} is no longer stuck"),
    Rule("share_shift", f"{SHIFTS_SPAN}h", 0, share_shift, SHIFT, _SHIFT, _AS_BEFORE),
    Rule("consumer_behind", "now", 0, consumer_behind, GROUP, _BEHIND, "P3.5 is no longer behind ({reason})"),
)

KINDS = tuple(dict.fromkeys(rule.kind for rule in RULES))

BY_KIND: Mapping[str, Rule] = {rule.kind: rule for rule in reversed(RULES)}
"""The first row of each kind."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is so now, and would be an alert once it has lasted long enough."""

    severity: str
    lasts: float
    """Seconds for which it must last."""
    since: float | None
    """As in `Finding`."""
    reached: bool = True
    """As in `Finding`."""


def find(view: View, thresholds: Thresholds, rules: tuple[Rule, ...] = RULES) -> dict[Key, tuple[Condition, ...]]:
    """What all rules find in `view`."""
    found: dict[Key, tuple[Condition, ...]] = {}
    for rule in rules:
        for one in rule.find(view, thresholds):
            key = Key(rule.kind, one.reason, rule.window)
            found[key] = (*found.get(key, ()), Condition(one.severity, rule.lasts, one.since, one.reached))
    return found
