"""Reading new entries: a request that is sent now and answered later, and what is asked along with it."""

from __future__ import annotations

from typing import NamedTuple

import redis

from connectors.connection import Script, Wire
from connectors.delivery import Entry
from connectors.errors import RedisError
from connectors.group import Consumer

_before_read = Script.load("stream_id", "before_read")

BLOCK_MS = 200
"""How long a read waits for entries, in milliseconds: also how long a stop may take, and other steps may wait."""


class Arrived(NamedTuple):
    """What a read brought."""

    entries: list[Entry] | None
    """None when the lease was lost: what was read is pending for us, and may be taken over by others."""
    lost: int
    """Entries that were found deleted before anyone read them; counted in Redis already."""


class Reader:
    """Reads for one consumer, on a connection of its own. At most one read is under way."""

    def __init__(self, client: redis.Redis) -> None:
        self._wire = Wire(client)

    @property
    def under_way(self) -> bool:
        """Whether a read was sent and not received."""
        return self._wire.awaited > 0

    def send(self, consumer: Consumer, count: int) -> None:
        """Ask for up to `count` new entries. Blocks for no reply.

        :raises RedisError: not sent.
        """
        config, lease = consumer.config, consumer.lease
        # Whole each time. By its digest it could be unknown (SCRIPT FLUSH), and the read behind it, which Redis carries
        # out all the same, would step over a hole unseen.
        keys = (config.stream, lease.key, config.counters)
        check = ("EVAL", _before_read.source, len(keys), *keys, config.group, lease.token)
        limits = ("COUNT", count, "BLOCK", BLOCK_MS)
        self._wire.send(
            check, ("XREADGROUP", "GROUP", config.group, consumer.name, *limits, "STREAMS", config.stream, ">")
        )

    def ready(self) -> bool:
        """Whether `receive` would not block.

        :raises RedisError: the connection broke.
        """
        return self._wire.ready()

    def receive(self) -> Arrived:
        """What the read under way brings; blocks for up to `BLOCK_MS`, and for the socket timeout when Redis hangs.

        :raises RedisError: what was read, if anything, is pending for us.
        """
        check = self._wire.receive()
        reply = self._wire.receive()
        for answer in (reply, check):
            if isinstance(answer, RedisError):
                raise answer
        held, lost = check
        entries = [Entry(entry[0], entry[1]) for entry in reply[0][1]] if reply else []
        return Arrived(entries if held else None, int(lost))

    def close(self) -> None:
        """Drop the connection, and the read that is under way. Never raises."""
        self._wire.close()
