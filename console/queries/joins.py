"""The read model of the efficiency joins: what is proposed for each symbol, and the latest permits. Never writes.

Text comes as it is in Redis, and must be made printable before a terminal gets it. What is no number is None.
Raises `connectors.errors.RedisFailure` where Redis does not answer, or holds another type under a key of ours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import redis

from connectors.errors import translating
from console.queries.fetch import number_of, text

_PROPOSALS, _PLANS = 200, 20
"""Entries that are looked at, newest first."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """The newest proposal for a symbol."""

    symbol: str
    base_target: float | None
    proposed_target: float | None
    multiplier: float | None
    reason: str
    at: float | None = None
    """When, epoch seconds."""


@dataclass(frozen=True, slots=True)
class Permitted:
    """A permit."""

    plan_id: str
    symbol: str
    action: str
    factor: float | None
    extra_cooldown: float | None
    """Seconds."""
    reason: str


@dataclass(frozen=True, slots=True)
class Joins:
    """What the joins say now."""

    proposed: tuple[Proposed, ...] = ()
    """By symbol."""
    permits: tuple[Permitted, ...] = ()
    """Of the latest plans that have one, the newest first."""


def read_joins(client: redis.Redis, prefix: str, proposed_to: str | None = None) -> Joins:
    """What is proposed and permitted now. Blocks for two round trips, or three where a permit is JSON.

    :arg proposed_to: the stream of the proposals; None: the one under `prefix`.
    """
    # Here: it brings a logger along, and with that a renderer, of which the read model itself needs nothing.
    from sinks import permits, proposals

    with translating():
        pipeline = client.pipeline(transaction=False)
        pipeline.xrevrange(proposed_to or proposals.stream_key(prefix), count=_PROPOSALS)
        pipeline.xrevrange(permits.stream_key(prefix), count=_PLANS)
        entries, plans = pipeline.execute()
        ids = [fields[b"plan_id"] for _id, fields in plans if fields.get(b"plan_id")]
        keys = [_permit_key(prefix, plan_id) for plan_id in ids]
        for key in keys:
            pipeline.hgetall(key)
        found = pipeline.execute(raise_on_error=False)
        others = [at for at, fields in enumerate(found) if isinstance(fields, redis.ResponseError)]
        for at in others:
            pipeline.get(keys[at])
        for at, value in zip(others, pipeline.execute(raise_on_error=False), strict=True):
            found[at] = _object(value)
    newest: dict[str, Proposed] = {}
    for _id, fields in entries:
        one = _proposed(fields)
        newest.setdefault(one.symbol, one)
    symbols = {fields.get(b"plan_id"): _text(fields, "symbol") for _id, fields in plans}
    shown = [
        _permitted(plan_id, symbols[plan_id], fields)
        for plan_id, fields in zip(ids, found, strict=True)
        if isinstance(fields, dict) and fields
    ]
    return Joins(tuple(newest[symbol] for symbol in sorted(newest)), tuple(shown))


def _permit_key(prefix: str, plan_id: bytes) -> bytes:
    from sinks import permits

    return permits.key(prefix, plan_id.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _object(value: Any) -> dict[bytes, bytes]:
    """The fields of a JSON object, as those of a hash would be; none where it is something else."""
    try:
        loaded = json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return {}
    pairs = loaded.items() if isinstance(loaded, dict) else ()
    return {name.encode("utf-8", "replace"): str(one).encode("utf-8", "replace") for name, one in pairs}


def _proposed(fields: Any) -> Proposed:
    return Proposed(
        _text(fields, "symbol"),
        _number(fields, "base_target"),
        _number(fields, "proposed_target"),
        _number(fields, "multiplier"),
        _text(fields, "reason"),
        _number(fields, "ts_epoch"),
    )


def _permitted(plan_id: bytes, symbol: str, fields: Any) -> Permitted:
    return Permitted(
        text(plan_id),
        symbol,
        _text(fields, "eff_action"),
        _number(fields, "downsize_factor"),
        _number(fields, "extra_cooldown_sec"),
        _text(fields, "eff_reason"),
    )


def _text(fields: Any, name: str) -> str:
    return text(fields.get(name.encode(), b""))


def _number(fields: Any, name: str) -> float | None:
    return number_of(fields.get(name.encode()))
