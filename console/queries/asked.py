"""The operator's questions.

Every `ask_*` blocks for a few round trips, and raises `connectors.errors.RedisFailure`; and, where it is asked of a
moment of which nothing can be told, `console.queries.moment.MomentError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import redis

from connectors.errors import RedisDenied, WrongType
from console.queries.alerts.firing import Firing, read_firing
from console.queries.answers import GATES, SYMBOLS, Everything, Gate, Health, Shares, SymbolGates, Symbols, Why
from console.queries.apps import AppState, read_app
from console.queries.counting import CountingFlow, read_flow, read_silence
from console.queries.latest import last_minute
from console.queries.life import P35, UNITS, Lives, read_lives
from console.queries.memory import read_memory
from console.queries.minutes import read_minutes
from console.queries.moment import When
from console.queries.symbol_names import Named, find_symbols
from console.queries.symbols import busiest, read_symbols, read_totals
from console.queries.unit import UnitState, read_units
from console.queries.verdict import verdict
from flows.domain.decisions import NO_REASON
from flows.domain.thresholds import Thresholds
from flows.domain.windows import Minutes, Window, minutes_of, span
from sinks.values.counts import WINDOWS


@dataclass(frozen=True, slots=True)
class Question:
    """Where to ask, and about which window."""

    client: redis.Redis
    prefix: str
    thresholds: Thresholds
    window: str = "5m"
    """One of `sinks.values.counts.WINDOWS`."""
    full: bool = False
    """Whole reasons instead of gates."""
    when: When | None = None
    """The moment at which the window ends; None: now."""


def ask_why(question: Question) -> Why:
    """Why are we not trading now, or then?"""
    firing = read_firing(question.client, question.prefix) if question.when is None else None
    return why_of(*read_asked(question), question.window, firing)


def ask_symbols(question: Question, names: Sequence[str] = ()) -> Symbols:
    """What stops each symbol?

    :arg names: the symbols to look at, in any case; none: the busiest.
    """
    return _symbols(question, *read_asked(question), names)


def ask_share(question: Question) -> Shares:
    """Which gates block most?"""
    return _share(question, *read_asked(question))


def ask_drift(question: Question, threshold: float | None = None) -> Shares:
    """Which gates stop more than `threshold` (0 to 1; None: that of the alerts) of all decisions?"""
    return _drift(question, *read_asked(question), question.thresholds.gate_medium if threshold is None else threshold)


def ask_health(question: Question) -> Health:
    """Are the flows well? May block for two seconds more, when systemd does not answer."""
    flow = read_flow(question.client, question.prefix, question.thresholds)
    unit, lives = _read_lives(question, flow)
    memory = read_memory(question.client)
    try:
        seen = read_asked(question, flow)[1].window(question.window)
    except (RedisDenied, WrongType) as error:
        # What else there is to say is needed all the more.
        return Health(flow, unit, None, lives, memory, f"what was counted is unknown: {error}")
    return Health(flow, unit, seen, lives, memory)


def ask_app(question: Question, name: str) -> AppState:
    """Is the App of that name well?"""
    return read_app(question.client, question.prefix, name)


def ask_everything(question: Question) -> Everything:
    """All of it, about the same minutes."""
    flow, minutes = read_asked(question)
    unit, lives = _read_lives(question, flow)
    return Everything(
        why_of(flow, minutes, question.window, read_firing(question.client, question.prefix)),
        _symbols(question, flow, minutes, ()),
        _share(question, flow, minutes),
        _drift(question, flow, minutes, question.thresholds.gate_medium),
        Health(flow, unit, minutes.window(question.window), lives, read_memory(question.client)),
    )


def _read_lives(question: Question, flow: CountingFlow) -> tuple[UnitState, Lives]:
    """The unit of p35, and the lives of all flows."""
    found = read_units(list(UNITS.values()))
    units = {name: found[unit] for name, unit in UNITS.items()}
    return units[P35], read_lives(question.client, question.prefix, flow, units)


def why_of(flow: CountingFlow, minutes: Minutes, window: str, firing: Firing | None = None) -> Why:
    """What `minutes`, that `flow` counted, say of a window. Pure."""
    seen = minutes.window(window)
    said = verdict(seen, flow.thresholds, minutes, flow)
    return Why(flow, seen, minutes.span(window, flow.now), said, last_minute(minutes, window), firing)


def _symbols(question: Question, flow: CountingFlow, minutes: Minutes, names: Sequence[str]) -> Symbols:
    client, prefix, window = question.client, question.prefix, question.window
    span = list(minutes_of(window, minutes.running))
    others, named = None, find_symbols(client, prefix, span, names)
    if not names:
        totals = read_totals(client, prefix, span)
        named = [Named(name) for name in busiest(totals, SYMBOLS)]
        others = len(busiest(totals, len(totals))) - len(named)
    found = read_symbols(client, prefix, minutes, window, [one.name for one in named])
    shown = tuple(
        SymbolGates(one, gates_of(one.window, question.full)[:GATES], which.nearest)
        for one, which in zip(found, named, strict=True)
    )
    return Symbols(flow, minutes.window(window), minutes.span(window, flow.now), shown, others, bool(names))


def _share(question: Question, flow: CountingFlow, minutes: Minutes) -> Shares:
    seen, threshold = minutes.window(question.window), flow.thresholds.gate_medium
    gates = gates_of(seen, question.full, threshold)[:GATES]
    return Shares(flow, seen, minutes.span(question.window, flow.now), threshold, gates)


def _drift(question: Question, flow: CountingFlow, minutes: Minutes, threshold: float) -> Shares:
    seen = minutes.window(question.window)
    above = tuple(gate for gate in gates_of(seen, question.full, threshold) if gate.flagged)
    return Shares(flow, seen, minutes.span(question.window, flow.now), threshold, above)


def gates_of(seen: Window, full: bool, threshold: float = 1.0) -> tuple[Gate, ...]:
    """What stopped decisions, most first: gates, or with `full` whole reasons; never `none`. Pure.

    :arg threshold: share (0 to 1) above which one is flagged.
    """
    ranked = tuple(one for one in seen.reasons if one.name != NO_REASON) if full else seen.gates
    return tuple(Gate(one.name, one.count, seen.share(one.count), seen.share(one.count) > threshold) for one in ranked)


def read_asked(question: Question, flow: CountingFlow | None = None) -> tuple[CountingFlow, Minutes]:
    """The counting flow, as far as it matters to the window in question, and the minutes of this.

    :arg flow: as it was read already.
    """
    client, prefix, when, length = question.client, question.prefix, question.when, WINDOWS[question.window]
    flow = read_flow(client, prefix, question.thresholds) if flow is None else flow
    last = flow.minute if when is None else when.minute(flow.now, length)
    # More than a short window, to tell for how long it has been so.
    depth = max(length, WINDOWS["15m"])
    if when is None or last == flow.minute:
        return flow, read_minutes(client, prefix, flow.minute, depth)
    depth = min(depth, last - when.oldest(flow.now) + 1)
    minutes = read_minutes(client, prefix, last, depth, flow.minute)
    silent = bool(minutes.window(question.window).total) or read_silence(client, prefix, span(length, last))
    return replace(flow, until=(last + 1) * 60, silent=silent), minutes
