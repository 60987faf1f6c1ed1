"""The answers for a person: lines that fit the screen. What comes from Redis is made printable here. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.text import Text

from connectors.text import one_line
from console.cli.app_text import app_health
from console.cli.compare_text import comparison
from console.cli.health_text import behind, health, lives_in_short
from console.cli.lines import about, firing, gate_rows, headline, latest, next_step, reason_row, warnings, wrapped
from console.queries.answers import (
    GATES,
    REASONS,
    Answer,
    Comparison,
    Everything,
    Health,
    Shares,
    SymbolGates,
    Symbols,
    Why,
)
from console.queries.apps import AppState
from console.queries.readable import many, number, percent
from console.terminal.cells import fit
from console.terminal.table import decisions, mix, ranking
from console.terminal.viewport import STYLES, Viewport, cut
from flows.domain.thresholds import Severity, Thresholds
from flows.domain.windows import Window


def as_text(answer: Answer, viewport: Viewport) -> list[Text]:
    """The lines of an answer; no more than fit. On a terminal, what is to be known of the numbers comes first."""
    # (Those of health have them among their lines.)
    top = [] if isinstance(answer, Health | AppState) else warnings(answer.warnings, viewport)
    if viewport.height is not None:
        viewport = replace(viewport, height=max(viewport.height - len(top), 1))
    return cut([*top, *_lines(answer, viewport)], viewport.width)


def _lines(answer: Answer, viewport: Viewport) -> Iterator[Text]:
    if isinstance(answer, Why):
        yield from _why(answer, viewport)
    elif isinstance(answer, Symbols):
        yield from _symbols(answer, viewport)
    elif isinstance(answer, Shares):
        yield from _shares(answer, viewport)
    elif isinstance(answer, Health):
        yield from health(answer, viewport)
    elif isinstance(answer, AppState):
        yield from app_health(answer)
    elif isinstance(answer, Comparison):
        yield from comparison(answer, viewport)
    else:
        yield from _everything(answer, viewport)


def _why(answer: Why, viewport: Viewport) -> Iterator[Text]:
    top = [*_top(answer, viewport), *([Text("")] if viewport.height is None else [])]
    bottom = next_step(answer.window, viewport, answer.verdict.gate)
    yield from top
    reasons = answer.reasons[: viewport.rows(REASONS, len(top) + 1 + len(bottom))]
    yield from ranking(
        [reason_row(one.name, one.count, answer.window, answer.flow.thresholds) for one in reasons], viewport, "reason"
    )
    yield from bottom


def _top(answer: Why, viewport: Viewport) -> list[Text]:
    """What matters most: the verdict, what fires, the window, its decisions, and its last minute."""
    skipped = f", {percent(answer.skip_rate)} skipped"
    return [
        *headline(answer, viewport),
        *firing(answer, viewport),
        about(answer.window, answer.span, skipped),
        *latest(answer.latest, viewport),
        *decisions(answer.window, answer.flow.thresholds),
    ]


def _symbols(answer: Symbols, viewport: Viewport) -> Iterator[Text]:
    if not answer.named:
        others = f", and {number(answer.others)} more" if answer.others else ""
        yield about(answer.window, answer.span, f", the busiest symbols{others}")
        if not answer.symbols:
            none = "No symbol has any decisions (or the flow runs with ENABLE_SYMBOL_BREAKDOWN=false)."
            yield from wrapped(none, viewport)
            return
        if viewport.height is not None:
            yield from _symbol_lines(answer.symbols, viewport, answer.flow.thresholds)
            yield Text("What stops one of them in detail: quantum symbols SYMBOL", "dim")
            return
    each = GATES
    if viewport.height is not None:
        # A symbol takes two lines, and one to the next.
        each = min(viewport.height // len(answer.symbols) - 3, GATES)
        if each < 3:
            yield from _symbol_lines(answer.symbols, viewport, answer.flow.thresholds)
            return
    for at, one in enumerate(answer.symbols):
        if at or not answer.named:
            yield Text("")
        yield from _symbol(one, answer, viewport, each)


def _symbol_lines(symbols: Sequence[SymbolGates], viewport: Viewport, thresholds: Thresholds) -> Iterator[Text]:
    """One line a symbol."""
    width = max(len(one_line(one.symbol.name)) for one in symbols)
    width = min(max(width, 6), 20)
    yield Text(f"{fit('symbol', width)}{'total':>9}{'EXECUTE':>9}{'SKIP':>7}{'BLOCKED':>9}  gates", "dim")
    for one in symbols[: viewport.rows(len(symbols), 3)]:
        window = one.symbol.window
        shares = [percent(window.share_of(name)) for name in ("EXECUTE", "SKIP", "BLOCKED")]
        line = Text(f"{fit(one.symbol.name, width)}{number(window.total):>9}")
        line.append(f"{shares[0]:>9}{shares[1]:>7}{shares[2]:>9}  ")
        for at, gate in enumerate(one.gates):
            said = f"{', ' if at else ''}{one_line(gate.name)} {percent(gate.share)}"
            if at and viewport.width is not None and line.cell_len + cell_len(said) > viewport.width:
                break
            line.append(said, STYLES[thresholds.gate_severity(gate.share)])
        yield line


def _symbol(one: SymbolGates, answer: Symbols, viewport: Viewport, rows: int) -> Iterator[Text]:
    symbol, window = one.symbol, answer.window
    if not symbol.window.total:
        yield from _nothing(one, window, viewport)
        return
    counted = f"{many(symbol.window.total, 'decision')} in {window.name}"
    yield Text(f"{one_line(symbol.name)}: {counted}: {mix(symbol.window.decisions, symbol.window.total)}")
    if one.gates:
        yield from ranking(list(gate_rows(one.gates[:rows], 1.0, answer.flow.thresholds)), viewport, "gate")


def _nothing(one: SymbolGates, window: Window, viewport: Viewport) -> list[Text]:
    name = one_line(one.symbol.name)
    if one.nearest is None:
        return wrapped(f"{name}: no decisions in {window.name}", viewport)
    nearest = f"the nearest: {', '.join(map(one_line, one.nearest))}" if one.nearest else "none has a name like it"
    return wrapped(f"{name}: no decisions in {window.name}, and no known symbol; {nearest}", viewport)


def _shares(answer: Shares, viewport: Viewport) -> Iterator[Text]:
    window, threshold = answer.window, percent(answer.threshold)
    yield about(window, answer.span)
    if not answer.gates:
        if answer.flow.blind and not window.total:
            yield Text(f"Unknown: {answer.flow.blind}", STYLES[Severity.SERIOUS])
            return
        above = any(window.share(gate.count) > answer.threshold for gate in window.gates)
        yield Text(f"No gate stops more than {threshold} of all decisions." if not above else "No gate at all.")
        return
    bottom = next_step(window, viewport) if any(gate.flagged for gate in answer.gates) else []
    yield Text("")
    shown = answer.gates[: viewport.rows(len(answer.gates), 3 + len(bottom))]
    yield from ranking(list(gate_rows(shown, answer.threshold, answer.flow.thresholds)), viewport, "gate")
    yield from bottom


def _everything(answer: Everything, viewport: Viewport) -> Iterator[Text]:
    """On a screen: the essence of each on few lines. Elsewhere: all of each."""
    if viewport.height is None:
        parts: dict[str, Answer] = {
            "a) why": answer.why,
            "b) symbols": answer.symbols,
            "c) share": answer.share,
            "d) drift": answer.drift,
            "e) health": answer.health,
        }
        for title, part in parts.items():
            yield Text(title, "bold")
            yield from _lines(part, viewport)
            yield Text("")
        return
    window, thresholds = answer.why.window, answer.flow.thresholds
    top = _top(answer.why, viewport)
    lives = list(lives_in_short(answer.health.lives, answer.flow.now))
    # Beside these 3 headings, 2 lines of health and the flows; the rest goes to reasons, gates and symbols.
    rows = max(viewport.height - len(top) - 5 - len(lives), 6)
    reasons, gates = rows - 2 * (rows // 3), rows // 3
    yield from top
    shown = answer.why.reasons[: min(reasons, REASONS)]
    yield from ranking([reason_row(one.name, one.count, window, thresholds) for one in shown], viewport, "reason")
    yield from ranking(
        list(gate_rows(answer.share.gates[:gates], answer.share.threshold, thresholds)), viewport, "gate"
    )
    if answer.symbols.symbols:
        yield from _symbol_lines(answer.symbols.symbols[:gates], viewport, thresholds)
    yield next(health(answer.health, viewport))
    status = answer.health.flow.status
    group = answer.health.flow.group
    if group is not None:
        processed = (
            f"processed {number(status.processed_total)}, pending {number(group.pending)}, lag {number(group.lag)}"
        )
        yield Text(processed, behind(answer.flow))
    yield from lives
