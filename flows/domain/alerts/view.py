"""What the rules look at: the windows before one moment, and the state of the group that counts. Pure.

The windows are added up from the buckets at each check. The rolling snapshots say the same, but stay as they are for a
day when nobody writes them any more; buckets cannot be out of date.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from flows.domain.decisions import gate_of
from flows.domain.windows import minutes_of
from sinks.values.alerts import Reading
from sinks.values.counts import MinuteCounts

WINDOWS = ("5m", "15m")
"""The windows of `sinks.values.counts.WINDOWS` that rules may look at."""


@dataclass(frozen=True)
class WindowView:
    """One window."""

    decisions: Mapping[str, int]
    gates: Mapping[str, int]
    """`none` is among them."""
    minutes: tuple[MinuteCounts, ...]
    """What it is the sum of, for who wants to know more."""

    @cached_property
    def total(self) -> int:
        """All decisions."""
        return sum(self.decisions.values())

    def share_of(self, decision: str) -> float:
        """The share of one decision, 0 to 1; 0 when there are none at all."""
        return self.decisions.get(decision, 0) / self.total if self.total else 0.0

    @cached_property
    def symbol_decisions(self) -> Counter[tuple[str, str]]:
        """(symbol, decision) -> count; empty when symbols are not broken down."""
        counts: Counter[tuple[str, str]] = Counter()
        for minute in self.minutes:
            counts.update(minute.symbol_decisions)
        return counts

    @cached_property
    def symbol_totals(self) -> Counter[str]:
        """Symbol -> count of all its decisions; likewise."""
        counts: Counter[str] = Counter()
        for (symbol, _decision), count in self.symbol_decisions.items():
            counts[symbol] += count
        return counts

    @cached_property
    def symbol_gates(self) -> Counter[tuple[str, str]]:
        """(symbol, gate) -> count; likewise."""
        counts: Counter[tuple[str, str]] = Counter()
        for minute in self.minutes:
            for (symbol, reason), count in minute.symbol_reasons.items():
                counts[symbol, gate_of(reason)] += count
        return counts


@dataclass(frozen=True, slots=True)
class View:
    """One moment. Times are epoch seconds."""

    now: float
    windows: Mapping[str, WindowView]
    last_seen: Mapping[str, float]
    last_execute: Mapping[str, float]
    lag: int | None
    """Entries that the group has not read; None: Redis does not know."""
    pending: int
    """Entries that it has read and not counted."""
    trimmed: int
    """Entries lost since the check before: deleted before they were counted."""
    stream_length: int


def view_of(reading: Reading) -> View:
    """The view that `reading` allows."""
    group, known = reading.group, reading.state.trimmed_total
    return View(
        now=reading.now,
        windows={window: _window(reading, window) for window in WINDOWS},
        last_seen=reading.last_seen,
        last_execute=reading.last_execute,
        # Where nobody has ever made the group, nobody has read anything.
        lag=reading.stream_length if group is None else group.lag,
        pending=0 if group is None else group.pending,
        # (Less than before: the status was deleted, and counts anew.)
        trimmed=0 if known is None else max(reading.trimmed_total - known, 0),
        stream_length=reading.stream_length,
    )


def _window(reading: Reading, window: str) -> WindowView:
    now = int(reading.now // 60)
    minutes = tuple(reading.minutes[minute] for minute in minutes_of(window, now) if minute in reading.minutes)
    decisions: Counter[str] = Counter()
    gates: Counter[str] = Counter()
    for minute in minutes:
        decisions.update(minute.decisions)
        for reason, count in minute.reasons.items():
            gates[gate_of(reason)] += count
    return WindowView(dict(decisions), dict(gates), minutes)
