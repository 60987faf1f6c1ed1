"""Throughput as a picture (SVG), drawn by hand: bars need no library. Pure.

Colours are legible on white and on black; nothing is said by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

from tests.bench import throughput

_WIDTH, _LABEL, _ROW, _BAR = 760, 230, 24, 14
_STROKE = "#808080"
_COLOURS = {"flow": "#0f8a7e", "floor": "#8a8f98"}
_OTHER = "#c77d2a"
_VARIED = {"ten": "symbols, ten reasons", "symbols": "symbols", "reasons": "reasons", "batch": "entries a read"}
_VARIED |= {"fields": "fields", "processes": "processes", "workers": "workers"}

Bar = tuple[str, str, float, tuple[float, float], str]
"""Label, colour, length, from the least to the most, and what is written behind it."""


def draw(result: dict[str, Any]) -> str:
    """The contestants of the base case, and the flow's share of the floor in each case."""
    base = result["cases"][0]
    top = max(throughput.spread(base, one.name)[1] for one in throughput.EVERYONE)
    speeds: list[Bar] = []
    for one in throughput.EVERYONE:
        rate = throughput.rate(base, one.name)
        low, high = throughput.spread(base, one.name)
        colour = _COLOURS.get(one.name, _OTHER)
        speeds.append((one.title, colour, rate / top, (low / top, high / top), f"{rate:,.0f}"))
    shares: list[Bar] = []
    for case in result["cases"]:
        rounds = throughput.ratios(case, "flow", "floor")
        share, value = throughput.ratio(case, "flow", "floor"), f"{case['value']:,}"
        label = f"{value} {_VARIED[case['dimension']]}" if case["dimension"] else "base case"
        shares.append(
            (label, _COLOURS["flow"], min(1.0, share), (min(1.0, min(rounds)), min(1.0, max(rounds))), f"{share:.2f}")
        )
    y, parts = 0, []
    for title, bars in (("Entries a second", speeds), ("flows.p35, as a share of the floor (the line: 0.75)", shares)):
        if bars:
            mark = 0.75 if bars is shares else None
            parts += _panel(title, bars, y, mark)
            y += (len(bars) + 2) * _ROW
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}" height="{y}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="{_STROKE}" role="img" '
        'aria-label="Throughput of flows.p35 beside other ways to read the stream">'
    )
    return "\n".join((head, *parts, "</svg>", ""))


def _panel(title: str, bars: Iterable[Bar], y: int, mark: float | None) -> Iterable[str]:
    """A title and its bars, from `y` down; a thin line shows from the least to the most."""
    room = _WIDTH - _LABEL - 80
    begin = y + int(1.5 * _ROW)
    yield f'<text x="0" y="{y + 17}" font-weight="bold">{escape(title)}</text>'
    end = begin
    for label, colour, length, (low, high), text in bars:
        middle = end + _ROW // 2
        yield f'<text x="{_LABEL - 8}" y="{middle + 4}" text-anchor="end">{escape(label)}</text>'
        yield (
            f'<rect x="{_LABEL}" y="{middle - _BAR // 2}" width="{max(1.0, length * room):.1f}" height="{_BAR}" '
            f'fill="{colour}"/>'
        )
        yield (
            f'<line x1="{_LABEL + low * room:.1f}" x2="{_LABEL + high * room:.1f}" y1="{middle}" y2="{middle}" '
            f'stroke="{_STROKE}" stroke-width="2"/>'
        )
        yield f'<text x="{_LABEL + max(length, high) * room + 8:.1f}" y="{middle + 4}">{escape(text)}</text>'
        end += _ROW
    if mark is not None:
        x = _LABEL + mark * room
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{begin}" y2="{end}" stroke="{_STROKE}" stroke-dasharray="3 3"/>'
