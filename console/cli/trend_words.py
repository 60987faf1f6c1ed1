"""How a comparison with the weeks before is put into words and cells, wherever it is shown. Pure."""

from __future__ import annotations

from console.queries.readable import number, percent
from flows.domain.trend import NO_CLEAR_CHANGE, VERDICTS, ShareChange, Trend

TITLES = ("now", "before", "points", "between", "and", "times")
"""Of `cells`."""

LEGEND = (
    "Shares of all decisions, now and before; by how many points they differ, and between which two that lies (19 "
    "times in 20); how many times as often it is."
)


def changes(trend: Trend) -> str:
    """How many rows changed in which way: `2 rose, 1 gone`."""
    counts = [(verdict, sum(row.verdict == verdict for row in trend.rows)) for verdict in VERDICTS]
    said = (f"{number(count)} {verdict}" for verdict, count in counts if count and verdict != NO_CLEAR_CHANGE)
    return ", ".join(said) or NO_CLEAR_CHANGE


def cells(row: ShareChange) -> tuple[str, ...]:
    """What stands in the columns of numbers."""
    shares = percent(row.now.share), percent(row.then.share)
    return (*shares, *map(_points, (row.difference, row.low, row.high)), _times(row.ratio))


def _points(difference: float | None) -> str:
    if difference is None:
        return ""
    said = f"{difference * 100:+.1f}"
    return "0.0" if said in ("+0.0", "-0.0") else said


def _times(ratio: float | None) -> str:
    return "" if ratio is None else ">99" if ratio > 99.5 else f"{ratio:.2f}"
