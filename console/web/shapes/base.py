"""What the shapes of many answers share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Decision = Literal["EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN"]
Time = Annotated[float, Field(description="Epoch seconds.", examples=[1769954700.0])]
Fraction = Annotated[float, Field(description="0 to 1; of nothing: 0.", examples=[0.42])]
Count = Annotated[int, Field(ge=0)]
Decisions = Annotated[dict[Decision, Count], Field(description="Decision to its count, 0 included.")]
Warnings = Annotated[list[str], Field(description="Why the numbers may not be what they seem, a sentence each.")]
WindowName = Annotated[Literal["1m", "5m", "15m", "1h"], Field(description="The last minutes, with the running one.")]


class Shape(BaseModel):
    """A JSON object that has these keys, and in this version no others."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Answer(Shape):
    """What every answer begins with."""

    version: Literal[1] = Field(description="Raised when a key changes its meaning or goes; new ones may come.")
    query: str = Field(description="The name of the question.")


class Counted(Answer):
    """What an answer about the running system begins with."""

    as_of: Time = Field(description="Now, by the clock of Redis; epoch seconds.")
    last_ts: Time | None = Field(description="Of the newest decision that was counted; null: there is none.")
    warnings: Warnings


class Span(Shape):
    """From when to when."""

    begin: Time = Field(alias="from")
    to: Time


class Gate(Shape):
    """A gate, and how much it blocks."""

    gate: str
    count: Count
    share: Fraction


class CountAndShare(Shape):
    """One side of a comparison."""

    count: Count
    share: Fraction
