"""Names by times: what blocked in each minute or hour, and which symbols did not trade then.

Text comes as it is in Redis, and must be made printable before a screen gets it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import redis

from console.queries.history import STEPS, Asked, Retention
from console.queries.json import head
from console.queries.minutes import Progress, read_slices
from console.queries.moment import MomentError
from console.queries.nearest import as_counted
from console.queries.rollups import WHOLE, WITHOUT_PAIRS, WITHOUT_SYMBOLS, read_rollups, with_symbol
from flows.domain.decisions import NO_REASON
from flows.domain.history import of_minute
from flows.domain.windows import add, rank
from sinks.values.counts import EXECUTE, Counts
from sinks.values.history import RollUp

GATES, SYMBOLS, REASONS = KINDS = ("gates", "symbols", "reasons")
"""What a row may stand for."""

MOST_CELLS = 300_000
"""A day of minutes is 1,440 columns; the rows that come last are left out above that."""


@dataclass(frozen=True, slots=True)
class HeatmapRow:
    """A gate, a reason or a symbol. Its sequences have an element for each time; None: nothing is known of it."""

    name: str
    counts: Sequence[int | None]
    """Decisions that the gate or reason blocked, or decisions on the symbol that were not executed."""
    shares: Sequence[float | None]
    """The same as a part of the decisions of that time, or of those on the symbol; 0 to 1, 4 decimals."""
    totals: Sequence[int | None] | None = None
    """Of a symbol: all decisions on it, which its counts are parts of. Whoever adds up times needs them."""


@dataclass(frozen=True, slots=True)
class Heatmap:
    """The whole answer. Times are epoch seconds."""

    now: float
    """By the clock of Redis."""
    kind: str
    """One of KINDS."""
    by: str
    """`minute` or `hour`."""
    times: Sequence[int]
    """When each step began, oldest first."""
    symbol: str | None
    """Whose decisions these are, as it is counted; None: all of them."""
    rows: tuple[HeatmapRow, ...]
    """The one with the highest count first."""
    others: int
    """How many rows were left out."""
    totals: Sequence[int | None]
    """All decisions of each time, or those on the symbol."""
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """What was counted at one time."""

    total: int
    counts: Mapping[str, int]
    of: Mapping[str, int] | None = None
    """What each count is a part of; None: of the total."""

    def share(self, name: str) -> float:
        of = self.total if self.of is None else self.of.get(name, 0)
        return round(self.counts.get(name, 0) / of, 4) if of else 0.0


def ask_heatmap(
    client: redis.Redis,
    prefix: str,
    kind: str,
    asked: Asked,
    now: float,
    kept: Retention,
    limit: int,
    progress: Progress = lambda _what, _done, _total: None,
) -> Heatmap:
    """Answer. Blocks for a round trip each 15 steps or so; raises `connectors.errors.RedisFailure`.

    :arg kind: one of KINDS.
    :arg asked: by `minute` or `hour`, from when to when, of which symbol. Its gate does not matter.
    :arg now: epoch seconds, by the clock of Redis.
    :arg kept: for how long.
    :arg limit: so many rows at the most.
    :raises MomentError: see `Asked.span`; or reasons are asked for by the hour, which history does not keep.
    """
    if kind == REASONS and asked.by != "minute":
        said = "has no reasons: they are kept by the minute alone; of hours there are gates"
        raise MomentError(f"--step {asked.by} {said}")
    span = asked.span(now, kept)
    found = _read(client, prefix, kind, asked, span, int(now // 60), progress)
    symbol = asked.symbol
    warnings: list[str] = []
    if symbol is not None:
        known = {name for one in found.values() for name, _ in one.symbol_decisions}
        symbol = as_counted("symbol", symbol, known, warnings)
    of = _of_symbols if kind == SYMBOLS else _of_gates
    steps = {start: of(one, symbol) for start, one in found.items()}
    sums = rank(add(step.counts for step in steps.values()))
    names = [one.name for one in sums if one.count][: min(limit, MOST_CELLS // max(len(span), 1))]
    shown = [steps.get(start) for start in span]
    return Heatmap(
        now,
        kind,
        asked.by,
        [start * 60 for start in span],
        symbol,
        tuple(
            HeatmapRow(
                name,
                [None if step is None else step.counts.get(name, 0) for step in shown],
                [None if step is None else step.share(name) for step in shown],
                [None if step is None else (step.of or {}).get(name, 0) for step in shown] if kind == SYMBOLS else None,
            )
            for name in names
        ),
        sum(1 for one in sums if one.count) - len(names),
        [None if step is None else step.total for step in shown],
        tuple(warnings),
    )


def _read(
    client: redis.Redis, prefix: str, kind: str, asked: Asked, span: range, running: int, progress: Progress
) -> dict[int, RollUp]:
    """What was counted at those times of `span` that are known. Where reasons are asked for, they are its gates.

    :arg running: the minute that it is now.
    """
    symbol = asked.symbol
    if asked.by != "minute":
        fields = WITHOUT_PAIRS if kind == SYMBOLS else WITHOUT_SYMBOLS if symbol is None else WHOLE
        return read_rollups(client, prefix, span, STEPS[asked.by], fields, progress)
    slices = read_slices(client, prefix, span, now=running, symbols=kind == SYMBOLS, progress=progress)
    counted: dict[int, Counts] = dict(slices)
    if symbol is not None:
        counted = with_symbol(client, prefix, counted, symbol)
    found = {minute: of_minute(minute, one) for minute, one in counted.items()}
    if kind == REASONS:
        return {
            minute: replace(found[minute], gates=one.reasons, symbol_gates=one.symbol_reasons)
            for minute, one in counted.items()
        }
    return found


def _of_gates(one: RollUp, symbol: str | None) -> _Step:
    decisions = one.decisions if symbol is None else _of(one.symbol_decisions, symbol)
    gates = one.gates if symbol is None else _of(one.symbol_gates, symbol)
    return _Step(sum(decisions.values()), {name: count for name, count in gates.items() if name != NO_REASON})


def _of_symbols(one: RollUp, symbol: str | None) -> _Step:
    mine = {pair: count for pair, count in one.symbol_decisions.items() if symbol in (None, pair[0])}
    totals = add({name: count} for (name, _), count in mine.items())
    executed = {name: count for (name, decision), count in mine.items() if decision == EXECUTE}
    total = sum(one.decisions.values()) if symbol is None else totals[symbol]
    return _Step(total, {name: count - executed.get(name, 0) for name, count in totals.items()}, totals)


def _of(pairs: Mapping[tuple[str, str], int], symbol: str) -> dict[str, int]:
    """What `pairs` say of `symbol`."""
    return {name: count for (of, name), count in pairs.items() if of == symbol}


def as_json(heatmap: Heatmap) -> dict[str, Any]:
    """One object, documented in docs/console.md."""
    return {
        **head("heatmap"),
        "as_of": heatmap.now,
        "warnings": list(heatmap.warnings),
        "kind": heatmap.kind,
        "step": heatmap.by,
        "symbol": heatmap.symbol,
        "times": list(heatmap.times),
        "totals": list(heatmap.totals),
        "rows": [
            {
                "name": row.name,
                "counts": list(row.counts),
                "shares": list(row.shares),
                "totals": None if row.totals is None else list(row.totals),
            }
            for row in heatmap.rows
        ],
        "other_rows": heatmap.others,
    }
