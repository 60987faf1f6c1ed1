"""The read model: what the flows have written to Redis, as frozen values. Never writes, and prints nothing.

Every function blocks for one round trip. A key that is missing reads as empty, and a number that cannot be read as
missing: whoever looks wants the rest. Text comes as it is in Redis: it may hold control characters, and must be made
printable before a terminal gets it.

Raises `connectors.errors.RedisFailure` where Redis does not answer, or holds another type under a key of ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import redis

from connectors.errors import translating
from console.queries.fetch import ask_all, number_of, texts
from sinks import p35_status, symbols


@dataclass(frozen=True, slots=True)
class Status:
    """What the flow says of itself; None is what it does not say (`lag`: Redis does not know)."""

    processed_total: int
    late_total: int
    skewed_total: int
    overflow_total: int
    symbols_dropped_total: int
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
    """What the flow says of itself."""
    (reply,) = ask_all(client, [("HGETALL", p35_status.key(prefix))])
    fields = texts(reply)
    counters = {name: _count(fields.get(name)) or 0 for name in (*p35_status.COUNTERS, "symbols_dropped_total")}
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


def read_last_executions(client: redis.Redis, prefix: str) -> dict[str, tuple[float, float | None]]:
    """Symbol -> epoch seconds of its newest decision, and of its newest EXECUTE (None: never)."""
    pipeline = client.pipeline(transaction=True)
    pipeline.hgetall(symbols.last_seen_key(prefix))
    pipeline.hgetall(symbols.last_execute_key(prefix))
    with translating():
        seen, executed = map(texts, pipeline.execute())
    found = {symbol: (number_of(at), number_of(executed.get(symbol))) for symbol, at in seen.items()}
    return {symbol: (at, executed_at) for symbol, (at, executed_at) in found.items() if at is not None}


def _count(value: str | None) -> int | None:
    """A count, or None where `value` is none: not a number, or negative."""
    try:
        count = int(value) if value is not None else -1
    except ValueError:
        return None
    return count if count >= 0 else None
