"""The answers to the operator's questions, as frozen values: asked in `console.queries.asked`, shown elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from console.queries.alerts.firing import Firing
from console.queries.apps import AppState
from console.queries.counting import CountingFlow
from console.queries.latest import LastMinute
from console.queries.life import Lives
from console.queries.memory import Memory
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
class OfWindow:
    """An answer about one window."""

    flow: CountingFlow
    window: Window
    span: Span

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the numbers may not be what they seem; a printable sentence each."""
        return self.flow.warnings


@dataclass(frozen=True, slots=True)
class Why(OfWindow):
    """The answer to `quantum why` (a)."""

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
class Symbols(OfWindow):
    """The answer to `quantum symbols` (b)."""

    symbols: tuple[SymbolGates, ...]
    others: int | None
    """How many more symbols had decisions; None where single ones were asked for."""
    named: bool
    """Whether single ones were asked for."""


@dataclass(frozen=True, slots=True)
class Shares(OfWindow):
    """The answers to `quantum share` (c) and, with the gates above the threshold alone, `quantum drift` (d)."""

    threshold: float
    """0 to 1."""
    gates: tuple[Gate, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """The answer to `quantum health` (e)."""

    flow: CountingFlow
    unit: UnitState
    window: Window | None
    """What it has counted of late; None where that cannot be read."""
    lives: Lives
    """Of all flows."""
    memory: Memory
    trouble: str = ""
    """Why it cannot, printable."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the numbers may not be what they seem, and what could not be read."""
        return (*self.flow.warnings, *filter(None, (self.memory.trouble, self.lives.trouble, self.trouble)))


@dataclass(frozen=True, slots=True)
class Everything:
    """Queries a to e, of one moment."""

    why: Why
    symbols: Symbols
    share: Shares
    drift: Shares
    health: Health

    @property
    def flow(self) -> CountingFlow:
        """The same in each."""
        return self.why.flow

    @property
    def warnings(self) -> tuple[str, ...]:
        """As of each window."""
        return self.why.warnings


@dataclass(frozen=True, slots=True)
class Change:
    """A decision or a gate, then and now."""

    kind: str
    """`decision` or `gate` (or, where whole reasons were asked for, `reason`)."""
    name: str
    then: int
    now: int
    then_share: float
    """Of all decisions of that window, 0 to 1."""
    now_share: float
    difference: float | None
    """Of the shares: positive, where it is more now. None where either window is empty."""
    clear: bool
    """Whether they surely differ by 10 points or more."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer to `quantum compare`: two windows of one length."""

    then: Why
    now: Why
    rows: tuple[Change, ...]
    """The decisions in their order; then the top gates of either, those that changed most first."""

    @property
    def flow(self) -> CountingFlow:
        """As it is now."""
        return self.now.flow

    @property
    def warnings(self) -> tuple[str, ...]:
        """Of either window."""
        return tuple(dict.fromkeys((*self.now.warnings, *self.then.warnings)))


Answer = Why | Symbols | Shares | Health | AppState | Everything | Comparison
