"""A comparison for a person. What comes from Redis is made printable here. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from connectors.text import one_line
from console.cli.lines import about, headline, warnings
from console.queries.answers import GATES
from console.queries.compare import Comparison, Row
from console.queries.text import fit, number, percent
from console.queries.verdict import decision_severity, gate_severity
from console.terminal.viewport import STYLES, Room
from flows.domain.thresholds import Severity

_NUMBERS = 46
"""Cells of a row beside its name."""


def as_text(answer: Comparison, room: Room) -> list[Text]:
    """The lines; no more than fit on a screen."""
    top = warnings(answer.warnings, room)
    for title, one in (("then", answer.then), ("now", answer.now)):
        top.append(Text(f"{title}: ", "bold").append_text(about(one.window, one.span)))
        top += headline(one, room)
    decisions = [row for row in answer.rows if row.kind == "decision"]
    gates = [row for row in answer.rows if row.kind != "decision"]
    gates = gates[: GATES if room.height is None else room.rows(GATES, len(top) + len(decisions) + 2)]
    longest = max(len(one_line(row.name)) for row in answer.rows)
    width = longest if room.width is None else min(longest, max(room.width - _NUMBERS, 16))
    lines = (
        [*top, *_table("decision", decisions, width), *_table(gates[0].kind, gates, width)]
        if gates
        else [*top, *_table("decision", decisions, width)]
    )
    for line in lines:
        if room.width is not None:
            line.truncate(room.width, overflow="ellipsis")
    return lines


def _table(title: str, rows: list[Row], width: int) -> Iterator[Text]:
    yield Text(f"{fit(title, width)}{'then':>11}{'':>8}{'now':>11}{'':>8}{'points':>8}", "dim")
    for row in rows:
        style = STYLES[_severity(row)] if row.clear else ""
        line = Text(f"{fit(row.name, width)}{number(row.then):>11}{percent(row.then_share):>8}")
        line.append(f"{number(row.now):>11}{percent(row.now_share):>8}")
        yield line.append(f"{_points(row.difference):>8}", style)


def _points(difference: float | None) -> str:
    return "" if difference is None else f"{points:+}" if (points := round(difference * 100)) else "0"


def _severity(row: Row) -> Severity:
    """How much it matters that the share is what it is now."""
    return decision_severity(row.name, row.now_share) if row.kind == "decision" else gate_severity(row.now_share)
