"""The read model of the efficiency joins: what is proposed for each symbol, and the latest permits. Never writes.

Text comes as it is in Redis, and must be made printable before a terminal gets it. What is no number is None.
Raises `connectors.errors.RedisError` where Redis does not answer, or holds another type under a key of ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import redis

from connectors.errors import translate
from sinks import permits, proposals

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
    """Of the latest plans that have one as a hash, the newest first."""


def read_joins(client: redis.Redis, prefix: str) -> Joins:
    """What is proposed and permitted now. Blocks for two round trips."""
    try:
        pipeline = client.pipeline(transaction=False)
        pipeline.xrevrange(proposals.stream_key(prefix), count=_PROPOSALS)
        pipeline.xrevrange(permits.stream_key(prefix), count=_PLANS)
        entries, plans = pipeline.execute()
        ids = [fields[b"plan_id"] for _id, fields in plans if fields.get(b"plan_id")]
        for plan_id in ids:
            pipeline.hgetall(f"{prefix}:permit:".encode() + plan_id)
        found = pipeline.execute(raise_on_error=False)
    except (redis.RedisError, OSError) as error:
        raise translate(error) from error
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


def _proposed(fields: Any) -> Proposed:
    return Proposed(
        _text(fields, "symbol"),
        _number(fields, "base_target"),
        _number(fields, "proposed_target"),
        _number(fields, "multiplier"),
        _text(fields, "reason"),
    )


def _permitted(plan_id: bytes, symbol: str, fields: Any) -> Permitted:
    return Permitted(
        plan_id.decode("utf-8", "replace"),
        symbol,
        _text(fields, "eff_action"),
        _number(fields, "downsize_factor"),
        _number(fields, "extra_cooldown_sec"),
        _text(fields, "eff_reason"),
    )


def _text(fields: Any, name: str) -> str:
    value: bytes = fields.get(name.encode(), b"")
    return value.decode("utf-8", "replace")


def _number(fields: Any, name: str) -> float | None:
    try:
        value = float(_text(fields, name))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
