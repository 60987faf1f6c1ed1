"""The values of history: what was counted in an hour, or in a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

HOUR, DAY = 60, 1_440
"""The lengths of a roll-up, in minutes."""


@dataclass(frozen=True, slots=True)
class RollUp:
    """What was counted in an hour or a day of event time. There is none for a span of which nothing is known."""

    start: int
    """Its first minute, since the epoch: a multiple of `length`."""
    length: int
    """HOUR or DAY."""
    minutes: int
    """How many of its minutes have a bucket, or had one when it was counted."""
    decisions: Mapping[str, int] = field(default_factory=dict)
    """Decision -> count; those that did not happen are missing."""
    gates: Mapping[str, int] = field(default_factory=dict)
    """Gate -> count; `none` among them, although it blocks nothing: they add up to the decisions."""
    symbol_decisions: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(symbol, decision) -> count; empty where symbols are not broken down, or were not read."""
    symbol_gates: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(symbol, gate) -> count; likewise."""
    parts: int = 0
    """What it was added up from: bit N stands for minute N of an hour, or hour N of a day."""
    updated_ts: float = 0.0
    """When it was written, by the clock of Redis, epoch seconds."""
