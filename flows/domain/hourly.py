"""Hours and days of history as trends compare them: which are wanted, and what is counted in one. Pure.

`quantum trend`, `quantum report` and the alert `share_shift` look at the same hours in the same way, so that they say
the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flows.domain.same_hours import WEEK, Hour
from flows.domain.trend import Trend, compare
from flows.domain.windows import Window
from sinks.values.counts import OTHER
from sinks.values.history import HOUR

DECISION, GATE, SYMBOL = KINDS = ("decision", "gate", "symbol")

MOST_WEEKS = 4
"""Before the span: hours are kept for 35 days."""


def starts_before(end: int, weeks: int, length: int) -> range:
    """The first minutes of all roll-ups of `length` in the `weeks` before the week that ends with the minute `end`.

    All of them: those that are not compared tell how much days vary.
    """
    return range(end - (weeks + 1) * WEEK * HOUR, end - WEEK * HOUR, length)


def wanted(end: int, over: int, against: int) -> list[int]:
    """The first minutes of the hours that a comparison wants.

    :arg end: the hour (since the epoch) before which the span ends.
    :arg over: hours of the span.
    :arg against: how many weeks it is compared with.
    """
    return [*starts_before(end * HOUR, against, HOUR), *range((end - over) * HOUR, end * HOUR, HOUR)]


def judged(hours: Sequence[Hour], end: int, over: int, against: int) -> Trend:
    """The shares of the span beside those of the weeks before, of those of the `wanted` hours that are known.

    :raises ValueError: see `flows.domain.trend.compare`.
    """
    return compare([hour for hour in hours if hour.at >= end - over], by_week(hours, end, against))


def by_week(hours: Iterable[Hour], end: int, weeks: int) -> list[list[Hour]]:
    """Those of `hours` that lie in each of the `weeks` before the one that ends with the hour `end`, newest first."""
    found: list[list[Hour]] = [[] for _ in range(weeks)]
    for hour in hours:
        week = (end - 1 - hour.at) // WEEK
        if 1 <= week <= weeks:
            found[week - 1].append(hour)
    return found


def hour_of(window: Window) -> Hour:
    """`window`, an hour, or a day in place of its first hour, as it is compared; what was folded is no symbol."""
    symbols = {name: count for name, count in window.symbol_totals.items() if name != OTHER}
    gates = {gate.name: gate.count for gate in window.gates}
    counts = {DECISION: window.decisions, GATE: gates, SYMBOL: symbols}
    return Hour(window.minutes[0] // HOUR, window.total, counts)


def adds_up(window: Window) -> bool:
    """Whether nothing is counted more often than there are decisions: of any other nothing can be told."""
    return max(sum(window.gate_counts.values()), sum(window.symbol_decisions.values())) <= window.total
