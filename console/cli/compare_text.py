"""A comparison for a person. What comes from Redis is made printable here. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from connectors.text import one_line
from console.cli.lines import about, headline
from console.queries.answers import GATES, Change, Comparison
from console.queries.readable import number, percent
from console.terminal.cells import fit
from console.terminal.viewport import STYLES, Viewport
from flows.domain.thresholds import Severity, Thresholds

_NUMBERS = 46
"""Cells of a row beside its name."""


def comparison(answer: Comparison, viewport: Viewport) -> Iterator[Text]:
    """The lines; no more than fit on a screen."""
    thresholds, top = answer.flow.thresholds, []
    for title, one in (("then", answer.then), ("now", answer.now)):
        top += [Text(f"{title}: ", "bold").append_text(about(one.window, one.span)), *headline(one, viewport)]
    decisions = [row for row in answer.rows if row.kind == "decision"]
    gates = answer.rows[len(decisions) :]
    gates = gates[: GATES if viewport.height is None else viewport.rows(GATES, len(top) + len(decisions) + 2)]
    longest = max(len(one_line(row.name)) for row in answer.rows)
    width = longest if viewport.width is None else min(longest, max(viewport.width - _NUMBERS, 16))
    yield from top
    yield from _table("decision", decisions, width, thresholds)
    if gates:
        yield from _table(gates[0].kind, gates, width, thresholds)


def _table(title: str, rows: Sequence[Change], width: int, thresholds: Thresholds) -> Iterator[Text]:
    yield Text(f"{fit(title, width)}{'then':>11}{'':>8}{'now':>11}{'':>8}{'points':>8}", "dim")
    for row in rows:
        style = STYLES[_severity(row, thresholds)] if row.clear else ""
        line = Text(f"{fit(row.name, width)}{number(row.then):>11}{percent(row.then_share):>8}")
        line.append(f"{number(row.now):>11}{percent(row.now_share):>8}")
        yield line.append(f"{_points(row.difference):>8}", style)


def _points(difference: float | None) -> str:
    return "" if difference is None else f"{points:+}" if (points := round(difference * 100)) else "0"


def _severity(row: Change, thresholds: Thresholds) -> Severity:
    """How much it matters that the share is what it is now."""
    if row.kind == "decision":
        return thresholds.decision_severity(row.name, row.now_share)
    return thresholds.gate_severity(row.now_share)
