"""The answers to the operator's questions, as frozen values: asked in `console.queries.asked`, shown elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from console.queries.counting import CountingFlow
from console.queries.firing import Firing
from console.queries.latest import LastMinute
from console.queries.life import Lives
from console.queries.symbols import Symbol
from console.queries.unit import UnitState
from console.queries.verdict import Verdict
from flows.domain.windows import Span, Window
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
    """The answer to `quantum why` (a)."""

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
    """The answer to `quantum symbols` (b)."""

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
    """The answers to `quantum share` (c) and, with the gates above the threshold alone, `quantum drift` (d)."""

    service: CountingFlow
    window: Window
    span: Span
    threshold: float
    """0 to 1."""
    gates: tuple[Gate, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """The answer to `quantum health` (e)."""

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
