"""The values that the sinks of `flows.p35` take and give, and the fixed names in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

EXECUTE, SKIP, BLOCKED, ERROR, UNKNOWN = DECISIONS = ("EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN")

WINDOWS = {"1m": 1, "5m": 5, "15m": 15, "1h": 60}
"""Name of a rolling window -> how many minutes it spans, the running one included."""

LONGEST_WINDOW = max(WINDOWS.values())

UNKNOWN_WINDOW = "5m"
"""The window over which unknown raw decisions are shown."""


class Kind(NamedTuple):
    """What is counted: entries that agree in all of this are the same to every counter."""

    decision: str
    """One of DECISIONS."""
    reason: str
    """Never empty; `none` when the entry gives none."""
    symbol: str
    """Empty when the entry names none."""
    unknown: str
    """The raw decision, when it is one that nobody knows; else empty."""


OTHER = "__other__"
"""What stands in the place of reasons and symbols that a full bucket does not tell apart."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted: in one minute, as a bucket has it, or in many. What was not read is empty."""

    decisions: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)
    """Raw decisions that nobody knows."""
    symbol_decisions: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(symbol, decision) -> count; empty without ENABLE_SYMBOL_BREAKDOWN, too."""
    symbol_reasons: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(symbol, reason) -> count; likewise."""


class Ranked(NamedTuple):
    """A reason, a gate or a raw decision, and how often it was counted."""

    name: str
    count: int  # type: ignore[assignment] # (hides `tuple.count`, which nobody needs here)


@dataclass(frozen=True, slots=True)
class CountNote:
    """What a part of `flows.p35` counts: the note for its metrics."""

    decisions: Mapping[str, int]
    skewed: int
    """Entries whose timestamp was unusable."""
    late: int
    """Entries of a minute that was over."""
    newest: float
    """Event time of the newest entry, epoch seconds."""


@dataclass(frozen=True, slots=True)
class Recent:
    """The last hour, as far as it has any counts."""

    minute: int
    """The running minute, since the epoch."""
    counted: Mapping[int, Counts]
    """Minute since the epoch -> what was counted in it."""
    started: float
    """When reading began, by this machine's monotonic clock, in seconds."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One rolling window as it is written. The tops are most first, equal counts by name."""

    decisions: Mapping[str, int]
    top_reasons: tuple[Ranked, ...]
    top_gates: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class Snapshots:
    """All windows while `minute` is the running minute."""

    minute: int
    windows: Mapping[str, Snapshot]
    top_unknown: tuple[Ranked, ...]
    started: float
    """As in `Recent`."""
