"""Read model: decisions and reasons minute by minute.

Straight from the buckets, for the minutes before now: when the flow is dead, this shows that nothing is counted any
more, where the rolling snapshots would show for a day what was true when it died.
"""

from __future__ import annotations

from collections.abc import Mapping

import redis

from connectors.errors import translating
from console.queries.fetch import count_of, scan_fields, text
from flows.domain.windows import Minutes
from sinks.buckets import bucket_key, read_summaries
from sinks.values.counts import LONGEST_WINDOW, Counts

WITHOUT_SYMBOLS = "[dr]e[ca]*"
"""Pattern of the fields `decision:*` and `reason:*` of a bucket."""


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
            counted[minute] = summary_of(fields)
    return Minutes(running, counted, count, ended=running < now)


def summary_of(fields: Mapping[bytes, bytes]) -> Counts:
    """What the fields of a bucket say without its symbols."""
    decisions, reasons = {}, {}
    for name, count in fields.items():
        kind, _, rest = text(name).partition(":")
        if kind == "decision":
            decisions[rest] = count_of(count)
        elif kind == "reason":
            reasons[rest] = count_of(count)
    return Counts(decisions, reasons)
