"""Read model: what history keeps of hours and days, and buckets as if they were the same of minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import redis

from console.queries.fetch import in_any_case, scan_fields
from console.queries.minutes import Progress, read_slices
from flows.domain.history import of_minute
from sinks import history
from sinks.buckets import bucket_key, decode, escaped
from sinks.values.counts import Counts
from sinks.values.history import HOUR, RollUp

WHOLE = "*"
"""Pattern of all fields of a roll-up;"""
WITHOUT_SYMBOLS = "[dgm]*"
"""of its decisions, its gates and `minutes`;"""
WITHOUT_PAIRS = "*:*"
"""of its decisions, its gates and the decisions of its symbols."""

_SLICE = 60
"""Roll-ups that are read before the progress is told."""


def read_rollups(
    client: redis.Redis,
    prefix: str,
    starts: Sequence[int],
    length: int,
    fields: str,
    progress: Progress = lambda _what, _done, _total: None,
) -> dict[int, RollUp]:
    """Those that are known of the roll-ups of `length` (HOUR or DAY) that begin with the minutes `starts`.

    Blocks for a round trip each 15; raises `connectors.errors.RedisFailure`.

    :arg fields: which of their fields are read: a pattern of Redis.
    """
    found: dict[int, RollUp] = {}
    for at in range(0, len(starts), _SLICE):
        chunk = starts[at : at + _SLICE]
        hashes = scan_fields(client, [history.key(prefix, start, length) for start in chunk], fields)
        for start, one in zip(chunk, hashes, strict=True):
            rolled = history.decode(start, length, one)
            if rolled is not None:
                found[start] = rolled
        progress("hours" if length == HOUR else "days", at + len(chunk), len(starts))
    return found


def read_buckets(
    client: redis.Redis, prefix: str, minutes: range, now: int, symbol: str | None, progress: Progress
) -> dict[int, RollUp]:
    """The same of single minutes (since the epoch), from their buckets.

    Blocks for a few round trips an hour; raises `connectors.errors.RedisFailure`.

    :arg now: the minute that it is now.
    :arg symbol: whose counts are read as well, in whatever case; None: no symbol's.
    """
    counted = dict(read_slices(client, prefix, minutes, now=now, symbols=False, progress=progress))
    if symbol is not None:
        counted = with_symbol(client, prefix, counted, symbol)
    return {minute: of_minute(minute, counts) for minute, counts in counted.items()}


def with_symbol(client: redis.Redis, prefix: str, counted: Mapping[int, Counts], symbol: str) -> dict[int, Counts]:
    """The minutes of `counted` with the counts of `symbol`, in whatever case. Blocks and raises as `read_buckets`."""
    pattern = f"symbol_[dr]e*:{in_any_case(escaped(symbol))}:*"
    hashes = scan_fields(client, [bucket_key(prefix, minute) for minute in counted], pattern)
    found = {}
    for (minute, counts), fields in zip(counted.items(), hashes, strict=True):
        mine = decode(fields)
        found[minute] = replace(counts, symbol_decisions=mine.symbol_decisions, symbol_reasons=mine.symbol_reasons)
    return found
