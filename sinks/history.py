"""History: what was counted in each hour and each day, long after the minutes are gone.

    {prefix}:p35:hour:YYYYMMDDHH    HASH, TTL HISTORY_HOUR_TTL_SEC after it was written last
    {prefix}:p35:day:YYYYMMDD       HASH, TTL HISTORY_DAY_TTL_SEC likewise
        decision:{D}                entries with decision D
        gate:{G}                    entries whose reason belongs to gate G; `gate:none` are those without a reason
        symbol_decision:{S}:{D}     the same per symbol, in which a colon is %3A: see `sinks.buckets.escaped`
        symbol_gates                the counts of symbol x gate, packed: see `sinks.packed`
        minutes                     how many of its minutes have a bucket, or had one
        updated_ts                  when it was written, by the clock of Redis, epoch seconds with fractions

UTC. Derived, and replaced whole: an hour is the sum of its minutes (see `sinks.buckets`), a day of its hours.
`updated_ts` is also its version: no two versions of a roll-up have the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import redis

from sinks.buckets import SYMBOL_DECISION, escaped, name_of
from sinks.numbers import count, number
from sinks.packed import Unreadable, pack, unpack
from sinks.times import minute_name, seconds_text
from sinks.values.history import HOUR, Replacement, RollUp

DECISION, GATE = "decision:", "gate:"
"""What the fields of decisions and gates begin with."""

MINUTES, UPDATED, SYMBOL_GATES = "minutes", "updated_ts", "symbol_gates"


def hour_key(prefix: str, minute: int) -> str:
    """The hour that `minute` (since the epoch) lies in."""
    return f"{prefix}:p35:hour:{minute_name(minute)[:10]}"


def day_key(prefix: str, minute: int) -> str:
    """The day that `minute` (since the epoch) lies in."""
    return f"{prefix}:p35:day:{minute_name(minute)[:8]}"


def key(prefix: str, start: int, length: int) -> str:
    """The roll-up of `length` (HOUR or DAY) that begins with the minute `start`."""
    return (hour_key if length == HOUR else day_key)(prefix, start)


def encode(one: RollUp) -> dict[str, str | bytes]:
    """`one` as the fields of its hash."""
    fields: dict[str, str | bytes] = {f"{DECISION}{name}": str(counted) for name, counted in one.decisions.items()}
    fields |= {f"{GATE}{name}": str(counted) for name, counted in one.gates.items()}
    for (symbol, decision), counted in one.symbol_decisions.items():
        fields[f"{SYMBOL_DECISION}{escaped(symbol)}:{decision}"] = str(counted)
    fields[SYMBOL_GATES] = pack(one.symbol_gates, one.parts)
    fields[MINUTES] = str(one.minutes)
    fields[UPDATED] = seconds_text(one.updated_ts)
    return fields


def decode(start: int, length: int, fields: Mapping[bytes, bytes]) -> RollUp | None:
    """The roll-up in the `fields` of its hash; None where there are none.

    What is no count is left out. Where `symbol_gates` cannot be read, its counts are empty and all bits of `parts` set.
    """
    if not fields:
        return None
    decisions: dict[str, int] = {}
    gates: dict[str, int] = {}
    symbol_decisions: dict[tuple[str, str], int] = {}
    by_kind: dict[str, dict[Any, int]] = {DECISION: decisions, GATE: gates, SYMBOL_DECISION: symbol_decisions}
    for field, value in fields.items():
        kind, name = name_of(field)
        found = by_kind.get(kind)
        if found is not None and (counted := count(value)) is not None:
            found[name] = counted
    try:
        symbol_gates, parts = unpack(fields.get(SYMBOL_GATES.encode(), b""))
    except Unreadable:
        symbol_gates, parts = {}, (1 << (60 if length == HOUR else 24)) - 1
    return RollUp(
        start,
        length,
        count(fields.get(MINUTES.encode())) or 0,
        decisions,
        gates,
        symbol_decisions,
        symbol_gates,
        parts,
        number(fields.get(UPDATED.encode())) or 0.0,
    )


def without_pairs(fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Those of the `fields` of a roll-up that are quickly decoded."""
    return {name: value for name, value in fields.items() if name != SYMBOL_GATES.encode()}


def read(client: redis.Redis, prefix: str, starts: Sequence[int], length: int) -> dict[int, RollUp]:
    """The roll-ups of `length` that begin with the minutes `starts` (since the epoch), as far as they are known.

    Blocks for one round trip; raises what redis-py raises.
    """
    pipeline = client.pipeline(transaction=False)
    for start in starts:
        pipeline.hgetall(key(prefix, start, length))
    replies: list[Any] = pipeline.execute()
    decoded = {start: decode(start, length, fields) for start, fields in zip(starts, replies, strict=True)}
    return {start: one for start, one in decoded.items() if one is not None}


def replace(client: redis.Redis, prefix: str, one: Replacement, ttl: int) -> bool:
    """Replace a roll-up whole, in one step; False where another instance has done so meanwhile, and nothing was done.

    So nobody writes what was added up before the last one to write had read: an older sum never takes the place of a
    newer one. Safe to repeat with the same `one`. Blocks for three round trips; raises what redis-py raises.

    :arg ttl: seconds that it is kept.
    """
    place, after = key(prefix, one.after.start, one.after.length), one.after
    before = 0.0 if one.before is None else one.before.updated_ts
    with client.pipeline(transaction=True) as pipeline:
        pipeline.watch(place)  # type: ignore[no-untyped-call]
        found: Any = pipeline.hget(place, UPDATED)
        version = number(found) or 0.0
        if version != before:
            return version == after.updated_ts
        pipeline.multi()
        pipeline.delete(place)
        if after.minutes:
            fields: dict[Any, Any] = dict(encode(after))
            pipeline.hset(place, mapping=fields)
            pipeline.expire(place, ttl)
        try:
            pipeline.execute()
        except redis.WatchError:
            return False
    return True
