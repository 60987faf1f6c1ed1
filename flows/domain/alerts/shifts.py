"""What the last whole hours are like beside the same hours of the weeks before: what `share_shift` looks at. Pure.

It is what `quantum trend` tells at that hour, row for row: the same hours, the same method, the same q.
"""

from __future__ import annotations

from flows.domain.alerts.view import SHIFTS_SPAN
from flows.domain.history import window_of
from flows.domain.hourly import GATE, MOST_WEEKS, adds_up, hour_of, judged, wanted
from flows.domain.trend import NEW, ROSE, ShareChange
from flows.domain.windows import rank
from sinks.values.alerts import HoursRead, Shift, Shifts
from sinks.values.history import HOUR

KEPT = 20
"""Gates that are kept. A share that rose by more than a twentieth is at least as much, and there are twenty such."""


def hours_wanted(end: int) -> list[int]:
    """The hours (since the epoch) to be read for the span that ends before `end`."""
    return [start // HOUR for start in wanted(end, SHIFTS_SPAN, MOST_WEEKS)]


def shifts_of(read: HoursRead) -> Shifts:
    """How each gate's share changed. Where no week before is known there are no gates."""
    hours = [hour_of(one) for one in map(window_of, read.hours.values()) if adds_up(one)]
    trend = judged(hours, read.end, SHIFTS_SPAN, MOST_WEEKS)
    rows = {row.name: row for row in trend.rows if row.kind == GATE}
    most = rank({name: row.now.count for name, row in rows.items() if row.now.count})[:KEPT]
    return Shifts(read.end, trend.total, trend.weeks, {one.name: _shift(rows[one.name]) for one in most})


def _shift(row: ShareChange) -> Shift:
    return Shift(row.now.count, row.now.share, row.then.share, row.q, row.verdict in (ROSE, NEW))
