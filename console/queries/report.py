"""The report on a day: what was decided, what stopped it, for which symbols, and what was alerted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from console.queries.alerts.published import SeenAlert, read_alerts
from console.queries.answers import GATES, Gate
from console.queries.asked import gates_of
from console.queries.json import JSON_VERSION
from console.queries.minutes import read_minutes
from console.queries.symbols import busiest, read_totals
from flows.domain.windows import Window
from sinks.values.counts import DECISIONS, SKIP, Counts

DAY = 1_440
"""Minutes."""

_STEP = 60
"""Minutes that are read at once."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class DayReport:
    """A day (UTC)."""

    day: str
    """`YYYY-MM-DD`."""
    window: Window
    """All of it."""
    hours: tuple[Window, ...]
    """24, or fewer where the day is not over."""
    symbols: Mapping[str, Mapping[str, int]]
    """Symbol -> decision -> count, the busiest first."""
    alerts: tuple[SeenAlert, ...]
    over: bool
    """Whether the day is over."""
    gone: int
    """Minutes of it that are so long ago that their buckets may have expired."""
    full: bool

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
    return int(parsed.timestamp() // 60)


def read_report(
    client: redis.Redis, prefix: str, first: int, now: float, ttl: int, progress: Progress, *, full: bool
) -> DayReport:
    """The day that begins with the minute `first`, as far as Redis still has it.

    Blocks for a few round trips an hour of the day; raises `connectors.errors.RedisFailure`.

    :arg now: epoch seconds.
    :arg ttl: seconds that buckets are kept after their last count.
    """
    last = min(first + DAY - 1, int(now // 60))
    counted: dict[int, Counts] = {}
    hours: list[Window] = []
    symbols: dict[str, Counter[str]] = {}
    for begin in range(first, last + 1, _STEP):
        end = min(begin + _STEP - 1, last)
        minutes = read_minutes(client, prefix, end, end - begin + 1, int(now // 60))
        counted.update(minutes.counted)
        hours.append(minutes.over(range(begin, end + 1)))
        for name, decisions in read_totals(client, prefix, sorted(minutes.counted)).items():
            symbols.setdefault(name, Counter()).update(decisions)
        progress("minutes", end - first + 1, last - first + 1)
    names = busiest(symbols, len(symbols))
    return DayReport(
        (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=first)).strftime("%Y-%m-%d"),
        Window(range(first, first + DAY), tuple(counted.values())),
        tuple(hours),
        {name: {one: symbols[name].get(one, 0) for one in DECISIONS} for name in names},
        tuple(read_alerts(client, prefix, first * 60, (first + DAY) * 60)),
        last == first + DAY - 1 and now >= (first + DAY) * 60,
        min(max(int((now - ttl) // 60) - first + 1, 0), DAY),
        full,
    )


def as_json(report: DayReport) -> dict[str, Any]:
    """For programs. Shares are 0 to 1."""
    window = report.window
    return {
        "version": JSON_VERSION,
        "query": "report",
        "day": report.day,
        "over": report.over,
        "minutes_that_may_be_gone": report.gone,
        "total": window.total,
        "decisions": dict(window.decisions),
        "skip_rate": window.share_of(SKIP),
        "gates": [{"gate": one.name, "count": one.count, "share": one.share} for one in report.gates],
        "hours": [
            {"hour": at, "total": one.total, "decisions": dict(one.decisions)} for at, one in enumerate(report.hours)
        ],
        "symbols": [
            {
                "symbol": name,
                "total": sum(decisions.values()),
                "decisions": dict(decisions),
                "skip_rate": share_of(decisions, SKIP),
            }
            for name, decisions in report.symbols.items()
        ],
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


def share_of(decisions: Mapping[str, int], decision: str) -> float:
    """The share of one of the `decisions`, 0 to 1; 0 of none at all."""
    total = sum(decisions.values())
    return decisions.get(decision, 0) / total if total else 0.0
