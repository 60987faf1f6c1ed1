"""The read model of the efficiency joins: what is proposed for each symbol, and the latest permits. Never writes.

Text comes as it is in Redis, and must be made printable before a terminal gets it. What is no number is None.
Raises `connectors.errors.RedisFailure` where Redis does not answer, or holds another type under a key of ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from connectors.errors import translating
from console.queries.fetch import number_of, text, texts
from console.queries.json import head
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
        read = {at: _object(value) for at, value in zip(others, pipeline.execute(raise_on_error=False), strict=True)}
    newest: dict[str, Proposed] = {}
    for _id, fields in entries:
        one = _proposed(texts(fields))
        newest.setdefault(one.symbol, one)
    symbols = {fields.get(b"plan_id"): text(fields.get(b"symbol", b"")) for _id, fields in plans}
    permitted = [read[at] if at in read else texts(fields) for at, fields in enumerate(found)]
    shown = [
        _permitted(text(plan_id), symbols[plan_id], one) for plan_id, one in zip(ids, permitted, strict=True) if one
    ]
    return Joins(tuple(newest[symbol] for symbol in sorted(newest)), tuple(shown))


def _permit_key(prefix: str, plan_id: bytes) -> bytes:
    return permits.key(prefix, plan_id.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _object(value: Any) -> dict[str, str]:
    """The fields of a JSON object, as those of a hash would be; none where it is something else."""
    try:
        loaded = json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return {}
    return {name: str(one) for name, one in loaded.items()} if isinstance(loaded, dict) else {}


def _proposed(fields: Mapping[str, str]) -> Proposed:
    return Proposed(
        fields.get("symbol", ""),
        number_of(fields.get("base_target")),
        number_of(fields.get("proposed_target")),
        number_of(fields.get("multiplier")),
        fields.get("reason", ""),
        number_of(fields.get("ts_epoch")),
    )


def _permitted(plan_id: str, symbol: str, fields: Mapping[str, str]) -> Permitted:
    return Permitted(
        plan_id,
        symbol,
        fields.get("eff_action", ""),
        number_of(fields.get("downsize_factor")),
        number_of(fields.get("extra_cooldown_sec")),
        fields.get("eff_reason", ""),
    )


def proposals_as_json(joins: Joins, now: float) -> dict[str, Any]:
    """What is proposed, as one object, documented in docs/console.md.

    :arg now: when it was read, epoch seconds.
    """
    rows = [
        {
            "symbol": one.symbol,
            "time": one.at,
            "base_target": one.base_target,
            "proposed_target": one.proposed_target,
            "multiplier": one.multiplier,
            "reason": one.reason,
        }
        for one in joins.proposed
    ]
    return head("proposals") | {"as_of": now, "proposals": rows}


def permits_as_json(joins: Joins, now: float) -> dict[str, Any]:
    """What is permitted, likewise."""
    rows = [
        {
            "plan_id": one.plan_id,
            "symbol": one.symbol,
            "action": one.action,
            "factor": one.factor,
            "extra_cooldown_sec": one.extra_cooldown,
            "reason": one.reason,
        }
        for one in joins.permits
    ]
    return head("permits") | {"as_of": now, "permits": rows}
