"""The middle of the screen: gates and the last hour of each, and symbols with what stops them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from connectors.text import one_line
from console.queries.readable import number, percent
from console.queries.symbols import Symbol
from console.terminal.cells import bar, fit
from console.terminal.table import mix
from console.terminal.viewport import STYLES, Viewport
from console.watch.heatmap import axis, columns, heat, legend
from console.watch.symbols import Picked
from console.watch.view import ScreenState
from flows.domain.decisions import gate_of
from flows.domain.thresholds import Thresholds
from flows.domain.windows import Minutes, Window
from sinks.values.counts import DECISIONS, EXECUTE, Ranked

MAP_WIDTH = 100
"""Columns from which on each gate has its last hour instead of a bar."""

SYMBOLS_HEIGHT = 32
"""Lines from which on symbols are listed without a filter."""

_MOST_ROWS = 10
"""Gates, and symbols, where the height is unlimited."""

_MOST_SYMBOLS = 20

_NAME_LENGTH = 60

_SYMBOL_WIDTH = 20

_GATES_OF_SYMBOL = 4
"""In the one line of a symbol."""


@dataclass(frozen=True, slots=True)
class _Section:
    title: list[Text]
    rows: list[Text]

    @property
    def height(self) -> int:
        return len(self.title) + len(self.rows)


def symbols_wanted(height: int | None) -> int:
    """How many symbols a screen of `height` lines lists; None: unlimited."""
    if height is None:
        return _MOST_ROWS
    return min((height - SYMBOLS_HEIGHT) // 2 + 6, _MOST_SYMBOLS) if height >= SYMBOLS_HEIGHT else 0


def middle(
    minutes: Minutes,
    window: Window,
    thresholds: Thresholds,
    view: ScreenState,
    picked: Picked,
    lines: int | None,
    viewport: Viewport,
) -> list[Text]:
    """Exactly `lines` of them; None: as many as it takes.

    :arg window: that of `view`, of `minutes`.
    """
    width = viewport.width or 80
    if (picked.window, picked.filter) != (view.window, view.filter):
        picked = Picked(view.window, view.filter)
    sections = []
    most = _MOST_ROWS if lines is None else lines
    gates = [gate for gate in window.gates if view.lets_through(gate.name)][:most]
    if gates or not (view.filter and picked.symbols):
        sections.append(_gates(minutes, window, gates, thresholds, width, viewport))
    if view.filter and picked.symbols:
        sections.append(_gates_of(picked.symbols[0], thresholds, width, viewport))
    if len(picked.symbols) > bool(view.filter):
        sections.append(_symbols(picked, thresholds, width))
    if lines is None:
        return [line for one in sections for line in [*one.title, *one.rows[:most]]]
    if lines < 2 * len(sections):  # (headings alone say nothing)
        sections = sections[-1:]
    given = share_out([one.height for one in sections], lines)
    shown = [line for one, most in zip(sections, given, strict=True) for line in [*one.title, *one.rows][:most]]
    return shown + [Text("")] * (lines - len(shown))


def share_out(wanted: Sequence[int], lines: int) -> list[int]:
    """How many of `lines` each gets: what it wants, or an equal part of the rest where there are not enough."""
    given = [0] * len(wanted)
    by_size = sorted(range(len(wanted)), key=lambda at: wanted[at])
    for done, at in enumerate(by_size):
        given[at] = min(wanted[at], lines // (len(wanted) - done))
        lines -= given[at]
    return given


def heading(name: str, width: int, right: Text | None = None) -> Text:
    """A rule across the screen, with `name` at its left and `right` at its right end."""
    line = Text(f"{name} ")
    rest = 0 if right is None else right.cell_len + 1
    line.append("-" * max(width - line.cell_len - rest, 0), "dim")
    if right is not None:
        line.append(" ").append_text(right)
    return line


def _gates(
    minutes: Minutes, window: Window, gates: Sequence[Ranked], thresholds: Thresholds, width: int, viewport: Viewport
) -> _Section:
    if not gates:
        return _Section([heading("Gates: none", width)], [])
    if width < MAP_WIDTH:
        bars = [_gate(one, window.share(one.count), thresholds, width, viewport) for one in gates]
        return _Section([heading("Gates", width)], bars)
    name_width = _name_width(width)
    shown = columns(minutes.running, minutes.depth, width - name_width - 20)
    title = heading("Gates", width, legend(thresholds, ascii_only=viewport.ascii_only))
    labels = Text(f"{'':<{name_width}}{'count':>11}{'share':>7}  {axis(shown, minutes.running)}", "dim")
    stopped = {minute: _gate_counts(summary.reasons) for minute, summary in minutes.counted.items()}
    decided = {
        minute: sum(summary.decisions.get(name, 0) for name in DECISIONS) for minute, summary in minutes.counted.items()
    }
    rows = []
    for gate in gates:
        line = _named(gate.name, gate.count, window.share(gate.count), thresholds, name_width)
        shares: list[float | None] = []
        for column in shown.minutes:
            whole = sum(decided.get(minute, 0) for minute in column)
            part = sum(stopped[minute][gate.name] for minute in column if minute in stopped)
            shares.append(part / whole if whole else None)
        rows.append(line.append_text(heat(shares, shown.cells, thresholds, ascii_only=viewport.ascii_only)))
    return _Section([title, labels], rows)


def _gate_counts(reasons: Mapping[str, int]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for reason, count in reasons.items():
        counts[gate_of(reason)] += count
    return counts


def _gates_of(symbol: Symbol, thresholds: Thresholds, width: int, viewport: Viewport) -> _Section:
    """All gates that stop a symbol, with shares of its own decisions."""
    said = f"{number(symbol.window.total)} decisions, {mix(symbol.window.decisions, symbol.window.total)}"
    title = heading(f"{one_line(symbol.name, _NAME_LENGTH)}: {said}", width)
    rows = [_gate(gate, symbol.window.share(gate.count), thresholds, width, viewport) for gate in symbol.window.gates]
    return _Section([title], rows or [Text("nothing stops it", "dim")])


def _gate(gate: Ranked, share: float, thresholds: Thresholds, width: int, viewport: Viewport) -> Text:
    name_width = _name_width(width)
    line = _named(gate.name, gate.count, share, thresholds, name_width)
    drawn = bar(share, min(max(width - name_width - 21, 0), 60), ascii_only=viewport.ascii_only)
    return line.append(drawn, STYLES[thresholds.gate_severity(share)])


def _named(name: str, count: int, share: float, thresholds: Thresholds, name_width: int) -> Text:
    line = Text(fit(name, name_width))
    return line.append(f"{number(count):>11}{percent(share):>7}  ", STYLES[thresholds.gate_severity(share)])


def _symbols(picked: Picked, thresholds: Thresholds, width: int) -> _Section:
    """A line each: decisions, the share that was executed, and the gates that stop it most."""
    shown = len(picked.symbols)
    which = f"the {shown} busiest of {number(picked.matching)}" if shown < picked.matching else number(shown)
    rows = []
    for symbol in picked.symbols:
        executed = symbol.window.share_of(EXECUTE)
        line = Text(f"{fit(symbol.name, _SYMBOL_WIDTH)}{number(symbol.window.total):>11}")
        line.append(f"{percent(executed):>7} executed", STYLES[thresholds.decision_severity(EXECUTE, executed)])
        for gate in symbol.window.gates[:_GATES_OF_SYMBOL]:
            share = symbol.window.share(gate.count)
            line.append("  ").append(
                f"{one_line(gate.name, 40)} {percent(share)}", STYLES[thresholds.gate_severity(share)]
            )
        rows.append(line)
    return _Section([heading(f"Symbols: {which}", width)], rows)


def _name_width(width: int) -> int:
    if width < MAP_WIDTH:
        return min(max(width - 40, 20), 44)
    return min(max(width - 80, 24), 44)
