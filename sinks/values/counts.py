"""The values that the sinks of `flows.p35` take and give, and the fixed names in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class MinuteSummary:
    """What one minute adds to a snapshot."""

    decisions: Mapping[str, int]
    reasons: Mapping[str, int]
    unknown: Mapping[str, int]
    """Raw decisions that nobody knows."""


@dataclass(frozen=True, slots=True)
class Recent:
    """The last hour, as far as it has any counts."""

    minute: int
    """The running minute, since the epoch."""
    summaries: Mapping[int, MinuteSummary]
    started: float
    """When reading began, by this machine's monotonic clock, in seconds."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One rolling window. The tops are pairs of name and count, most first, equal counts by name."""

    decisions: Mapping[str, int]
    top_reasons: tuple[tuple[str, int], ...]
    top_gates: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Snapshots:
    """All windows while `minute` is the running minute."""

    minute: int
    windows: Mapping[str, Snapshot]
    top_unknown: tuple[tuple[str, int], ...]
    started: float
    """As in `Recent`."""
