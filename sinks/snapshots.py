"""Rolling snapshots: what the windows show now. Each is replaced whole in one step; an empty one has no key.

    {prefix}:p35:decision:counts:{w}        HASH decision -> count          w: 1m, 5m, 15m, 1h
    {prefix}:p35:reason:top:{w}             ZSET the top 50 reasons, score = count
    {prefix}:p35:gate:top:{w}               ZSET the top 50 gates, score = count
    {prefix}:p35:unknown_decision:top:5m    ZSET raw decisions that nobody knows, score = count

TTL 24 h each.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import redis

from sinks.buckets import read_summaries
from sinks.values.counts import LONGEST_WINDOW, UNKNOWN_WINDOW, Recent, Snapshots

TTL = 86_400
"""Seconds."""


def decisions_key(prefix: str, window: str) -> str:
    """Counts of decisions."""
    return f"{prefix}:p35:decision:counts:{window}"


def reasons_key(prefix: str, window: str) -> str:
    """The top reasons."""
    return f"{prefix}:p35:reason:top:{window}"


def gates_key(prefix: str, window: str) -> str:
    """The top gates."""
    return f"{prefix}:p35:gate:top:{window}"


def unknown_key(prefix: str) -> str:
    """The top unknown raw decisions."""
    return f"{prefix}:p35:unknown_decision:top:{UNKNOWN_WINDOW}"


def read(client: redis.Redis, prefix: str) -> Recent:
    """The last hour of buckets, by the clock of Redis, so that instances on several machines agree.

    Blocks for two round trips; raises what redis-py raises.
    """
    started = time.monotonic()
    seconds, _microseconds = client.time()
    now = int(seconds) // 60
    return Recent(now, read_summaries(client, prefix, range(now - LONGEST_WINDOW + 1, now + 1)), started)


def write(client: redis.Redis, prefix: str, snapshots: Snapshots) -> None:
    """Replace all snapshots in one transaction. Blocks for a round trip; raises what redis-py raises."""
    pipeline = client.pipeline(transaction=True)
    for window, snapshot in snapshots.windows.items():
        key = decisions_key(prefix, window)
        pipeline.delete(key)
        if snapshot.decisions:
            counts: dict[Any, Any] = dict(snapshot.decisions)
            pipeline.hset(key, mapping=counts)
            pipeline.expire(key, TTL)
        _replace_top(pipeline, reasons_key(prefix, window), snapshot.top_reasons)
        _replace_top(pipeline, gates_key(prefix, window), snapshot.top_gates)
    _replace_top(pipeline, unknown_key(prefix), snapshots.top_unknown)
    pipeline.execute()


def _replace_top(pipeline: redis.client.Pipeline, key: str, top: Iterable[tuple[str, int]]) -> None:
    pipeline.delete(key)
    scores = dict(top)
    if scores:
        pipeline.zadd(key, scores)
        pipeline.expire(key, TTL)
