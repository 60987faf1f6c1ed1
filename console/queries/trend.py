"""The answer to `quantum trend`: the last whole hours against the same hours of the weeks before, and a weekly review.

Asks for hours and days as `flows.history` keeps them. Text comes as it is in Redis, and must be made printable before a
terminal gets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

from console.queries import weeks
from console.queries.json import head
from console.queries.minutes import Progress
from console.queries.moment import seconds_of
from console.queries.rollups import WITHOUT_PAIRS, WITHOUT_SYMBOLS, read_rollups
from console.queries.weeks import sound, unknown
from flows.domain.history import window_of
from flows.domain.hourly import MOST_WEEKS, hour_of, judged, wanted
from flows.domain.review import Day, Review, review
from flows.domain.same_hours import WEEK
from flows.domain.trend import Trend
from flows.domain.windows import Window
from sinks.values.history import DAY, HOUR

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
    count, rest = divmod(seconds_of(text), 604_800)
    if rest or not 1 <= count <= MOST_WEEKS:
        raise ValueError("must be 1w, 2w, 3w or 4w")
    return count


def ask_trend(
    client: redis.Redis, prefix: str, over: int, against: int, now: float, progress: Progress = lambda *_: None
) -> TrendAnswer:
    """Answer. Blocks for a round trip each 15 hours and days; raises `connectors.errors.RedisFailure`.

    :arg over: hours of the span, at most a week.
    :arg against: how many weeks it is compared with.
    :arg now: epoch seconds, by the clock of Redis.
    """
    end, today = int(now // 3_600), int(now // 86_400)
    starts = wanted(end, over, against)
    rolled = read_rollups(client, prefix, starts, HOUR, WITHOUT_PAIRS, progress)
    starts = [at * DAY for at in range(today - _REVIEWED, today)]
    by_day = read_rollups(client, prefix, starts, DAY, WITHOUT_SYMBOLS, progress)
    warnings: list[str] = []
    hours = [hour_of(one) for one in sound(map(window_of, rolled.values()), warnings)]
    days = [_day(one) for one in sound(map(window_of, by_day.values()), warnings)]
    trend = judged(hours, end, over, against)
    warnings += unknown(over, against, trend)
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


def _day(window: Window) -> Day:
    return Day(window.minutes[0] // DAY, window.total, {gate.name: gate.count for gate in window.gates})


def as_json(answer: TrendAnswer) -> dict[str, Any]:
    """One object, documented in docs/console.md."""
    found = answer.review
    return {
        **head("trend"),
        "as_of": answer.now,
        "warnings": list(answer.warnings),
        **weeks.as_json(answer.begin, answer.end, answer.trend),
        "persistent": list(found.persistent),
        "new": [gate.name for gate in found.new],
        "growing": [gate.name for gate in found.growing],
    }
