"""The answers for a person: lines that fit the screen. What comes from Redis is made printable here. Pure."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.text import Text

from connectors.errors import one_line
from console.answers import GATES, REASONS, Answer, Everything, Gate, Health, Shares, SymbolGates, Symbols, Why
from console.headline import headline
from console.health_text import behind, health, lives_in_short
from console.read import NO_GATE, Window
from console.room import STYLES, Room
from console.table import Row, decisions, mix, ranking
from console.text import fit, many, number, percent
from console.verdict import Severity, gate_severity
from flows.gates import meaning


def as_text(answer: Answer, room: Room) -> list[Text]:
    """The lines of an answer; no more than fit. On a terminal, what is to be known of the numbers comes first."""
    lines: list[Text] = []
    if room.width is not None and not isinstance(answer, Health):  # (which has them among its lines)
        for warning in answer.service.warnings:
            wrapped = textwrap.wrap(f"! {warning}", room.width)
            lines += [Text(line, STYLES[Severity.SERIOUS]) for line in wrapped]
        if room.height is not None:
            room = replace(room, height=max(room.height - len(lines), 1))
    lines += _lines(answer, room)
    for line in lines:
        if room.width is not None:
            line.truncate(room.width, overflow="ellipsis")
    return lines


def _lines(answer: Answer, room: Room) -> Iterator[Text]:
    if isinstance(answer, Why):
        yield from _why(answer, room)
    elif isinstance(answer, Symbols):
        yield from _symbols(answer, room)
    elif isinstance(answer, Shares):
        yield from _shares(answer, room)
    elif isinstance(answer, Health):
        yield from health(answer, room)
    else:
        yield from _everything(answer, room)


def _why(answer: Why, room: Room) -> Iterator[Text]:
    head = headline(answer)
    yield from head
    yield _about(answer.window, f", {percent(answer.skip_rate)} skipped")
    yield from decisions(answer.window)
    if room.height is None:
        yield Text("")
    reasons = answer.reasons[: room.rows(REASONS, 7 + len(head))]
    yield from ranking([_reason_row(one.name, one.count, answer.window) for one in reasons], room, "reason")
    yield from _next_step(answer.window)


def _symbols(answer: Symbols, room: Room) -> Iterator[Text]:
    if not answer.named:
        others = f", and {number(answer.others)} more" if answer.others else ""
        yield _about(answer.window, f", the busiest symbols{others}")
        if not answer.symbols:
            yield Text("No symbol has any decisions (or the flow runs with ENABLE_SYMBOL_BREAKDOWN=false).")
        elif room.height is not None:
            yield from _symbol_lines(answer.symbols, room)
            yield Text("What stops one of them in detail: quantum symbols SYMBOL", "dim")
            return
    each = GATES
    if room.height is not None:
        # A symbol takes two lines, and one to the next.
        each = min(room.height // len(answer.symbols) - 3, GATES)
        if each < 3:
            yield from _symbol_lines(answer.symbols, room)
            return
    for at, one in enumerate(answer.symbols):
        if at or not answer.named:
            yield Text("")
        yield from _symbol(one, answer.window, room, each)


def _symbol_lines(symbols: Sequence[SymbolGates], room: Room) -> Iterator[Text]:
    """One line a symbol."""
    width = max(len(one_line(one.symbol.name)) for one in symbols)
    width = min(max(width, 6), 20)
    yield Text(f"{fit('symbol', width)}{'total':>9}{'EXECUTE':>9}{'SKIP':>7}{'BLOCKED':>9}  gates", "dim")
    for one in symbols[: room.rows(len(symbols), 3)]:
        symbol = one.symbol
        shares = [percent(symbol.share(symbol.decisions[name])) for name in ("EXECUTE", "SKIP", "BLOCKED")]
        line = Text(f"{fit(symbol.name, width)}{number(symbol.total):>9}{shares[0]:>9}{shares[1]:>7}{shares[2]:>9}  ")
        for at, gate in enumerate(one.gates):
            line.append(", " if at else "")
            line.append(f"{one_line(gate.name)} {percent(gate.share)}", STYLES[gate_severity(gate.share)])
        yield line


def _symbol(one: SymbolGates, window: Window, room: Room, rows: int) -> Iterator[Text]:
    symbol = one.symbol
    if not symbol.total:
        yield Text(f"{one_line(symbol.name)}: no decisions in {window.name}")
        return
    counted = f"{many(symbol.total, 'decision')} in {window.name}"
    yield Text(f"{one_line(symbol.name)}: {counted}: {mix(symbol.decisions, symbol.total)}")
    if one.gates:
        yield from ranking([_gate_row(gate) for gate in one.gates[:rows]], room, "gate")


def _shares(answer: Shares, room: Room) -> Iterator[Text]:
    window, threshold = answer.window, percent(answer.threshold)
    yield _about(window)
    if not answer.gates:
        if answer.service.blind and not window.total:
            yield Text(f"Unknown: {answer.service.blind}", STYLES[Severity.SERIOUS])
            return
        above = any(window.share(gate.count) > answer.threshold for gate in window.gates)
        yield Text(f"No gate stops more than {threshold} of all decisions." if not above else "No gate at all.")
        return
    flagged = sum(gate.flagged for gate in answer.gates)
    yield Text("")
    shown = answer.gates[: room.rows(len(answer.gates), 5)]
    rows = [_gate_row(gate, f"above {threshold}" if gate.flagged else "") for gate in shown]
    yield from ranking(rows, room, "gate")
    if flagged:
        yield from _next_step(window)


def _everything(answer: Everything, room: Room) -> Iterator[Text]:
    """On a screen: the essence of each on few lines. Elsewhere: all of each."""
    if room.height is None:
        parts: dict[str, Answer] = {
            "a) why": answer.why,
            "b) symbols": answer.symbols,
            "c) share": answer.share,
            "d) drift": answer.drift,
            "e) health": answer.health,
        }
        for title, part in parts.items():
            yield Text(title, "bold")
            yield from _lines(part, room)
            yield Text("")
        return
    window = answer.why.window
    head = headline(answer.why)
    lives = list(lives_in_short(answer.health.lives, answer.service.now))
    # Lines: head, window, 3 of decisions, 3 headings, 3 of health, the flows; the rest is reasons, gates, symbols.
    rows = max(room.height - 10 - len(head) - len(lives), 6)
    reasons, gates = rows - 2 * (rows // 3), rows // 3
    yield from head
    yield _about(window, f", {percent(answer.why.skip_rate)} skipped")
    yield from decisions(window)
    shown = answer.why.reasons[: min(reasons, REASONS)]
    yield from ranking([_reason_row(one.name, one.count, window) for one in shown], room, "reason")
    limit = percent(answer.share.threshold)
    flagged = [_gate_row(gate, f"above {limit}" if gate.flagged else "") for gate in answer.share.gates[:gates]]
    yield from ranking(flagged, room, "gate")
    if answer.symbols.symbols:
        yield from _symbol_lines(answer.symbols.symbols[:gates], room)
    yield next(health(answer.health, room))
    status = answer.health.service.status
    group = answer.health.service.group
    if group is not None:
        processed = (
            f"processed {number(status.processed_total)}, pending {number(group.pending)}, lag {number(group.lag)}"
        )
        yield Text(processed, behind(group))
    yield from lives


def _about(window: Window, more: str = "") -> Text:
    span = {"1m": "this minute", "5m": "5 minutes", "15m": "15 minutes", "1h": "the last hour"}[window.name]
    return Text(f"{span}: {many(window.total, 'decision')}{more}")


def _reason_row(name: str, count: int, window: Window) -> Row:
    share = window.share(count)
    return Row(name, count, share, Severity.NORMAL if name == NO_GATE else gate_severity(share))


def _gate_row(gate: Gate, note: str = "") -> Row:
    return Row(gate.name, gate.count, gate.share, gate_severity(gate.share), note)


def _next_step(window: Window) -> Iterator[Text]:
    if window.gates:
        gate = window.gates[0].name
        yield Text(f"{one_line(gate)}: {meaning(gate)}")
        yield Text(f"What to do: quantum explain {shlex.quote(one_line(gate))}", "dim")
