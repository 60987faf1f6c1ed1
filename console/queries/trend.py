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
from flows.domain.decisions import NO_REASON
from flows.domain.review import Day, Review, review
from flows.domain.same_hours import WEEK, Hour
from flows.domain.trend import Row, Side, Trend, compare
from sinks.buckets import OTHER
from sinks.values.history import DAY, HOUR, RollUp

DECISION, GATE, SYMBOL = KINDS = ("decision", "gate", "symbol")

MOST_WEEKS = 4

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
    # All hours of the weeks before: those that are not compared tell how much days vary.
    starts = [at * HOUR for at in range(end - WEEK * (against + 1), end - WEEK)]
    starts += [at * HOUR for at in range(end - over, end)]
    rolled = read_rollups(client, prefix, starts, HOUR, WITHOUT_PAIRS, progress)
    starts = [at * DAY for at in range(today - _REVIEWED, today)]
    by_day = read_rollups(client, prefix, starts, DAY, WITHOUT_SYMBOLS, progress)
    warnings: list[str] = []
    hours = [_hour(one) for one in _sound(rolled, warnings)]
    days = [_day(one) for one in _sound(by_day, warnings)]
    known = [hour for hour in hours if hour.at >= end - over]
    weeks = [[hour for hour in hours if (end - 1 - hour.at) // WEEK == week] for week in range(1, against + 1)]
    trend = compare(known, weeks)
    warnings += _holes(over, against, trend)
    return TrendAnswer(
        now,
        (end - over) * 3_600,
        end * 3_600,
        len(known),
        against,
        trend,
        review(days, today - 1),
        (today - 1) * 86_400,
        sum(day.at >= today - 7 for day in days),
        tuple(warnings),
    )


def _hour(one: RollUp) -> Hour:
    symbols: dict[str, int] = {}
    for (symbol, _decision), count in one.symbol_decisions.items():
        if symbol != OTHER:  # (what was folded is no symbol)
            symbols[symbol] = symbols.get(symbol, 0) + count
    counts = {DECISION: one.decisions, GATE: _blocking(one), SYMBOL: symbols}
    return Hour(one.start // HOUR, sum(one.decisions.values()), counts)


def _day(one: RollUp) -> Day:
    return Day(one.start // DAY, sum(one.decisions.values()), _blocking(one))


def _blocking(one: RollUp) -> Mapping[str, int]:
    return {name: count for name, count in one.gates.items() if name != NO_REASON}


def _sound(rolled: Mapping[int, RollUp], warnings: list[str]) -> Iterator[RollUp]:
    """Those that add up; a warning for the others, which nothing can be told of."""
    wrong = []
    for start, one in sorted(rolled.items()):
        total, by_symbol = sum(one.decisions.values()), sum(one.symbol_decisions.values())
        if max(total, sum(one.gates.values()), by_symbol) > total:
            wrong.append(start)
        else:
            yield one
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
