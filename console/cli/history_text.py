"""A series for a person and for spreadsheets. What comes from Redis is made printable here. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.text import Text

from connectors.text import one_line
from console.cli.lines import warnings
from console.queries.history import Point, Series
from console.queries.readable import many, number, percent
from console.terminal.cells import fit
from console.terminal.viewport import Viewport, cut
from sinks.values.counts import EXECUTE

_DRAWN, _DRAWN_IN_ASCII = ("█", "▓", "░"), ("#", "+", ".")
"""What both weeks have; what this one has more; what it has less."""

_LONGEST_BAR, _SHORTEST_BAR, _TOP_GATE = 60, 8, 30
"""Cells."""


def as_text(series: Series, viewport: Viewport) -> list[Text]:
    """A chart; where there is no end to the room (no terminal), the same rows without bars, and with whole times."""
    return cut(_lines(series, viewport), viewport.width)


def _lines(series: Series, viewport: Viewport) -> Iterator[Text]:
    yield from warnings(series.warnings, viewport)
    titles = _titles(series)
    width = max(len(_time(series, 0, viewport)), 4)
    left = 0 if viewport.width is None else viewport.width - width - sum(size for _title, size in titles) - 2
    of_gate = _TOP_GATE + 2 if series.gate is None and (viewport.width is None or left >= _TOP_GATE + 24) else 0
    bar = min(left - of_gate, _LONGEST_BAR)
    bar = bar if bar >= _SHORTEST_BAR else 0
    top = max((_value(series, one) for one in (*series.points, *series.before.values())), default=0.0)
    about = f"{series.by:<{width}}" + "".join(f"{title:>{size}}" for title, size in titles)
    yield Text(about + (f"  {'':{bar}}" if bar else "") + ("  top gate" if of_gate else ""), "dim")
    expected = series.begin
    for point in series.points:
        yield from _gap(series, expected, point.time)
        expected = point.time + series.step
        yield _row(series, point, viewport, (width, bar, of_gate), top)
    yield from _gap(series, expected, min(series.now, series.end))
    if bar and series.before:
        same, more, less = _DRAWN_IN_ASCII if viewport.ascii_only else _DRAWN
        yield Text(f"{same} this week  {more} more than the week before  {less} the week before had more", "dim")
    if series.points and expected > series.now:
        yield Text(f"the last {series.by} has not ended", "dim")


def _gap(series: Series, begin: int, end: float) -> Iterator[Text]:
    """What stands for the whole steps between two times, if there are any."""
    if (missing := int(end - begin) // series.step) > 0:
        yield Text(f"({many(missing, series.by)} of which nothing is known)", "dim")


def _titles(series: Series) -> tuple[tuple[str, int], ...]:
    """The columns of numbers, and their widths."""
    if series.gate is not None:
        return (("decisions", 11), ("blocked", 10), ("share", 7), ("week before", 13))
    return (("decisions", 11), ("executed", 10), ("week before", 13), ("executed", 10))


def _row(series: Series, point: Point, viewport: Viewport, sizes: tuple[int, int, int], top: float) -> Text:
    width, bar, of_gate = sizes
    before = series.before.get(point.time)
    if series.gate is not None:
        gate = point.gates[0]
        cells = [number(point.total), number(gate.count), percent(gate.share)]
        cells += [percent(before.gates[0].share) if before else ""]
    else:
        cells = [number(point.total), percent(point.share(EXECUTE))]
        cells += [number(before.total), percent(before.share(EXECUTE))] if before else ["", ""]
    sized = zip(cells, (size for _title, size in _titles(series)), strict=True)
    line = Text(f"{_time(series, point.time, viewport):<{width}}" + "".join(f"{cell:>{size}}" for cell, size in sized))
    if bar:
        then = _value(series, before) if before else None
        drawn = _bar(_value(series, point), then, top, bar, _DRAWN_IN_ASCII if viewport.ascii_only else _DRAWN)
        line.append(f"  {drawn:<{bar}}")
    if of_gate and point.gates:
        name = one_line(point.gates[0].name)
        shown = name if viewport.width is None else fit(name, min(len(name), _TOP_GATE - 6))
        line.append(f"  {shown} {percent(point.gates[0].share)}")
    return line


def _value(series: Series, point: Point) -> float:
    """What the bar of a point shows: the share of the gate that was asked for, else how much was decided."""
    return point.gates[0].share if series.gate is not None else float(point.total)


def _bar(now: float, then: float | None, top: float, width: int, drawn: tuple[str, str, str]) -> str:
    """Both values in one bar; something never looks like nothing."""

    def cells(value: float) -> int:
        return max(round(value / top * width), 1 if value else 0) if top else 0

    ours = cells(now)
    theirs = ours if then is None else cells(then)
    same, more, less = drawn
    return same * min(ours, theirs) + more * max(ours - theirs, 0) + less * max(theirs - ours, 0)


def _time(series: Series, seconds: int, viewport: Viewport) -> str:
    """When a step begins, in UTC."""
    at = datetime.fromtimestamp(seconds, UTC)
    if viewport.width is None:
        return at.strftime("%Y-%m-%d" if series.by == "day" else "%Y-%m-%dT%H:%MZ")
    return at.strftime("%a %Y-%m-%d" if series.by == "day" else "%a %m-%d %H:%M")
