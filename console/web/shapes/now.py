"""The shapes of `why`, `symbols`, `share` and `drift`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from console.web.shapes.base import Count, Counted, Decisions, Fraction, Gate, Shape, Time, WindowName


class Reason(Shape):
    """A whole reason, and how often it was given."""

    reason: str
    count: Count
    share: Fraction


class LastMinute(Shape):
    """The last full minute of a window."""

    begin: Time = Field(alias="from")
    to: Time
    total: Count
    decisions: Decisions
    gates: list[Gate]
    differs: bool = Field(description="Whether it clearly differs from the rest of the window.")


class FiringAlert(Shape):
    """An alert that fires."""

    alert_id: str
    kind: str
    reason: str
    window: str
    severity: str
    since: Time


class Windowed(Counted):
    """An answer about a window."""

    window: WindowName
    begin: Time = Field(alias="from")
    to: Time


class Why(Windowed):
    """Why are we not trading?"""

    total: Count
    decisions: Decisions
    reasons: list[Reason] = Field(description="The top 15, most first; `none` is among them.")
    skip_rate: Fraction
    verdict: str = Field(description="The answer in a sentence.")
    severity: Literal["normal", "attention", "serious", "critical"]
    last_minute: LastMinute | None = Field(description="null for a window of one minute.")
    alerts: list[FiringAlert] = Field(default=[], description="What fires, the worst first; absent of the past.")
    alerts_checked_at: Time | None = Field(default=None, description="null: never; absent of the past.")


class SymbolGates(Shape):
    """A symbol, and what blocks it."""

    symbol: str
    total: Count
    decisions: Decisions
    gates: list[Gate]
    nearest: list[str] | None = Field(description="Names like it, where it is unknown; null where it is known.")


class Symbols(Windowed):
    """What blocks each symbol?"""

    symbols: list[SymbolGates]
    other_symbols: Count | None = Field(description="How many more there are; null where some were named.")


class FlaggedGate(Gate):
    """A gate, and whether it is above the threshold."""

    flagged: bool


class Shares(Windowed):
    """Which gates block most?"""

    total: Count
    threshold: Fraction
    gates: list[FlaggedGate]
