"""The shapes of `heatmap`, `entries`, `lag`, `proposals` and `permits`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from console.web.shapes.base import Answer, Count, Decision, Fraction, Shape, Time, Warnings
from console.web.shapes.service import Group


class HeatmapRow(Shape):
    """A gate, a reason or a symbol; an element for each time, null where nothing is known."""

    name: str
    counts: list[Count | None]
    shares: list[Fraction | None]
    totals: list[Count | None] | None = Field(description="Of a symbol: all decisions on it; else null.")


class Heatmap(Answer):
    """What blocked when?"""

    as_of: Time
    warnings: Warnings
    kind: Literal["gates", "symbols", "reasons"]
    step: Literal["minute", "hour"]
    symbol: str | None
    times: list[Time] = Field(description="When each column begins, oldest first.")
    totals: list[Count | None]
    rows: list[HeatmapRow] = Field(description="The one with the highest count first.")
    other_rows: Count = Field(description="How many were left out.")


class Entry(Shape):
    """A decision as it was published."""

    id: str
    time: Time
    decision: Decision
    symbol: str
    reason: str
    gate: str
    plan_id: str
    unknown_decision: bool
    fields: dict[str, str]


class Entries(Answer):
    """Which decisions were these?"""

    begin: Time = Field(alias="from")
    to: Time
    looked_at: Count
    complete: bool = Field(description="Whether there are no more than these.")
    trimmed: bool = Field(description="Whether older entries are gone from the stream.")
    entries: list[Entry]


class Lag(Answer):
    """Who reads which stream, and how far behind?"""

    groups: list[Group]


class Proposal(Shape):
    """The newest proposal for a symbol."""

    symbol: str
    time: Time | None
    base_target: float | None
    proposed_target: float | None
    multiplier: float | None
    reason: str


class Proposals(Answer):
    """What is proposed?"""

    as_of: Time
    proposals: list[Proposal] = Field(description="By symbol.")


class Permit(Shape):
    """A permit."""

    plan_id: str
    symbol: str
    action: str
    factor: float | None
    extra_cooldown_sec: float | None
    reason: str


class Permits(Answer):
    """What was permitted?"""

    as_of: Time
    permits: list[Permit] = Field(description="The newest first.")
