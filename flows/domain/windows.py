"""Minutes and rolling windows: which buckets a window is the sum of, and what it shows. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from flows.domain.decisions import gate_of
from sinks.values.counts import UNKNOWN_WINDOW, WINDOWS, MinuteSummary, Recent, Snapshot, Snapshots

TOP = 50
"""How many reasons, gates and raw decisions a snapshot names."""


def minute_of(seconds: float) -> int:
    """The minute that holds an instant, both since the epoch. Every instant is in exactly one."""
    return int(seconds // 60)


def minutes_of(window: str, now: int) -> range:
    """The minutes of `window` while `now` is the running minute, oldest first."""
    return range(now - WINDOWS[window] + 1, now + 1)


def top(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """The `TOP` largest of `counts`, equal ones by name."""
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TOP])


def roll_up(recent: Recent) -> Snapshots:
    """The snapshots that the summaries in `recent` add up to."""
    windows = {}
    for window in WINDOWS:
        decisions: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        gates: Counter[str] = Counter()
        for summary in _of(window, recent):
            decisions.update(summary.decisions)
            reasons.update(summary.reasons)
        for reason, count in reasons.items():
            gates[gate_of(reason)] += count
        windows[window] = Snapshot(dict(decisions), top(reasons), top(gates))
    unknown: Counter[str] = Counter()
    for summary in _of(UNKNOWN_WINDOW, recent):
        unknown.update(summary.unknown)
    return Snapshots(recent.minute, windows, top(unknown), recent.started)


def _of(window: str, recent: Recent) -> list[MinuteSummary]:
    summaries = recent.summaries
    return [summaries[minute] for minute in minutes_of(window, recent.minute) if minute in summaries]
