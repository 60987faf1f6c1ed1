"""The answers to the operator's questions, as frozen values: asked here, shown elsewhere.

Every `ask_*` blocks for a few round trips, and raises `connectors.errors.RedisFailure`; and, where it is asked of a
moment (`when`) of which nothing can be told, `console.queries.moment.MomentError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import redis

from connectors.errors import RedisDenied, WrongType
from console.queries.asked import read_asked
from console.queries.counting import CountingFlow, read_service
from console.queries.firing import Firing, read_firing
from console.queries.latest import LastMinute, last_minute
from console.queries.life import P35, UNITS, Lives, read_lives
from console.queries.moment import When
from console.queries.symbol_names import Named, find_symbols
from console.queries.symbols import Symbol, busiest, read_symbols, read_totals
from console.queries.unit import UnitState, read_units
from console.queries.verdict import Verdict, verdict
from flows.domain.decisions import NO_REASON
from flows.domain.thresholds import Thresholds
from flows.domain.windows import Minutes, Span, Window, minutes_of
from sinks.values.counts import SKIP, Ranked

REASONS, GATES, SYMBOLS = 15, 10, 10
"""How many of each are shown."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate (or, where whole reasons were asked for, a reason)."""

    name: str
    count: int
    share: float
    """Of all decisions in question, 0 to 1."""
    flagged: bool = False
    """Whether the share is above the threshold that was asked for."""


@dataclass(frozen=True, slots=True)
class Why:
    """Query a."""

    service: CountingFlow
    window: Window
    span: Span
    verdict: Verdict
    latest: LastMinute | None
    """Its last full minute; None where that is all of it, or none."""
    firing: Firing | None = None
    """The alerts that fire now; None where that was not asked, as of the past."""

    @property
    def reasons(self) -> tuple[Ranked, ...]:
        """The top reasons; `none` is among them."""
        return self.window.reasons[:REASONS]

    @property
    def skip_rate(self) -> float:
        """SKIP as a part of all decisions, 0 to 1."""
        return self.window.share_of(SKIP)


@dataclass(frozen=True, slots=True)
class SymbolGates:
    """A symbol, and what stopped it; shares are of the decisions on this symbol."""

    symbol: Symbol
    gates: tuple[Gate, ...]
    nearest: tuple[str, ...] | None = None
    """The known symbols with names like this one's, where it is not known itself."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """Query b."""

    service: CountingFlow
    window: Window
    span: Span
    symbols: tuple[SymbolGates, ...]
    others: int | None
    """How many more symbols had decisions; None where single ones were asked for."""
    named: bool
    """Whether single ones were asked for."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Query c; and d, where only gates above the threshold are in it."""

    service: CountingFlow
    window: Window
    span: Span
    threshold: float
    """0 to 1."""
    gates: tuple[Gate, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """Query e."""

    service: CountingFlow
    unit: UnitState
    window: Window | None
    """What it has counted of late; None where that cannot be read."""
    lives: Lives
    """Of all flows."""
    trouble: str = ""
    """Why it cannot, printable."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the numbers may not be what they seem, and what could not be read."""
        return (*self.service.warnings, *filter(None, (self.lives.trouble, self.trouble)))


@dataclass(frozen=True, slots=True)
class Everything:
    """Queries a to e, of one moment."""

    why: Why
    symbols: Symbols
    share: Shares
    drift: Shares
    health: Health

    @property
    def service(self) -> CountingFlow:
        """The same in each."""
        return self.why.service


Answer = Why | Symbols | Shares | Health | Everything


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
