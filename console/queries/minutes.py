"""Read model: decisions and reasons minute by minute.

Straight from the buckets, for the minutes before now: when the flow is dead, this shows that nothing is counted any
more, where the rolling snapshots would show for a day what was true when it died.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import redis

from connectors.errors import translating
from console.queries.fetch import scan_fields
from flows.domain.windows import Minutes
from sinks.buckets import SYMBOL_DECISION, bucket_key, decode, read_summaries
from sinks.values.counts import LONGEST_WINDOW, OTHER, Counts

WITHOUT_SYMBOLS = "[dr]e[ca]*"
"""Pattern of the fields `decision:*` and `reason:*` of a bucket."""

SLICE = 60
"""Minutes that are read at once where many are."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


def read_minutes(client: redis.Redis, prefix: str, running: int, count: int, now: int | None = None) -> Minutes:
    """The minute `running` (since the epoch) and those before it, `count` in all.

    Blocks for a round trip, and one each 15 minutes that have no summary; raises `connectors.errors.RedisFailure`.

    :arg now: the minute that it is now, where `running` is one in the past.
    """
    now = running if now is None else now
    minutes = range(running - count + 1, running + 1)
    with translating():
        counted = read_summaries(client, prefix, range(max(minutes[0], now - LONGEST_WINDOW), running + 1))
    # Summaries are kept for two hours only, and what is counted after that begins another, which has not all of it. A
    # bucket has, and is asked for what a summary would hold.
    missing = [minute for minute in minutes if minute not in counted]
    buckets = scan_fields(client, [bucket_key(prefix, minute) for minute in missing], WITHOUT_SYMBOLS)
    for minute, fields in zip(missing, buckets, strict=True):
        if fields:
            counted[minute] = decode(fields)
    return Minutes(running, counted, count, ended=running < now)


def read_slices(
    client: redis.Redis, prefix: str, minutes: range, *, now: int, symbols: bool, progress: Progress
) -> Iterator[tuple[int, Counts]]:
    """Each of `minutes` (since the epoch) that has counts, and these, oldest first, without holding all of them.

    Blocks for a few round trips an hour, as it is iterated; raises `connectors.errors.RedisFailure`.

    :arg now: the minute that it is now.
    :arg symbols: whether the decisions of each symbol are read, too.
    """
    for begin in range(minutes.start, minutes.stop, SLICE):
        last = min(begin + SLICE, minutes.stop) - 1
        counted = read_minutes(client, prefix, last, last - begin + 1, now).counted
        known = sorted(counted)
        of_symbols = _read_symbols(client, prefix, known) if symbols else [{}] * len(known)
        for minute, decisions in zip(known, of_symbols, strict=True):
            yield minute, replace(counted[minute], symbol_decisions=decisions)
        progress("minutes", last + 1 - minutes.start, len(minutes))


def _read_symbols(client: redis.Redis, prefix: str, minutes: Sequence[int]) -> list[dict[tuple[str, str], int]]:
    """(symbol, decision) -> count in each of `minutes`; what was folded is no symbol."""
    buckets = scan_fields(client, [bucket_key(prefix, minute) for minute in minutes], f"{SYMBOL_DECISION}*")
    return [
        {pair: count for pair, count in decode(fields).symbol_decisions.items() if pair[0] != OTHER}
        for fields in buckets
    ]
