"""Derived values as effects: a function that reads Redis and says what follows, and a way to write that in one step.

What is derived is written again and again, by several instances, and not in one step with what it was read from. So
only effects that do the same when they are carried out twice may be given: `Put`, and `Delete`, which before a `Put`
replaces a hash whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import redis

from connectors.effects import Delete, Put

Derived: TypeAlias = Put | Delete
Derive: TypeAlias = Callable[[redis.Redis], Iterable[Derived] | Derived | None]
"""Reads; gives what is to be written, or has written it by itself and gives None."""


def derived_by(function: Derive) -> Callable[[redis.Redis], tuple[Derived, ...] | None]:
    """`function` as the `read` of a `PolledSource`, for a `DerivedSink` that calls `put`. Blocks as it does.

    :raises TypeError: it gave something else; the message names it.
    """

    def read(client: redis.Redis) -> tuple[Derived, ...] | None:
        made: Any = function(client)
        if made is None or isinstance(made, Derived):
            return None if made is None else (made,)
        effects = tuple(made) if isinstance(made, Iterable) else (made,)
        for one in effects:
            if not isinstance(one, Derived):
                name = getattr(function, "__qualname__", repr(function))
                raise TypeError(f"{name} gives Put and Delete, which may be done twice, or None, and gave {one!r:.80}")
        return effects or None

    return read


def put(client: redis.Redis, effects: Iterable[Derived]) -> None:
    """Carry out `effects`, in their order, in one transaction; blocks for a round trip.

    :raises redis.RedisError: it is not known whether they are written; they may be again.
    """
    pipeline = client.pipeline(transaction=True)
    for effect in effects:
        if isinstance(effect, Delete):
            pipeline.delete(effect.key)
            continue
        if effect.fields:
            fields: dict[Any, Any] = dict(effect.fields)
            pipeline.hset(effect.key, mapping=fields)
        if effect.ttl is not None:
            pipeline.expire(effect.key, effect.ttl)
    pipeline.execute()
