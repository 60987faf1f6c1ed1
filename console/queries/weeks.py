"""A span beside the same hours of the weeks before: what `quantum trend` and `quantum report` compare.

The weeks before are hours, or days, as `flows.history` keeps them. Text comes as it is in Redis, and must be made
printable before a terminal gets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from console.queries.readable import clock, many
from flows.domain.hourly import adds_up
from flows.domain.trend import NO_CLEAR_CHANGE, ShareChange, Side, Trend
from flows.domain.windows import Window
from sinks.values.history import HOUR


def sound(windows: Iterable[Window], warnings: list[str]) -> list[Window]:
    """Those of `windows`, all of one length, that add up; a warning for the others, which nothing can be told of."""
    good: list[Window] = []
    wrong: list[Window] = []
    for one in windows:
        (good if adds_up(one) else wrong).append(one)
    if wrong:
        first = min(one.minutes[0] for one in wrong)
        what = many(len(wrong), "hour" if len(wrong[0].minutes) == HOUR else "day")
        more = ", and later)" if len(wrong) > 1 else ")"
        about = f"{what} left out (of {clock(first * 60)}{more}"
        warnings.append(f"{about}: the counts do not add up; see quantum verify --history")
    return good


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


def weeks_before(trend: Trend) -> str:
    """`the 3 weeks before`."""
    return "the week before" if trend.weeks == 1 else f"the {trend.weeks} weeks before"


def ordered(rows: Iterable[ShareChange]) -> list[ShareChange]:
    """What changed first, the most first; then by how often it is."""

    def place(row: ShareChange) -> tuple[bool, float, str]:
        clear = row.verdict != NO_CLEAR_CHANGE
        return not clear, -abs(row.difference) if clear else -max(row.now.share, row.then.share), row.name

    return sorted(rows, key=place)


def as_json(begin: int, end: int, trend: Trend) -> dict[str, Any]:
    """A span from `begin` to `end` (epoch seconds) and its comparison, documented in docs/console.md."""
    return {
        "over": {"from": begin, "to": end, "total": trend.total},
        "against": {"weeks": trend.weeks, "total": trend.against_total},
        "rows": [_row(row) for row in trend.rows],
    }


def _row(row: ShareChange) -> dict[str, Any]:
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
