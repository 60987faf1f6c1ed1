"""Freshness: from the moment an entry was due to be published until its count is seen in the bucket of its minute.

The publisher keeps to a timetable, and latency counts from that, not from when it got round to sending: a stall delays
all that was due meanwhile, and shows. The sum of the decisions in the running buckets is polled; one consumer commits
in the order of the stream, so a sum of n says that the first n entries are visible. Polling is every half millisecond,
which is part of the result.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import redis

from connectors.private_redis import PrivateRedis
from sinks import buckets
from sinks.values.counts import DECISIONS
from tests.bench.load import PREFIX
from tests.bench.processes import FLOW, Measured, cpu_seconds
from tests.bench.publisher import BEHIND_KEY, START_KEY, Timetable

RATES = (100, 1_000, 10_000)
"""Entries a second."""

POLL_SECONDS = 0.0005
_PUBLISHER = "tests.bench.publisher"
_FIELDS = [f"decision:{decision}" for decision in DECISIONS]


def measure(quick: bool, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Quantiles of each round, in milliseconds, and what the processor had to do. Takes some three minutes."""
    seconds = 4.0 if quick else 10.0
    results: dict[int, list[dict[str, float]]] = {rate: [] for rate in RATES}
    with PrivateRedis() as server, server.client() as client, Measured(server, FLOW) as flow:
        watch(server, client, flow, 100, 2.0)  # whatever happens but once
        for number in range(rounds):
            for rate in RATES:
                result = watch(server, client, flow, rate, seconds)
                results[rate].append(result)
                say(
                    f"freshness, round {number + 1} of {rounds}: {rate:,} a second: p50 {result['p50']:.2f} ms,"
                    f" p99 {result['p99']:.2f} ms, max {result['max']:.1f} ms"
                )
        flow.stop()
    return {"seconds": seconds, "rates": [{"rate": rate, "rounds": rows} for rate, rows in results.items()]}


def middle(row: dict[str, Any], name: str) -> float:
    """The median over the rounds of a rate."""
    return median(one[name] for one in row["rounds"])


def latencies(table: Timetable, steps: Sequence[tuple[float, int]]) -> list[float]:
    """Seconds that each entry was late, in order.

    :arg steps: when it was seen, and how many entries were visible then: in order, the last sees all.
    """
    late, seen = [], 0
    for at, visible in steps:
        late += [at - table.due(number) for number in range(seen, visible)]
        seen = visible
    return late


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that is not exceeded by `share` of them."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def watch(server: PrivateRedis, client: redis.Redis, flow: Measured, rate: int, seconds: float) -> dict[str, float]:
    """One run: quantiles in milliseconds, and shares of a core that the flow and Redis used.

    :raises RuntimeError: not all entries become visible.
    """
    first_minute = int(time.time()) // 60
    minutes = range(first_minute, first_minute + 2 + math.ceil(seconds / 60))
    keys = [buckets.bucket_key(PREFIX, minute) for minute in minutes]
    pipeline = client.pipeline(transaction=False)

    def visible() -> int:
        for key in keys:
            pipeline.hmget(key, _FIELDS)
        return sum(int(count or 0) for counts in pipeline.execute() for count in counts)

    before = visible()
    client.delete(START_KEY, BEHIND_KEY)
    steps: list[tuple[float, int]] = []
    with Measured(server, (_PUBLISHER, str(rate), str(seconds))) as publisher:
        while (start := client.get(START_KEY)) is None:
            publisher.check()
            time.sleep(0.01)
        table = Timetable(float(start), rate, seconds)
        cpu, redis_cpu = cpu_seconds(flow.pid), cpu_seconds(server.pid)
        deadline, seen = table.start + seconds + 60, 0
        while seen < table.entries:
            now_visible = visible() - before
            if now_visible > seen:
                seen = now_visible
                steps.append((time.monotonic(), seen))
            if time.monotonic() > deadline:
                flow.check()
                raise RuntimeError(f"{seen} of {table.entries} entries became visible")
            time.sleep(POLL_SECONDS)
        took = time.monotonic() - table.start
        cpu, redis_cpu = cpu_seconds(flow.pid) - cpu, cpu_seconds(server.pid) - redis_cpu
        publisher.wait()
        behind = float(client.get(BEHIND_KEY) or 0)
    late = [seconds * 1e3 for seconds in latencies(table, steps)]
    return {
        "p50": quantile(late, 0.5),
        "p99": quantile(late, 0.99),
        "max": max(late),
        "behind": behind * 1e3,
        "cpu": cpu / took,
        "redis_cpu": redis_cpu / took,
    }
