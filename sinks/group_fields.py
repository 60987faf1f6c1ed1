"""What a status hash says of a consumer group when it is looked at, and of the process that looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:  # whoever only reads starts fast
    from connectors.group_state import GroupState


def put(pipeline: redis.client.Pipeline, key: str, state: GroupState, facts: dict[str, str]) -> None:
    """Queue what `key` gets: `pending_estimate`, `facts`, and `lag`, which is absent where Redis does not know it."""
    fields: dict[Any, Any] = {"pending_estimate": state.pending, **facts}
    pipeline.hset(key, mapping=fields)
    if state.lag is None:
        pipeline.hdel(key, "lag")
    else:
        pipeline.hset(key, "lag", state.lag)
