"""The shapes of `explain`."""

from __future__ import annotations

from pydantic import Field

from console.web.shapes.base import Answer, Count, Fraction, Shape, WindowName


class KnownGate(Shape):
    """A gate of the guide."""

    gate: str
    meaning: str


class Guide(Answer):
    """Which gates are there?"""

    gates: list[KnownGate]


class Look(Shape):
    """Where to look."""

    command: str
    key: str | None
    what: str


class Action(Shape):
    """What to do, and how long that takes."""

    what: str
    minutes: str = Field(description="How long that takes: `2`, or `5 to 10`.")


class Explanation(Answer):
    """What does this gate mean, and what is to be done?"""

    gate: str
    known: bool = Field(description="Whether the guide has an entry of its own for it.")
    nearest: list[str]
    meaning: str
    causes: list[str]
    look: list[Look]
    ask: list[str]
    actions: list[Action]
    related: list[str]
    live: dict[str, str] | None = Field(description="Key to its value now; null unless asked with `live`.")
    window: WindowName | None
    total: Count | None
    count: Count | None
    share: Fraction | None
