"""Creating a consumer group where it is missing, or having it refused."""

from __future__ import annotations

import redis
import structlog

from connectors.connection import Script, Wire
from connectors.errors import GroupHeld, KeyTaken
from connectors.group_config import GroupConfig
from connectors.text import one_line

_log = structlog.get_logger("group")
_create_group = Script.load("stream_id", "create_group")


def ensure_group(redis_: redis.Redis | Wire, config: GroupConfig) -> int:
    """Create the group, and the stream, if it is missing: behind the last entry that was ever committed.

    A stream that is new (its newest ID is below that entry) is read from its beginning. Blocks for a round trip.

    :returns: its generation, see `Delivery`.
    :raises KeyTaken: its counters are those of another group; nothing was done.
    :raises GroupHeld: a rebuild takes its place just now; nothing was done. Call again.
    :raises RedisFailure: not known whether it exists.
    """
    start, *rest = _create_group(redis_, [config.stream, config.counters], [config.group, config.start])
    if start == b"HELD":
        raise GroupHeld(f"group {config.group} of stream {config.stream} is held: a rebuild takes its place")
    if start == b"OWNED":
        owner = (one_line(name.decode("utf-8", "replace")) for name in rest)
        raise KeyTaken.of(config.counters, tuple(owner), (config.stream, config.group))
    if start is not None:
        _log.info("consumer group created", stream=config.stream, group=config.group, start=start.decode())
    (generation,) = rest
    return int(generation)
