"""What has changed against the weeks before, for a person. What comes from Redis is made printable here. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.cells import cell_len
from rich.text import Text

from connectors.text import one_line
from console.cli.lines import warnings, wrapped
from console.cli.trend_words import LEGEND, TITLES, cells, changes
from console.queries.readable import many, number, percent
from console.queries.trend import TrendAnswer
from console.queries.weeks import ordered, weeks_before
from console.terminal.cells import fit
from console.terminal.viewport import Viewport, cut
from flows.domain.hourly import KINDS
from flows.domain.review import Growing
from flows.domain.trend import NO_CLEAR_CHANGE, VERDICTS, ShareChange

_MOST = 10
"""Rows of a kind on a terminal, beside those that clearly changed."""

_TITLES = tuple(zip(TITLES, (7, 8, 8, 9, 8, 8), strict=True))
"""The columns of numbers, and their widths."""

_FEW = 3
"""How many of them there are where there is no room for all."""

_VERDICT = 2 + max(map(len, VERDICTS))
"""Cells of the last column, which is never cut."""

_SHORTEST_NAME = 16

_LONGEST_NAME = 200


def as_text(answer: TrendAnswer, viewport: Viewport) -> list[Text]:
    """The lines; on a terminal the rows that tell something, elsewhere all."""
    return cut(_lines(answer, viewport), viewport.width)


def _lines(answer: TrendAnswer, viewport: Viewport) -> Iterator[Text]:
    yield from warnings(answer.warnings, viewport)
    trend = answer.trend
    yield from wrapped(_summary(answer), viewport, "bold")
    if trend.rows:
        totals = (
            f"{many(trend.total, 'decision')} now, {number(trend.against_total)} in {many(trend.weeks, 'week')} before"
        )
        yield from wrapped(totals, viewport, "dim")
        yield from wrapped(LEGEND, viewport, "dim")
    for kind in KINDS:
        rows = [row for row in trend.rows if row.kind == kind]
        if rows:
            yield Text("")
            yield from _table(kind, rows, viewport)
    yield Text("")
    yield from _review(answer, viewport)


def _summary(answer: TrendAnswer) -> str:
    """The span, and how many rows changed in which way."""
    begin, end = _time(answer.begin), _time(answer.end)
    hours = (answer.end - answer.begin) // 3_600
    span = f"{begin} to {end} UTC ({many(hours, 'hour')})"
    if not answer.trend.rows:
        return f"{span}: nothing to compare"
    return f"{span} against the same hours of {weeks_before(answer.trend)}: {changes(answer.trend)}"


def _table(kind: str, rows: Sequence[ShareChange], viewport: Viewport) -> Iterator[Text]:
    """A heading, and a line a row: what changed first, then by how often it is."""
    order = ordered(rows)
    clear = sum(row.verdict != NO_CLEAR_CHANGE for row in order)
    shown = order if viewport.width is None else order[: max(clear, _MOST)]
    longest = max(cell_len(kind), *(cell_len(one_line(row.name, _LONGEST_NAME)) for row in shown))
    width, titles = longest, _TITLES
    if viewport.width is not None:
        left = viewport.width - _VERDICT - sum(size for _title, size in titles)
        if left < min(longest, _SHORTEST_NAME):
            titles = _TITLES[:_FEW]
            left = viewport.width - _VERDICT - sum(size for _title, size in titles)
        width = min(longest, max(left, len(kind)))
    yield Text(fit(kind, width) + "".join(f"{title:>{size}}" for title, size in titles), "dim")
    for row in shown:
        line = Text(fit(one_line(row.name, _LONGEST_NAME), width))
        for cell, (_title, size) in zip(cells(row), titles, strict=False):
            line.append(f"{cell:>{size}}")
        line.append(f"  {row.verdict}", "dim" if row.verdict == NO_CLEAR_CHANGE else "bold")
        yield line
    if len(shown) < len(order):
        yield Text(f"and {number(len(order) - len(shown))} more without a clear change: quantum trend | less", "dim")


def _review(answer: TrendAnswer, viewport: Viewport) -> Iterator[Text]:
    """The three of a weekly review."""
    found = answer.review
    last = datetime.fromtimestamp(answer.last_day, UTC).strftime("%a %Y-%m-%d")
    yield from wrapped(f"The 7 days up to {last}", viewport, "bold")
    if answer.days < 7:
        yield from wrapped(f"of which {answer.days} are known; a gate must be in the top 3 on all 7", viewport, "dim")
    persistent = ", ".join(one_line(name, _LONGEST_NAME) for name in found.persistent)
    yield from wrapped(f"in the top 3 on each of the 7 days: {persistent or 'no gate'}", viewport)
    fresh = ", ".join(f"{one_line(gate.name, _LONGEST_NAME)} ({number(gate.count)})" for gate in found.new)
    known = "" if found.known == 28 else f", of which {many(found.known, 'day')} {_are(found.known)} known"
    yield from wrapped(f"not seen in the 4 weeks before{known}: {fresh or 'no gate'}", viewport)
    if not found.growing:
        yield from wrapped("grew in each of the last 3 weeks: no gate", viewport)
    for gate in found.growing:
        yield from wrapped(f"grew in each of the last 3 weeks: {_growth(gate)}", viewport)


def _growth(gate: Growing) -> str:
    sure = "" if gate.clear else ", but no more than such shares vary"
    return f"{one_line(gate.name, _LONGEST_NAME)} ({', '.join(map(percent, gate.shares))}{sure})"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%a %Y-%m-%d %H:%M")
