"""Puts the made-up past into Redis, as `flows.history` would have left it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import redis

from connectors.errors import translating
from console.demo.past import days_of, made_up
from flows.settings.history import HistorySettings
from sinks import history
from sinks.values.history import RollUp


def write_past(client: redis.Redis, prefix: str, seed: int, rate: float, now: float) -> None:
    """Write the hours and days before `now` (epoch seconds) that would still be there.

    Blocks for less than a second, most of which is computing; raises `connectors.errors.RedisFailure`.
    """
    hours = list(made_up(seed, rate, now))
    fields = HistorySettings.model_fields
    _write(client, prefix, hours, fields["history_hour_ttl_sec"].default, now)
    _write(client, prefix, days_of(hours), fields["history_day_ttl_sec"].default, now)


def _write(client: redis.Redis, prefix: str, rolled: Iterable[RollUp], ttl: int, now: float) -> None:
    pipeline = client.pipeline(transaction=False)
    for one in rolled:
        ends = int(one.updated_ts) + ttl
        if ends > now:
            key = history.key(prefix, one.start, one.length)
            mapping: dict[Any, Any] = dict(history.encode(one))
            pipeline.hset(key, mapping=mapping)
            pipeline.expireat(key, ends)
    with translating():
        pipeline.execute()
