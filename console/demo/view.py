"""The live view: one screen that answers the question at a glance. Pure.

Colour means severity and nothing else. Text from Redis is made printable, and is never read as markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from connectors.text import one_line
from console.demo.join_lines import permit_line, proposed_line
from console.demo.observation import Observation
from console.queries.joins import Joins
from console.queries.readable import number, percent
from console.queries.verdict import Verdict, verdict
from console.terminal.cells import bar, fit
from console.terminal.viewport import STYLES, cut
from flows.domain.thresholds import Severity, Thresholds
from flows.domain.windows import Window
from sinks.values.counts import DECISIONS, Ranked

WINDOW = "5m"

_WIDEST = 110

_FIXED_LINES = 15
"""Lines that are neither a gate nor a reason."""

_MOST_ROWS = 12

_JOIN_ROWS = 3
"""Symbols and permits on a small screen; twice as many from `_TALL` lines on."""

_TALL = 32


def screen(seen: Observation, width: int, height: int, *, ascii_only: bool = False) -> list[Text]:
    """The lines of a screen of `width` by `height` cells; none is wider, and from 80x24 on there are no more."""
    inner = min(width, _WIDEST) - 2
    windows = seen.windows
    window = windows[WINDOW]
    joins = _JOIN_ROWS if height < _TALL else 2 * _JOIN_ROWS
    rows = min(max(height - _FIXED_LINES - joins - 1, 2), 2 * _MOST_ROWS)
    lines = [
        _title(seen, inner),
        _verdict(seen, window),
        _alert(seen),
        _heading("Decisions", inner, " ".join(f" {name}".rjust(15, "─") for name in windows)),
        *decisions(list(windows.values()), seen.thresholds, inner),
        _heading("Gates, 5 minutes", inner),
        *_ranking(window, window.gates, rows // 2, inner, ascii_only, seen.thresholds),
        _heading("Reasons, 5 minutes", inner),
        *_ranking(window, window.reasons, rows - rows // 2, inner, ascii_only),
        *_joins(seen.joins, joins, inner, ascii_only),
        _heading("", inner),
        _state(seen),
        Text(one_line(seen.command), "dim"),
    ]
    for line in lines:
        line.pad_left(1)
    return cut(lines, width)


def _title(seen: Observation, width: int) -> Text:
    minutes, seconds = divmod(int(seen.elapsed), 60)
    left, right = "Why are we not trading?", f"simulated: {seen.phase}   {minutes}:{seconds:02}   Ctrl-C ends"
    title = Text(left, "bold")
    title.append(right.rjust(max(width - len(left), len(right) + 1)), "not bold dim")
    return title


def _verdict(seen: Observation, window: Window) -> Text:
    said = verdict(window, seen.thresholds)
    if not window.total and seen.elapsed < 30:
        said = Verdict(Severity.NORMAL, "Starting flows.p35 ...")
    style = STYLES[said.severity]
    return Text(one_line(said.sentence), f"bold {style}".strip())


def _alert(seen: Observation) -> Text:
    """The latest alert: one that fires in the colour of its severity."""
    if not seen.alerts:
        return Text("")
    latest = seen.alerts[0]
    return Text(latest.line, STYLES[latest.weight] if latest.firing else "dim")


def _heading(name: str, width: int, right: str = "") -> Text:
    """A rule across the screen, with `name` at its left and `right` at its right end."""
    left = f"{name} " if name else ""
    heading = Text(left)
    heading.append("─" * max(width - len(left) - len(right), 0) + right, "dim")
    return heading


def decisions(windows: Sequence[Window], thresholds: Thresholds, width: int) -> list[Text]:
    """A line a decision, and one for all: counts and shares in each window; at the left a label fills up to `width`."""
    label_width = max(width - 16 * len(windows), 10)
    lines = []
    for decision in DECISIONS:
        line = Text(f"{decision:<{label_width}}")
        for window in windows:
            share = window.share_of(decision)
            style = STYLES[thresholds.decision_severity(decision, share)] if window.total else "dim"
            line.append(f"{number(window.decisions[decision]):>9}{percent(share):>7}", style)
        lines.append(line)
    total = Text(f"{'all':<{label_width}}", "dim")
    for window in windows:
        total.append(f"{number(window.total):>9}{'':7}")
    return [*lines, total]


def _ranking(
    window: Window,
    ranked: Sequence[Ranked],
    rows: int,
    width: int,
    ascii_only: bool,
    thresholds: Thresholds | None = None,
) -> list[Text]:
    """A line a name, with its severity by `thresholds` where they judge names of its kind."""
    name_width = max(width * 42 // 100, 10)
    bar_width = max(width - name_width - 18, 0)
    lines = []
    for one in ranked[:rows]:
        share = window.share(one.count)
        style = "" if thresholds is None else STYLES[thresholds.gate_severity(share)]
        line = Text(fit(one.name, name_width) + " ")
        drawn = bar(share, bar_width, ascii_only=ascii_only)
        line.append(drawn, style)
        line.append(" " * (bar_width - cell_len(drawn)))
        line.append(f"{number(one.count):>10}{percent(share):>7}", style)
        lines.append(line)
    return lines + [Text("") for _ in range(rows - len(lines))]


def _joins(joins: Joins, rows: int, width: int, ascii_only: bool) -> list[Text]:
    """Targets at the left, permits at the right."""
    right = max(width * 35 // 100, 20)
    left = max(width - right - 1, 10)
    lines = [_heading("Targets, as proposed", left)]
    lines[0].append(" ")
    lines[0].append_text(_heading("Latest permits", right))
    for row in range(rows):
        target = proposed_line(joins.proposed[row], left, ascii_only=ascii_only) if row < len(joins.proposed) else ""
        permit = permit_line(joins.permits[row], right) if row < len(joins.permits) else ""
        lines.append(Text(f"{target:<{left}} {permit}" if not target else f"{target} {permit}"))
    return lines


def _state(seen: Observation) -> Text:
    lag = seen.status.lag
    rate = "unknown" if seen.rate is None else f"{seen.rate:,.0f}/s"
    state = Text(f"rate {rate}   lag ")
    state.append(number(lag), "yellow" if lag is not None and lag > seen.thresholds.max_lag else "")
    state.append(f"   processed {number(seen.processed)} of {number(seen.published)} published")
    return state
