"""Tables of names, counts and shares, as lines of text. Names may come from Redis, and be hostile. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from connectors.text import one_line
from console.queries.readable import number, percent
from console.terminal.cells import bar, fit
from console.terminal.viewport import STYLES, Viewport
from flows.domain.thresholds import Severity, Thresholds
from flows.domain.windows import Window

_LONGEST_NAME = 400


@dataclass(frozen=True, slots=True)
class RankedRow:
    """One name that was counted."""

    name: str
    count: int
    share: float
    severity: Severity = Severity.NORMAL
    note: str = ""


def ranking(rows: Sequence[RankedRow], viewport: Viewport, title: str) -> list[Text]:
    """A heading, and a line a row: name, count, share, and on a screen that is wide enough a bar."""
    longest = max((cell_len(one_line(row.name, _LONGEST_NAME)) for row in rows), default=0)
    longest = max(longest, cell_len(title))
    note = max((cell_len(row.note) + 2 for row in rows if row.note), default=0)
    width = longest if viewport.width is None else min(longest, max(viewport.width - note - 22, 16))
    bar_width = 0 if viewport.width is None else min(max(viewport.width - width - note - 22, 0), 40)
    lines = [Text(f"{fit(title, width)}{'count':>11}{'share':>8}", "dim")]
    for row in rows:
        style = STYLES[row.severity]
        line = Text(fit(one_line(row.name, _LONGEST_NAME), width))
        line.append(f"{number(row.count):>11}{percent(row.share):>8}", style)
        if bar_width > 4:
            line.append("  ")
            line.append(bar(row.share, bar_width, ascii_only=viewport.ascii_only), style)
        if row.note:
            line.append(f"  {row.note}", style)
        lines.append(line)
    return lines


def decisions(window: Window, thresholds: Thresholds) -> list[Text]:
    """Three lines: every decision, how often, and its share."""
    names, counts, shares = Text("", "dim"), Text(), Text()
    for decision, count in window.decisions.items():
        share = window.share_of(decision)
        style = STYLES[thresholds.decision_severity(decision, share)] if window.total else "dim"
        names.append(f"{decision:>13}")
        counts.append(f"{number(count):>13}", style)
        shares.append(f"{percent(share):>13}", style)
    return [names, counts, shares]


def mix(decisions: Mapping[str, int], total: int) -> str:
    """The shares of decisions that occurred, in a few words."""
    return ", ".join(f"{name} {percent(count / total)}" for name, count in decisions.items() if count)
