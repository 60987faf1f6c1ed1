"""The report on a day: what was decided, what stopped it, for which symbols, what was alerted, and what was otherwise.

From minutes as long as they are kept, and from history beyond that; beside the same day of the weeks before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from console.queries import weeks
from console.queries.alerts.published import SeenAlert, oldest_alert, read_alerts
from console.queries.answers import GATES, Gate
from console.queries.asked import gates_of
from console.queries.day import HOURS, WHOLE_DAY, Day, HourOfDay, clock_spans, read_day
from console.queries.json import gates, head
from console.queries.minutes import Progress
from console.queries.rollups import WITHOUT_PAIRS, read_rollups
from console.queries.symbols import busiest
from console.queries.weeks import sound
from flows.domain.history import window_of
from flows.domain.hourly import MOST_WEEKS, by_week, hour_of, starts_before
from flows.domain.trend import Trend, compare
from flows.domain.windows import Window
from sinks.values.counts import DECISIONS, SKIP
from sinks.values.history import DAY, HOUR


@dataclass(frozen=True, slots=True)
class Beside:
    """A day beside the same day of the weeks before."""

    length: int
    """By what it is compared, in minutes: HOUR, or DAY where more weeks are known by the day."""
    begin: int
    end: int
    """Of what is compared, as far as it is over; epoch seconds."""
    trend: Trend


@dataclass(frozen=True, slots=True)
class DayReport:
    """A day (UTC)."""

    day: str
    """`YYYY-MM-DD`."""
    found: Day
    symbols: Mapping[str, Mapping[str, int]]
    """Symbol -> decision -> count, the busiest first."""
    alerts: tuple[SeenAlert, ...]
    alerts_since: float | None
    """When the oldest alert that is kept was published, epoch seconds; None: none is."""
    over: bool
    """Whether the day is over."""
    full: bool
    """Whether the gates are whole reasons."""
    beside: Beside
    warnings: tuple[str, ...]
    """What is not known, and why the numbers may not be what they seem; a printable sentence each."""

    @property
    def window(self) -> Window:
        """All of it."""
        return self.found.window

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The top gates, or whole reasons."""
        return gates_of(self.window, self.full)[:GATES]


