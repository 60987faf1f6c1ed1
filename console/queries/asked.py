"""The operator's questions.

Every `ask_*` blocks for a few round trips, and raises `connectors.errors.RedisFailure`; and, where it is asked of a
moment (`when`) of which nothing can be told, `console.queries.moment.MomentError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import redis

from connectors.errors import RedisDenied, WrongType
from console.queries.answers import GATES, SYMBOLS, Everything, Gate, Health, Shares, SymbolGates, Symbols, Why
from console.queries.counting import CountingFlow, read_service
from console.queries.firing import Firing, read_firing
from console.queries.latest import last_minute
from console.queries.life import P35, UNITS, Lives, read_lives
from console.queries.minutes import read_minutes
from console.queries.moment import When
from console.queries.symbol_names import Named, find_symbols
from console.queries.symbols import busiest, read_symbols, read_totals
from console.queries.unit import UnitState, read_units
from console.queries.verdict import verdict
from flows.domain.decisions import NO_REASON
from flows.domain.thresholds import Thresholds
from flows.domain.windows import Minutes, Window, minutes_of
from sinks.values.counts import WINDOWS


def ask_why(client: redis.Redis, prefix: str, thresholds: Thresholds, window: str, when: When | None = None) -> Why:
    """Why are we not trading now, or then?"""
    firing = read_firing(client, prefix) if when is None else None
    return why_of(*read_asked(client, prefix, thresholds, window, when), window, firing)


def ask_symbols(
    client: redis.Redis,
    prefix: str,
    thresholds: Thresholds,
    window: str,
    names: Sequence[str] = (),
    *,
    full: bool,
    when: When | None = None,
) -> Symbols:
    """What stops each symbol?

    :arg names: the symbols to look at, in any case; none: the busiest.
    :arg full: whole reasons instead of gates.
    """
    service, minutes = read_asked(client, prefix, thresholds, window, when)
    return _symbols(client, prefix, service, minutes, window, names, full)


def ask_share(
    client: redis.Redis, prefix: str, thresholds: Thresholds, window: str, *, full: bool, when: When | None = None
) -> Shares:
    """Which gates block most?"""
    return _share(*read_asked(client, prefix, thresholds, window, when), window, full)


def ask_drift(
    client: redis.Redis,
    prefix: str,
    thresholds: Thresholds,
    window: str,
    threshold: float | None = None,
    *,
    full: bool,
    when: When | None = None,
) -> Shares:
    """Which gates stop more than `threshold` (0 to 1) of all decisions?

    :arg threshold: None: that of the alerts.
    """
    threshold = thresholds.gate_medium if threshold is None else threshold
    return _drift(*read_asked(client, prefix, thresholds, window, when), window, threshold, full)


def ask_health(client: redis.Redis, prefix: str, thresholds: Thresholds, window: str) -> Health:
    """Are the services well? May block for two seconds more, when systemd does not answer."""
    service = read_service(client, prefix, thresholds)
    unit, lives = _read_lives(client, prefix, service)
    try:
        seen = read_asked(client, prefix, thresholds, window, service=service)[1].window(window)
    except (RedisDenied, WrongType) as error:
        # What else there is to say is needed all the more.
        return Health(service, unit, None, lives, f"what was counted is unknown: {error}")
    return Health(service, unit, seen, lives)


def ask_everything(client: redis.Redis, prefix: str, thresholds: Thresholds, window: str, *, full: bool) -> Everything:
    """All of it, about the same minutes."""
    service, minutes = read_asked(client, prefix, thresholds, window)
    unit, lives = _read_lives(client, prefix, service)
    return Everything(
        why_of(service, minutes, window, read_firing(client, prefix)),
        _symbols(client, prefix, service, minutes, window, (), full),
        _share(service, minutes, window, full),
        _drift(service, minutes, window, thresholds.gate_medium, full),
        Health(service, unit, minutes.window(window), lives),
    )


def _read_lives(client: redis.Redis, prefix: str, service: CountingFlow) -> tuple[UnitState, Lives]:
    """The unit of p35, and the lives of all flows."""
    found = read_units(list(UNITS.values()))
    units = {name: found[unit] for name, unit in UNITS.items()}
    return units[P35], read_lives(client, prefix, service, units)


def why_of(service: CountingFlow, minutes: Minutes, window: str, firing: Firing | None = None) -> Why:
    """What `minutes`, that `service` counted, say of a window. Pure."""
    seen = minutes.window(window)
    said = verdict(seen, service.thresholds, minutes, service)
    return Why(service, seen, minutes.span(window, service.now), said, last_minute(minutes, window), firing)


def _symbols(
    client: redis.Redis,
    prefix: str,
    service: CountingFlow,
    minutes: Minutes,
    window: str,
    names: Sequence[str],
    full: bool,
) -> Symbols:
    span = list(minutes_of(window, minutes.running))
    others, named = None, find_symbols(client, prefix, span, names)
    if not names:
        totals = read_totals(client, prefix, span)
        named = [Named(name) for name in busiest(totals, SYMBOLS)]
        others = len(busiest(totals, len(totals))) - len(named)
    found = read_symbols(client, prefix, minutes, window, [one.name for one in named])
    shown = tuple(
        SymbolGates(one, gates_of(one.window, full)[:GATES], which.nearest)
        for one, which in zip(found, named, strict=True)
    )
    seen = minutes.window(window)
    return Symbols(service, seen, minutes.span(window, service.now), shown, others, bool(names))


def _share(service: CountingFlow, minutes: Minutes, window: str, full: bool) -> Shares:
    seen = minutes.window(window)
    threshold = service.thresholds.gate_medium
    return Shares(service, seen, minutes.span(window, service.now), threshold, gates_of(seen, full, threshold)[:GATES])


def _drift(service: CountingFlow, minutes: Minutes, window: str, threshold: float, full: bool) -> Shares:
    seen = minutes.window(window)
    above = tuple(gate for gate in gates_of(seen, full, threshold) if gate.flagged)
    return Shares(service, seen, minutes.span(window, service.now), threshold, above)


def gates_of(seen: Window, full: bool, threshold: float = 1.0) -> tuple[Gate, ...]:
    """What stopped decisions, most first: gates, or with `full` whole reasons; never `none`. Pure.

    :arg threshold: share (0 to 1) above which one is flagged.
    """
    ranked = tuple(one for one in seen.reasons if one.name != NO_REASON) if full else seen.gates
    return tuple(Gate(one.name, one.count, seen.share(one.count), seen.share(one.count) > threshold) for one in ranked)


def read_asked(
    client: redis.Redis,
    prefix: str,
    thresholds: Thresholds,
    window: str,
    when: When | None = None,
    service: CountingFlow | None = None,
) -> tuple[CountingFlow, Minutes]:
    """What is to be known of the service about the minutes of `window`, and these minutes.

    Blocks for a few round trips; raises `connectors.errors.RedisFailure`.

    :arg when: the moment the window ends; None: now.
    :arg service: as it was read already.
    :raises MomentError: nothing can be told of that moment.
    """
    service = read_service(client, prefix, thresholds) if service is None else service
    last = service.minute if when is None else when.minute(service.now, WINDOWS[window])
    # More than a short window, to tell for how long it has been so.
    depth = max(WINDOWS[window], WINDOWS["15m"])
    if when is None or last == service.minute:
        return service, read_minutes(client, prefix, service.minute, depth)
    depth = min(depth, last - when.oldest(service.now) + 1)
    return service_then(service, (last + 1) * 60), read_minutes(client, prefix, last, depth, service.minute)


@dataclass(frozen=True)
class CountingFlowThen(CountingFlow):
    """The service as it is now, which matters to an answer about the past only where that was not all counted."""

    end: float
    """When the minutes in question were over, epoch seconds."""

    @property
    def counted_beyond(self) -> bool:
        """Whether a decision that came after those minutes has been counted."""
        return self.status.last_ts is not None and self.status.last_ts >= self.end

    @property
    def blind(self) -> str:
        """Why those minutes may not be counted, printable and short; empty where they are."""
        return "" if self.counted_beyond else super().blind

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the numbers may not be what they seem; a printable sentence each."""
        return () if self.counted_beyond else super().warnings


def service_then(service: CountingFlow, end: float) -> CountingFlowThen:
    """`service`, for an answer about minutes that were over at `end` (epoch seconds)."""
    return CountingFlowThen(**{field.name: getattr(service, field.name) for field in fields(service)}, end=end)
