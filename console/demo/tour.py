"""What has changed in the made-up weeks, in a line or two of the final answer. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.text import one_line
from console.queries.readable import many, number
from console.queries.trend import TrendAnswer
from console.queries.weeks import ordered, weeks_before
from console.terminal.cells import fit
from flows.domain.hourly import GATE
from flows.domain.trend import NO_CLEAR_CHANGE

_MOST = 3


def changes(answer: TrendAnswer) -> Iterator[str]:
    """The gates that clearly changed, as `quantum trend` has found it: at most three, the most changed first."""
    trend = answer.trend
    span = many((answer.end - answer.begin) // 3_600, "hour")
    yield f"The last {span} against {weeks_before(trend)}, which are made up (quantum trend)"
    changed = [row for row in trend.rows if row.kind == GATE and row.verdict != NO_CLEAR_CHANGE]
    for row in ordered(changed)[:_MOST]:
        times = "" if row.ratio is None else f", {row.ratio:.1f} times as often"
        shares = f"{row.then.share * 100:.1f} % before, {row.now.share * 100:.1f} % now{times}"
        yield f"  {fit(one_line(row.name), 24)} {row.verdict}: {shares}"
    if len(changed) > _MOST:
        yield f"  and {number(len(changed) - _MOST)} more"
    if not changed:
        yield "  no gate clearly changed"
