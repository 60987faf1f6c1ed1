"""What the rules look at: the windows before one moment, and the state of the group that counts. Pure.

The windows are added up from the buckets at each check. The rolling snapshots say the same, but stay as they are for a
day when nobody writes them any more; buckets cannot be out of date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flows.domain.windows import Minutes, Window, minute_of
from sinks.values.alerts import LONGEST, WINDOWS, Reading, Shifts

SHIFTS_SPAN = 24
"""Hours that are compared, as `quantum trend` compares unless it is told otherwise: shorter ones mistake a burst for a
change more often than is promised (docs/statistics.md)."""

SHIFTS_LAST = 10_800.0
"""Seconds after which hours tell nothing of now. Each hour is judged by the next: two of them may be missed."""


@dataclass(frozen=True, slots=True)
class View:
    """One moment. Times are epoch seconds."""

    now: float
    windows: Mapping[str, Window]
    last_seen: Mapping[str, float]
    last_execute: Mapping[str, float]
    lag: int | None
    """Entries that the group has not read; None: Redis does not know."""
    pending: int
    """Entries that it has read and not counted."""
    trimmed: int
    """Entries lost since the check before: deleted before they were counted."""
    stream_length: int
    shifts: Shifts | None = None
    """The last whole hours beside those of the weeks before; None: nothing recent is known."""


def view_of(reading: Reading) -> View:
    """The view that `reading` allows."""
    group, known = reading.group, reading.state.trimmed_total
    shifts = reading.shifts
    minutes = Minutes(minute_of(reading.now), reading.minutes, LONGEST)
    return View(
        now=reading.now,
        windows={window: minutes.window(window) for window in WINDOWS},
        last_seen=reading.last_seen,
        last_execute=reading.last_execute,
        # Where nobody has ever made the group, nobody has read anything.
        lag=reading.stream_length if group is None else group.lag,
        pending=0 if group is None else group.pending,
        # (Less than before: the status was deleted, and counts anew.)
        trimmed=0 if known is None else max(reading.trimmed_total - known, 0),
        stream_length=reading.stream_length,
        shifts=shifts if shifts is not None and reading.now - shifts.end * 3_600 <= SHIFTS_LAST else None,
    )
