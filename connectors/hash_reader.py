"""Reading many hashes in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis

from connectors.connection import Wire
from connectors.errors import RedisAway, RedisFailure
from connectors.lookup_result import Failed, Found, LookupResult, Missing

_CHUNK = 1_000
"""Requests in one packet. All the replies to one wait in Redis' memory until they are read."""

_MISSING = Missing()


def read_hashes(
    client: redis.Redis,
    keys: Sequence[str | bytes],
    fields: Sequence[bytes] | None,
    raised: tuple[type[RedisFailure], ...] = (RedisAway,),
) -> list[LookupResult]:
    """The outcome for each of `keys`, in their order. Blocks for one round trip for each thousand of them.

    A key of another type, or one that is denied, has failed alone.

    :arg fields: those that are asked for; others do not travel, however many a hash has. None: all.
    :arg raised: errors that are no matter of the key that meets them: Redis is loading, say.
    :raises RedisFailure: Redis did not answer, or a key met one of `raised`; nothing is known of any key.
    """
    wire = Wire(client)
    try:
        outcomes: list[LookupResult] = []
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            wire.send(*[("HGETALL", key) if fields is None else ("HMGET", key, *fields) for key in chunk])
            outcomes += [_outcome(wire.receive(), fields, raised) for _ in chunk]
    except BaseException:
        wire.close()
        raise
    wire.release()
    return outcomes


def _outcome(reply: Any, fields: Sequence[bytes] | None, raised: tuple[type[RedisFailure], ...]) -> LookupResult:
    if isinstance(reply, RedisFailure):
        if isinstance(reply, raised):
            raise reply
        return Failed(str(reply))
    if fields is None:
        found = dict(zip(reply[::2], reply[1::2], strict=True))
    else:
        found = {field: value for field, value in zip(fields, reply, strict=True) if value is not None}
    return Found(found) if found else _MISSING
