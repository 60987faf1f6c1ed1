"""The shapes of `history`, `trend` and `report`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from console.web.shapes.base import Answer, Count, CountAndShare, Decisions, Fraction, Gate, Shape, Time, Warnings


class Point(Shape):
    """What was counted in one step of a series."""

    time: Time = Field(description="When it began; epoch seconds.")
    total: Count
    decisions: Decisions
    gates: list[Gate]


class History(Answer):
    """What was it like?"""

    as_of: Time
    warnings: Warnings
    by: Literal["minute", "hour", "day"]
    begin: Time = Field(alias="from")
    to: Time
    gate: str | None
    symbol: str | None
    points: list[Point] = Field(description="Oldest first; there is none of what is not known.")


class Over(Shape):
    """A span that is compared."""

    begin: Time = Field(alias="from")
    to: Time
    total: Count


class Against(Shape):
    """What it is compared with."""

    weeks: Count = Field(description="How many weeks before are known.")
    total: Count


class TrendRow(Shape):
    """How a share has changed."""

    kind: Literal["decision", "gate", "symbol"]
    name: str
    now: CountAndShare
    then: CountAndShare
    difference: float
    low: float | None = Field(description="Of the 95 % interval of the difference; null where that is not known.")
    high: float | None
    ratio: float | None
    q: float = Field(description="The p-value, corrected over all rows (Benjamini-Hochberg).")
    verdict: Literal["rose", "fell", "no clear change", "new", "gone"]


class Trend(Answer):
    """Is this normal?"""

    as_of: Time
    warnings: Warnings
    over: Over
    against: Against
    rows: list[TrendRow]
    persistent: list[str] = Field(description="Gates in the top 3 on each of seven days.")
    new: list[str] = Field(description="Gates that were not seen in the four weeks before.")
    growing: list[str] = Field(description="Gates whose share grew in each of three weeks.")


class HourOfDay(Shape):
    """An hour of a day; null is what is not known of it by itself."""

    hour: int
    source: Literal["minutes", "hours", "day"] | None
    total: Count | None
    decisions: Decisions | None
    minutes: Count | None


class SymbolOfDay(Shape):
    """A symbol on that day."""

    symbol: str
    total: Count
    decisions: Decisions
    skip_rate: Fraction


class DayBeside(Shape):
    """The day beside the same day of the weeks before."""

    by: Literal["hour", "day"]
    over: Over
    against: Against
    rows: list[TrendRow]


class AlertOfDay(Shape):
    """An alert that was published on that day."""

    alert_id: str
    kind: str
    window: str
    reason: str
    severity: str
    state: str
    share: Fraction
    timestamp: Time
    message: str


class Report(Answer):
    """A day."""

    day: str
    over: bool
    warnings: Warnings
    sources: list[Literal["minutes", "hours", "day"]]
    minutes: Count
    minutes_that_may_be_gone: Count
    total: Count
    decisions: Decisions
    skip_rate: Fraction
    gates: list[Gate]
    hours: list[HourOfDay]
    symbols: list[SymbolOfDay]
    trend: DayBeside
    alerts_since: Time | None
    alerts: list[AlertOfDay]
