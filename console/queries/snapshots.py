"""The read model: what the flows have written to Redis, as frozen values. Never writes, and prints nothing.

Every function blocks for one round trip. A key that is missing reads as empty, and a number that cannot be read as
missing: whoever looks wants the rest. Text comes as it is in Redis: it may hold control characters, and must be made
printable before a terminal gets it.

Raises `connectors.errors.RedisError` where Redis does not answer, or holds another type under a key of ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from connectors.errors import translate
from console.queries.fetch import number_of, text
from sinks import snapshots, status, symbols
from sinks.values.counts import DECISIONS, WINDOWS

NO_GATE = "none"
"""Stands among reasons and gates for decisions that gave no reason; it blocks nothing."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A reason, a gate or a raw decision, and how often it was counted."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Window:
    """One rolling window, as last written."""

    name: str
    """One of `sinks.values.counts.WINDOWS`."""
    decisions: Mapping[str, int]
    """Every decision of `sinks.values.counts.DECISIONS`, in their order, 0 included."""
    reasons: tuple[Ranked, ...]
    """Most first, equal counts by name; `none` is among them."""
    gates: tuple[Ranked, ...]
    """Most first, equal counts by name, without `none`."""

    @property
    def total(self) -> int:
        """All decisions."""
        return sum(self.decisions.values())

    def share(self, count: int) -> float:
        """`count` as a part of all decisions, 0 to 1; 0 when there are none."""
        return count / self.total if self.total else 0.0

    def share_of(self, decision: str) -> float:
        """The share of one of DECISIONS, 0 to 1."""
        return self.share(self.decisions.get(decision, 0))


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


@dataclass(frozen=True, slots=True)
class Overview:
    """All windows and the status, as they were at one moment."""

    windows: Mapping[str, Window]
    """By name, shortest first."""
    unknown: tuple[Ranked, ...]
    """Raw decisions of the last five minutes that nobody knows, most first."""
    status: Status


def read_overview(client: redis.Redis, prefix: str) -> Overview:
    """Everything that an operator sees first."""
    pipeline = client.pipeline(transaction=True)
    for name in WINDOWS:
        _ask_window(pipeline, prefix, name)
    _ask_ranking(pipeline, snapshots.unknown_key(prefix))
    pipeline.hgetall(status.key(prefix))
    replies = _execute(pipeline)
    windows = {name: _window(name, replies[3 * at : 3 * at + 3]) for at, name in enumerate(WINDOWS)}
    return Overview(windows, _ranking(replies[-2]), _status(replies[-1]))


def read_window(client: redis.Redis, prefix: str, name: str) -> Window:
    """One window.

    :arg name: one of `sinks.values.counts.WINDOWS`.
    """
    pipeline = client.pipeline(transaction=True)
    _ask_window(pipeline, prefix, name)
    return _window(name, _execute(pipeline))


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


def _ask_window(pipeline: redis.client.Pipeline, prefix: str, name: str) -> None:
    pipeline.hgetall(snapshots.decisions_key(prefix, name))
    _ask_ranking(pipeline, snapshots.reasons_key(prefix, name))
    _ask_ranking(pipeline, snapshots.gates_key(prefix, name))


def _ask_ranking(pipeline: redis.client.Pipeline, key: str) -> None:
    pipeline.zrange(key, 0, -1, withscores=True)


def _execute(pipeline: redis.client.Pipeline) -> list[Any]:
    try:
        return pipeline.execute()
    except (redis.RedisError, OSError) as error:
        raise translate(error) from error


def _window(name: str, replies: Sequence[Any]) -> Window:
    counts, reasons, gates = replies
    by_decision = _texts(counts)
    decisions = {decision: _count(by_decision.get(decision)) or 0 for decision in DECISIONS}
    without_none = tuple(gate for gate in _ranking(gates) if gate.name != NO_GATE)
    return Window(name, decisions, _ranking(reasons), without_none)


def _ranking(pairs: Sequence[tuple[bytes | str, float]]) -> tuple[Ranked, ...]:
    # Sorted here: Redis gives names of equal score in reverse.
    ranked = [Ranked(text(name), int(score)) for name, score in pairs if math.isfinite(score)]
    return tuple(sorted(ranked, key=lambda one: (-one.count, one.name)))


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
