"""What Redis knows of a consumer group, for whoever looks at it and is no member."""

from __future__ import annotations

from typing import Any

import redis

from connectors.errors import NoGroup, RedisFailure, WrongType, translate
from connectors.group_state import GroupState


def read_state(client: redis.Redis, stream: str, group: str) -> GroupState | None:
    """The state of `group`, or None when it (or the stream) does not exist.

    :raises RedisFailure: Redis did not answer.
    """
    try:
        rows = client.xinfo_groups(stream)
    except (redis.RedisError, OSError) as error:
        problem = translate(error)
        if isinstance(problem, NoGroup):
            return None
        raise explain_type(client, problem, {stream: "stream"}) from error
    for row in rows:
        if row["name"] == group.encode():
            return GroupState(int(row["pending"]), row.get("lag"), int(row["consumers"]))
    return None


def explain_type(client: redis.Redis, error: RedisFailure, wanted: dict[str, str]) -> RedisFailure:
    """`error`, or when it is WrongType, the one that names which of the keys `wanted` has another type than it says."""
    if isinstance(error, WrongType):
        try:
            for key, kind in wanted.items():
                reply: Any = client.type(key)
                found: str = reply.decode()
                if found not in ("none", kind):
                    return WrongType.of(key, found, kind)
        except (redis.RedisError, OSError):
            pass
    return error
