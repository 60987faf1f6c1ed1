"""The answer to `quantum trend`: the last whole hours against the same hours of the weeks before, and a weekly review.

Asks for hours and days as `flows.history` keeps them. Text comes as it is in Redis, and must be made printable before a
terminal gets it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import redis

from console.queries.json import JSON_VERSION
from console.queries.minutes import Progress
from console.queries.moment import seconds_of
from console.queries.readable import clock, many
from console.queries.rollups import WITHOUT_PAIRS, WITHOUT_SYMBOLS, read_rollups
from flows.domain.hourly import MOST_WEEKS, adds_up, blocking, hour_of, judged, wanted
from flows.domain.review import Day, Review, review
from flows.domain.same_hours import WEEK
from flows.domain.trend import Row, Side, Trend
from sinks.buckets import OTHER
from sinks.values.history import DAY, HOUR, RollUp

_REVIEWED = 35
"""Days that the review looks at."""


@dataclass(frozen=True, slots=True)
class TrendAnswer:
    """The whole answer. Times are epoch seconds."""

    now: float
    """By the clock of Redis."""
    begin: int
    end: int
    """Of the span that is compared; it ends with the last whole hour."""
    hours: int
    """How many hours of the span are known, whether they can be compared or not."""
    asked: int
    """With how many weeks before it was to be compared."""
    trend: Trend
    review: Review
    last_day: int
    """When the last day of the review begins: the last one that is over."""
    days: int
    """How many of its last seven are known."""
    warnings: tuple[str, ...]
    """Why the numbers may not be what they seem; a sentence each, in which names are as they are in Redis."""


def parse_over(text: str) -> int:
    """Hours of a span: `24h`, `7d`.

    :raises ValueError: it is no number of hours that can be compared; the message tells what is.
    """
    seconds = seconds_of(text)
    if seconds % 3_600 or not 1 <= seconds // 3_600 <= WEEK:
        raise ValueError("must be whole hours, at most a week: 6h, 24h, 7d")
    return seconds // 3_600


def parse_against(text: str) -> int:
    """How many weeks: `1w` to `4w`.

    :raises ValueError: it is none of them; the message tells what is.
    """
    weeks, rest = divmod(seconds_of(text), 604_800)
    if rest or not 1 <= weeks <= MOST_WEEKS:
        raise ValueError("must be 1w, 2w, 3w or 4w")
    return weeks


def ask_trend(
    client: redis.Redis, prefix: str, over: int, against: int, now: float, progress: Progress = lambda *_: None
) -> TrendAnswer:
    """Answer. Blocks for a round trip each 15 hours and days; raises `connectors.errors.RedisFailure`.

    :arg over: hours of the span, at most a week.
    :arg against: how many weeks it is compared with.
    :arg now: epoch seconds, by the clock of Redis.
    """
    end, today = int(now // 3_600), int(now // 86_400)
    starts = [at * HOUR for at in wanted(end, over, against)]
    rolled = read_rollups(client, prefix, starts, HOUR, WITHOUT_PAIRS, progress)
    starts = [at * DAY for at in range(today - _REVIEWED, today)]
    by_day = read_rollups(client, prefix, starts, DAY, WITHOUT_SYMBOLS, progress)
    warnings: list[str] = []
    hours = [hour_of(one, OTHER) for one in _sound(rolled, warnings)]
    days = [_day(one) for one in _sound(by_day, warnings)]
    trend = judged(hours, end, over, against)
    warnings += _holes(over, against, trend)
    return TrendAnswer(
        now,
        (end - over) * 3_600,
        end * 3_600,
        sum(hour.at >= end - over for hour in hours),
        against,
        trend,
        review(days, today - 1),
        (today - 1) * 86_400,
        sum(day.at >= today - 7 for day in days),
        tuple(warnings),
    )


def _day(one: RollUp) -> Day:
    return Day(one.start // DAY, sum(one.decisions.values()), blocking(one))


def _sound(rolled: Mapping[int, RollUp], warnings: list[str]) -> Iterator[RollUp]:
    """Those that add up; a warning for the others, which nothing can be told of."""
    wrong = []
    for start, one in sorted(rolled.items()):
        if adds_up(one):
            yield one
        else:
            wrong.append(start)
    if wrong:
        what = "hour" if rolled[wrong[0]].length == HOUR else "day"
        about = f"{many(len(wrong), what)} left out (of {clock(wrong[0] * 60)}"
        more = ", and later)" if len(wrong) > 1 else ")"
        warnings.append(f"{about}{more}: the counts do not add up; see quantum verify --history")


def _holes(over: int, against: int, trend: Trend) -> Iterator[str]:
    if not trend.weeks:
        yield "nothing is known of these hours in the weeks before, so there is nothing to compare with"
    elif trend.weeks < against:
        yield f"of the {many(against, 'week')} before, {trend.weeks} {'is' if trend.weeks == 1 else 'are'} known"
    if trend.weeks and trend.hours < over:
        yield f"{trend.hours} of {many(over, 'hour')} are compared: the others are not known on both sides"
    if trend.rows and all(row.low is None for row in trend.rows):
        yield "too few days are known to tell how much days vary: there are no intervals and no verdicts"


def as_json(answer: TrendAnswer) -> dict[str, Any]:
    """One object, documented in docs/console.md."""
    found = answer.review
    return {
        "version": JSON_VERSION,
        "query": "trend",
        "as_of": answer.now,
        "warnings": list(answer.warnings),
        "over": {"from": answer.begin, "to": answer.end, "total": answer.trend.total},
        "against": {"weeks": answer.trend.weeks, "total": answer.trend.against_total},
        "rows": [_row(row) for row in answer.trend.rows],
        "persistent": list(found.persistent),
        "new": [gate.name for gate in found.new],
        "growing": [gate.name for gate in found.growing],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "name": row.name,
        "now": _side(row.now),
        "then": _side(row.then),
        "difference": row.difference,
        "low": row.low,
        "high": row.high,
        "ratio": row.ratio,
        "q": row.q,
        "verdict": row.verdict,
    }


def _side(side: Side) -> dict[str, Any]:
    return {"count": side.count, "share": side.share}
