"""The values of history: what was counted in an hour, or in a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MINUTE, HOUR, DAY = 1, 60, 1_440
"""Lengths of roll-ups, in minutes."""


@dataclass(frozen=True, slots=True)
class RollUp:
    """What was counted in an hour or a day of event time. There is none for a span of which nothing is known."""

    start: int
    """Its first minute, since the epoch: a multiple of `length`."""
    length: int
    """HOUR or DAY; MINUTE is what a bucket holds, as a part of an hour."""
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
    """When it was written, by the clock of Redis, epoch seconds; no two versions of a roll-up have the same."""


@dataclass(frozen=True, slots=True)
class Change:
    """A roll-up that is not what its parts add up to, as far as the scan tells."""

    stored: RollUp | None
    """What was written when the scan began; None: nothing."""
    live: RollUp
    """The sum of the parts that live, or that are remembered from when they did; no `minutes` where there are none."""
    fresh: RollUp
    """The sum of those of them that `stored` was not made of."""


@dataclass(frozen=True, slots=True)
class Changes:
    """One scan of all roll-ups of one length."""

    now: float
    """When it was, by the clock of Redis, epoch seconds."""
    changes: tuple[Change, ...]
    newest: int | None
    """The first minute of the newest roll-up that had ended and was written; None: there is none."""
    started: float
    """When it began, by this machine's monotonic clock, in seconds."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """What is to be written in place of a roll-up, unless another instance has replaced it meanwhile."""

    before: RollUp | None
    after: RollUp
    """Where it has no `minutes`, the roll-up is to be absent."""


@dataclass(frozen=True, slots=True)
class Replacements:
    """What one scan leads to."""

    now: float
    """As in `Changes`."""
    replaced: tuple[Replacement, ...]
    newest: int | None
    """As in `Changes`, what is replaced included."""
    started: float
    """As in `Changes`."""
