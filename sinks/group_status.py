"""What a status hash says of a consumer group when it is looked at, and of the process that looks.

pending_estimate   entries delivered and not acknowledged
lag                entries not delivered yet; absent where Redis does not know
consumer_name      of the process that wrote this last
service_start_ts   when that process started, epoch seconds
version            of that process
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis

from connectors.group_state import GroupState


def write(
    client: redis.Redis, key: str, state: GroupState, facts: dict[str, str], counters: Sequence[str] = ()
) -> None:
    """Write `state`, and `facts` about the process, to the hash `key`. One atomic step; blocks for a round trip.

    :arg counters: fields that begin at 0 where they are missing.
    """
    pipeline = client.pipeline(transaction=True)
    for counter in counters:
        pipeline.hsetnx(key, counter, 0)
    fields: dict[Any, Any] = {"pending_estimate": state.pending, **facts}
    pipeline.hset(key, mapping=fields)
    if state.lag is None:
        pipeline.hdel(key, "lag")
    else:
        pipeline.hset(key, "lag", state.lag)
    pipeline.execute()
