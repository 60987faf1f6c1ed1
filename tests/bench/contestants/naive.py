"""A naive loop, as such services are usually written: a round trip for each counter, and an XACK every 10 seconds.

What dies between two acknowledgements is counted again at the next start. Ends when nothing is left.

    REDIS_PORT=... python -m tests.bench.contestants.naive
"""

from __future__ import annotations

import os
import time

import redis

from connectors.stream_id import milliseconds
from flows.domain.decisions import event_seconds, kind_of
from flows.domain.windows import minute_of
from sinks import buckets, p35_status, symbols
from sinks.decisions import GROUP
from sinks.values.counts import EXECUTE
from tests.bench.load import PREFIX, STREAM

ACKNOWLEDGE_SECONDS = 10


def main() -> None:
    """Count all that is in the stream."""
    client = redis.Redis(port=int(os.environ["REDIS_PORT"]), protocol=2, socket_timeout=60, retry=None)
    name = f"naive-{os.getpid()}"
    client.xgroup_create(STREAM, GROUP, "0")
    handled: list[bytes] = []
    acknowledged = time.monotonic()
    while reply := client.xreadgroup(GROUP, name, {STREAM: ">"}, count=100):
        for entry_id, fields in reply[0][1]:
            kind = kind_of(fields)
            seconds, _skewed = event_seconds(fields.get(b"timestamp", b""), milliseconds(entry_id), 300)
            key = buckets.bucket_key(PREFIX, minute_of(seconds))
            client.hincrby(key, f"decision:{kind.decision}", 1)
            client.hincrby(key, f"reason:{kind.reason}", 1)
            client.hincrby(key, f"symbol_decision:{kind.symbol}:{kind.decision}", 1)
            client.hincrby(key, f"symbol_reason:{kind.symbol}:{kind.reason}", 1)
            client.expire(key, 172_800)
            client.hset(symbols.last_seen_key(PREFIX), kind.symbol, str(seconds))
            if kind.decision == EXECUTE:
                client.hset(symbols.last_execute_key(PREFIX), kind.symbol, str(seconds))
            client.hincrby(p35_status.key(PREFIX), "processed_total", 1)
            handled.append(entry_id)
        if time.monotonic() - acknowledged >= ACKNOWLEDGE_SECONDS:
            client.xack(STREAM, GROUP, *handled)
            handled, acknowledged = [], time.monotonic()
    if handled:
        client.xack(STREAM, GROUP, *handled)


if __name__ == "__main__":
    main()
