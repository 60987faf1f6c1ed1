"""A span beside the same hours of the weeks before: what `quantum trend` and `quantum report` compare.

The weeks before are hours, or days, as `flows.history` keeps them. Text comes as it is in Redis, and must be made
printable before a terminal gets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from console.queries.readable import clock, many
from flows.domain.same_hours import WEEK as WEEK_HOURS
from flows.domain.same_hours import Hour
from flows.domain.trend import Row, Side, Trend
from flows.domain.windows import Window
from sinks.buckets import OTHER
from sinks.values.history import HOUR

DECISION, GATE, SYMBOL = KINDS = ("decision", "gate", "symbol")

MOST_WEEKS = 4

_WEEK = WEEK_HOURS * HOUR
"""Minutes."""


def starts_before(end: int, weeks: int, length: int) -> range:
    """The first minutes of all roll-ups of `length` in the `weeks` before the week that ends with the minute `end`.

    All of them: those that are not compared tell how much days vary.
    """
    return range(end - (weeks + 1) * _WEEK, end - _WEEK, length)


def sound(windows: Iterable[Window], warnings: list[str]) -> list[Window]:
    """Those of `windows`, all of one length, that add up; a warning for the others, which nothing can be told of."""
    good: list[Window] = []
    wrong: list[Window] = []
    for one in windows:
        most = max(sum(one.gate_counts.values()), sum(one.symbol_decisions.values()))
        (good if most <= one.total else wrong).append(one)
    if wrong:
        first = min(one.minutes[0] for one in wrong)
        what = many(len(wrong), "hour" if len(wrong[0].minutes) == HOUR else "day")
        more = ", and later)" if len(wrong) > 1 else ")"
        about = f"{what} left out (of {clock(first * 60)}{more}"
        warnings.append(f"{about}: the counts do not add up; see quantum verify --history")
    return good


def hour_of(window: Window) -> Hour:
    """`window`, an hour, or a day in place of its first hour, as it is compared; what was folded is no symbol."""
    symbols = {name: count for name, count in window.symbol_totals.items() if name != OTHER}
    gates = {gate.name: gate.count for gate in window.gates}
    counts = {DECISION: window.decisions, GATE: gates, SYMBOL: symbols}
    return Hour(window.minutes[0] // HOUR, window.total, counts)


def by_week(hours: Sequence[Hour], end: int, weeks: int) -> list[list[Hour]]:
    """Those of `hours` that lie in each of the `weeks` before the one that ends with the hour `end`, newest first."""
    return [[hour for hour in hours if (end - 1 - hour.at) // WEEK_HOURS == week] for week in range(1, weeks + 1)]


def unknown(over: int, against: int, trend: Trend, what: str = "hour") -> Iterator[str]:
    """What of a comparison of `over` hours (or of `what` else) with `against` weeks is not known; a sentence each."""
    if not trend.weeks:
        yield f"nothing is known of {_these(over, what)} in the weeks before, so there is nothing to compare with"
    elif trend.weeks < against:
        yield f"of the {many(against, 'week')} before, {trend.weeks} {'is' if trend.weeks == 1 else 'are'} known"
    if trend.weeks and trend.hours < over:
        yield f"{trend.hours} of {many(over, what)} are compared: the others are not known on both sides"
    if trend.rows and all(row.low is None for row in trend.rows):
        yield "too few days are known to tell how much days vary: there are no intervals and no verdicts"


def _these(count: int, what: str) -> str:
    return f"this {what}" if count == 1 else f"these {what}s"


def as_json(begin: int, end: int, trend: Trend) -> dict[str, Any]:
    """A span from `begin` to `end` (epoch seconds) and its comparison, documented in docs/console.md."""
    return {
        "over": {"from": begin, "to": end, "total": trend.total},
        "against": {"weeks": trend.weeks, "total": trend.against_total},
        "rows": [_row(row) for row in trend.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "name": row.name,
        "now": _side(row.now),
        "then": _side(row.then),
        "difference": row.difference,
        "low": row.low,
        "high": row.high,
        "ratio": row.ratio,
        "q": row.q,
        "verdict": row.verdict,
    }


def _side(side: Side) -> dict[str, Any]:
    return {"count": side.count, "share": side.share}
