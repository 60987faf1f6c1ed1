"""A careful loop, as good as one would write it by hand with redis-py: per batch, one transaction of counts and XACK.

Reads a batch, adds it up in memory, sends all HINCRBY and the XACK in one pipeline. No leases, no takeover, no status
but the total; a batch whose reply is lost is counted twice or never. Ends when nothing is left.

    REDIS_PORT=... READ_BATCH=2000 python -m tests.bench.contestants.careful
"""

from __future__ import annotations

import os
from collections import Counter

import redis

from connectors.stream_id import milliseconds
from flows.domain.decisions import event_seconds, kind_of
from flows.domain.windows import minute_of
from sinks import buckets, p35_status, symbols
from sinks.decisions import GROUP
from sinks.values.counts import EXECUTE, Kind
from tests.bench.load import PREFIX, STREAM


def main() -> None:
    """Count all that is in the stream."""
    client = redis.Redis(port=int(os.environ["REDIS_PORT"]), protocol=2, socket_timeout=60, retry=None)
    count, name = int(os.environ.get("READ_BATCH", "2000")), f"careful-{os.getpid()}"
    client.xgroup_create(STREAM, GROUP, "0")
    while reply := client.xreadgroup(GROUP, name, {STREAM: ">"}, count=count):
        _stream, entries = reply[0]
        minutes: dict[int, Counter[Kind]] = {}
        seen: dict[str, float] = {}
        executed: dict[str, float] = {}
        for entry_id, fields in entries:
            kind = kind_of(fields)
            seconds, _skewed = event_seconds(fields.get(b"timestamp", b""), milliseconds(entry_id), 300)
            minute = minute_of(seconds)
            if minute not in minutes:
                minutes[minute] = Counter()
            minutes[minute][kind] += 1
            seen[kind.symbol] = seconds
            if kind.decision == EXECUTE:
                executed[kind.symbol] = seconds
        pipeline = client.pipeline(transaction=True)
        for minute, kinds in minutes.items():
            key = buckets.bucket_key(PREFIX, minute)
            for field, increment in buckets.bucket_counts(kinds, symbol_breakdown=True).items():
                pipeline.hincrby(key, field, increment)
            pipeline.expire(key, 172_800)
        for key, newest in ((symbols.last_seen_key(PREFIX), seen), (symbols.last_execute_key(PREFIX), executed)):
            if newest:
                pipeline.hset(key, mapping={symbol: str(at) for symbol, at in newest.items()})
        pipeline.hincrby(p35_status.key(PREFIX), "processed_total", len(entries))
        pipeline.xack(STREAM, GROUP, *(entry_id for entry_id, _fields in entries))
        pipeline.execute()


if __name__ == "__main__":
    main()