def parse_day(name: str, now: float) -> int | None:
    """The first minute (since the epoch) of `YYYY-MM-DD`, `today` or `yesterday`, or None where that is no day.

    :arg now: epoch seconds.
    """
    days_ago = {"today": 0, "yesterday": 1}.get(name.strip().lower())
    if days_ago is not None:
        return (int(now // 86_400) - days_ago) * DAY
    try:
        parsed = datetime.strptime(name, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    first = int(parsed.timestamp() // 60)
    return first if first >= 0 else None


def read_report(
    client: redis.Redis, prefix: str, first: int, now: float, ttl: int, progress: Progress, *, full: bool
) -> DayReport:
    """The day that begins with the minute `first`, as far as Redis still has it.

    Blocks for a few round trips an hour of the day, and one each 15 hours of the weeks before; raises
    `connectors.errors.RedisFailure`.

    :arg now: epoch seconds.
    :arg ttl: seconds that buckets are kept after their last count.
    """
    found = read_day(client, prefix, first, now, ttl, progress)
    over = now >= (first + DAY) * 60
    warnings = _unknown(found, now)
    if full and {HOURS, WHOLE_DAY} & set(found.sources):
        full = False
        warnings.append("history keeps gates, and not whole reasons: these are gates")
    totals: dict[str, dict[str, int]] = {}
    for (symbol, decision), count in found.window.symbol_decisions.items():
        totals.setdefault(symbol, dict.fromkeys(DECISIONS, 0))[decision] = count
    return DayReport(
        (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=first)).strftime("%Y-%m-%d"),
        found,
        {name: totals[name] for name in busiest(totals, len(totals))},
        tuple(read_alerts(client, prefix, first * 60, (first + DAY) * 60)),
        oldest_alert(client, prefix),
        over,
        full,
        _beside(client, prefix, found, now, progress, warnings),
        tuple(warnings),
    )


def _unknown(found: Day, now: float) -> list[str]:
    """What is not known of the day."""
    holes = list(found.holes(now))
    if not found.sources:
        return (
            ["nothing is known of this day: flows.p35 did not count, or flows.history did not keep it"] if holes else []
        )
    said = []
    if holes:
        said.append(f"nothing is known of {clock_spans(holes)}: that is not zero")
    partly = [hour for hour in found.hours if hour.gone and hour.source]
    if partly:
        spans = clock_spans((hour.start, hour.start + hour.gone) for hour in partly)
        said.append(f"minutes from {spans} may have expired, wholly or in part, and history has nothing of them")
    return said


def _beside(
    client: redis.Redis, prefix: str, found: Day, now: float, progress: Progress, warnings: list[str]
) -> Beside:
    """The comparison, by hours; by days where more weeks are known by the day."""
    first, end = found.start, min(found.start + DAY, int(now // 3_600) * HOUR)
    ended = [hour for hour in found.hours if hour.start + HOUR <= end]
    said: list[str] = []
    known = [hour.window for hour in ended if hour.known and not hour.gone]
    trend = _compared(client, prefix, known, range(first, end, HOUR), HOUR, progress, said)
    length, size = HOUR, len(ended)
    if trend.weeks < MOST_WEEKS and end == first + DAY and found.window.total and not found.gone:
        said_by_day: list[str] = []
        by_day = _compared(client, prefix, [found.window], range(first, end, DAY), DAY, progress, said_by_day)
        if by_day.weeks > trend.weeks:
            trend, said, length, size = by_day, said_by_day, DAY, 1
    if ended and found.window.total:
        said += weeks.unknown(size, MOST_WEEKS, trend, "day" if length == DAY else "hour")
    warnings += said
    return Beside(length, first * 60, end * 60, trend)


def _compared(
    client: redis.Redis,
    prefix: str,
    windows: Sequence[Window],
    span: range,
    length: int,
    progress: Progress,
    warnings: list[str],
) -> Trend:
    """`windows` of `span` beside the weeks before, all of `length`."""
    over = [hour_of(window) for window in sound(windows, warnings)]
    if not over:
        return compare([], [])
    rolled = read_rollups(client, prefix, starts_before(span.stop, MOST_WEEKS, length), length, WITHOUT_PAIRS, progress)
    before = [hour_of(one) for one in sound(map(window_of, rolled.values()), warnings)]
    return compare(over, by_week(before, span.stop // HOUR, MOST_WEEKS))


def as_json(report: DayReport) -> dict[str, Any]:
    """For programs. Shares are 0 to 1."""
    window, beside = report.window, report.beside
    return {
        **head("report"),
        "day": report.day,
        "over": report.over,
        "warnings": list(report.warnings),
        "sources": list(report.found.sources),
        "minutes": report.found.minutes,
        "minutes_that_may_be_gone": report.found.gone,
        "total": window.total,
        "decisions": dict(window.decisions),
        "skip_rate": window.share_of(SKIP),
        "gates": gates(report.gates),
        "hours": [_hour(at, one) for at, one in enumerate(report.found.hours)],
        "symbols": [
            {
                "symbol": name,
                "total": sum(decisions.values()),
                "decisions": dict(decisions),
                "skip_rate": share_of(decisions, SKIP),
            }
            for name, decisions in report.symbols.items()
        ],
        "trend": {
            "by": "day" if beside.length == DAY else "hour",
            **weeks.as_json(beside.begin, beside.end, beside.trend),
        },
        "alerts_since": report.alerts_since,
        "alerts": [
            {
                "alert_id": one.alert_id,
                "kind": one.kind,
                "window": one.window,
                "reason": one.reason,
                "severity": one.severity,
                "state": one.state,
                "share": one.share,
                "timestamp": one.timestamp,
                "message": one.message,
            }
            for one in report.alerts
        ],
    }


def _hour(at: int, one: HourOfDay) -> dict[str, Any]:
    known = {"total": one.window.total, "decisions": dict(one.window.decisions), "minutes": one.minutes}
    return {"hour": at, "source": one.source, **(known if one.known else dict.fromkeys(known))}


def share_of(decisions: Mapping[str, int], decision: str) -> float:
    """The share of one of the `decisions`, 0 to 1; 0 of none at all."""
    total = sum(decisions.values())
    return decisions.get(decision, 0) / total if total else 0.0
