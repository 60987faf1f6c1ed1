"""The read model: what the flows have written to Redis, as frozen values. Never writes, and prints nothing.

Every function blocks for one round trip. A key that is missing reads as empty, and a number that cannot be read as
missing: whoever looks wants the rest. Text comes as it is in Redis: it may hold control characters, and must be made
printable before a terminal gets it.

Raises `connectors.errors.RedisFailure` where Redis does not answer, or holds another type under a key of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from connectors.errors import translating
from console.queries.fetch import number_of, text
from sinks import status, symbols


@dataclass(frozen=True, slots=True)
class Status:
    """What the service says of itself; None is what it does not say (`lag`: Redis does not know)."""

    processed_total: int
    late_total: int
    skewed_total: int
    overflow_total: int
    claimed_total: int
    fenced_total: int
    trimmed_total: int
    pending: int | None
    """Entries delivered and not yet counted."""
    lag: int | None
    """Entries not yet read."""
    last_id: str | None
    last_ts: float | None
    """Event time of the newest entry counted, epoch seconds."""
    consumer_name: str | None
    service_start_ts: float | None
    """Epoch seconds."""
    version: str | None


def read_status(client: redis.Redis, prefix: str) -> Status:
    """What the service says of itself."""
    pipeline = client.pipeline(transaction=False)
    pipeline.hgetall(status.key(prefix))
    return _status(_execute(pipeline)[0])


def read_last_executions(client: redis.Redis, prefix: str) -> dict[str, tuple[float, float | None]]:
    """Symbol -> epoch seconds of its newest decision, and of its newest EXECUTE (None: never)."""
    pipeline = client.pipeline(transaction=True)
    pipeline.hgetall(symbols.last_seen_key(prefix))
    pipeline.hgetall(symbols.last_execute_key(prefix))
    seen, executed = (_texts(reply) for reply in _execute(pipeline))
    result = {}
    for symbol, seen_at in seen.items():
        seconds = number_of(seen_at)
        if seconds is not None:
            result[symbol] = (seconds, number_of(executed.get(symbol)))
    return result


def _execute(pipeline: redis.client.Pipeline) -> list[Any]:
    with translating():
        return pipeline.execute()


def _status(reply: Mapping[bytes | str, bytes | str]) -> Status:
    fields = _texts(reply)
    counters = {name: _count(fields.get(name)) or 0 for name in status.COUNTERS}
    return Status(
        **counters,
        pending=_count(fields.get("pending_estimate")),
        lag=_count(fields.get("lag")),
        last_id=fields.get("last_id"),
        last_ts=number_of(fields.get("last_ts")),
        consumer_name=fields.get("consumer_name"),
        service_start_ts=number_of(fields.get("service_start_ts")),
        version=fields.get("version"),
    )


def _texts(reply: Mapping[bytes | str, bytes | str]) -> dict[str, str]:
    return {text(name): text(value) for name, value in reply.items()}


def _count(value: str | None) -> int | None:
    """A count, or None where `value` is none: not a number, or negative."""
    try:
        count = int(value) if value is not None else -1
    except ValueError:
        return None
    return count if count >= 0 else None
