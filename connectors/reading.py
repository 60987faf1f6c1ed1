"""Reading new entries: a request that is sent now and answered later, and what is asked along with it."""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

from connectors.connection import Script, Wire
from connectors.delivery import RawEntry
from connectors.errors import RedisFailure
from connectors.group import Consumer

_before_read = Script.load("stream_id", "before_read")

BLOCK_MS = 200
"""How long a read waits for entries, in milliseconds: also how long a stop may take, and other steps may wait."""


class Arrived(NamedTuple):
    """What a read brought."""

    name: str
    """Of that read, for which it is pending."""
    entries: list[RawEntry] | None
    """None when the lease was lost: what was read is pending for us, and may be taken over by others."""
    lost: int
    """Entries that were found deleted before anyone read them; counted in Redis already."""
    generation: int
    """Of the group that was read from; see `Delivery`."""
    whole: bool
    """Whether it brought as much as was asked for: there may be more."""


class _Asked(NamedTuple):
    """A read under way."""

    name: str
    entries: int
    waits: bool
    """Whether a wait for new entries goes ahead of it."""


class Reader:
    """Reads for one consumer, on its `wire`. Several reads may be under way; their answers come in the same order.

    XREADGROUP itself never waits: an entry could come and go again while it does, and no look for holes would lie
    between. When there was nothing new, XREAD waits ahead of the look and the read, all in one packet, which Redis
    carries out with nothing in between.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._idle_at: bytes | None = None
        """Behind which entry to wait for the next one: where the group was when it had nothing new."""
        self._asked: deque[_Asked] = deque()
        self.sent_at = 0.0
        """When the last read was sent, monotonic seconds."""
        self.due_at = 0.0
        """When the next one is to be sent, if none is under way, monotonic seconds."""

    @property
    def under_way(self) -> bool:
        """Whether a read was sent and not received."""
        return bool(self._asked)

    @property
    def ahead(self) -> int:
        """How many reads were sent and not received."""
        return len(self._asked)

    @property
    def asked(self) -> int:
        """How many entries the reads under way may bring."""
        return sum(one.entries for one in self._asked)

    @property
    def prompt(self) -> bool:
        """Whether a read is under way and the next answer waits for no new entries."""
        return self.under_way and not self._asked[0].waits

    def send(self, consumer: Consumer, count: int) -> None:
        """Ask for up to `count` new entries. Blocks for no reply.

        :raises RedisFailure: not sent.
        """
        config, lease = consumer.config, consumer.lease
        # Whole each time. By its digest it could be unknown (SCRIPT FLUSH), and the read behind it, which Redis carries
        # out all the same, would step over a hole unseen.
        keys = (config.stream, lease.key, config.counters)
        check = ("EVAL", _before_read.source, len(keys), *keys, config.group, lease.token)
        asked = _Asked(consumer.next_name(), count, self._idle_at is not None and not self._asked)
        read = ("XREADGROUP", "GROUP", config.group, asked.name, "COUNT", count, "STREAMS", config.stream, ">")
        self.sent_at = time.monotonic()
        if asked.waits:
            wait = ("XREAD", "COUNT", 1, "BLOCK", BLOCK_MS, "STREAMS", config.stream, self._idle_at)
            self._wire.send(wait, check, read)
        else:
            self._wire.send(check, read)
        self._asked.append(asked)

    def fileno(self) -> int:
        """Of the socket on which the answer to the read under way comes."""
        return self._wire.fileno()

    def ready(self) -> bool:
        """Whether `receive` would not block.

        :raises RedisFailure: the connection broke.
        """
        return self._wire.ready()

    def receive(self) -> Arrived:
        """What the first of the reads under way brings.

        Blocks for up to `BLOCK_MS`, and for the socket timeout when Redis hangs.

        :raises RedisFailure: what was read, if anything, is pending for us.
        """
        asked = self._asked.popleft()
        waited = self._wire.receive() if asked.waits else None
        check = self._wire.receive()
        reply = self._wire.receive()
        for answer in (reply, check, waited):
            if isinstance(answer, RedisFailure):
                raise answer
        held, generation, lost, *position = check
        entries = reply[0][1] if reply else []
        whole = len(entries) == asked.entries
        if entries:
            # (A read that took all there was need not be followed by one that finds nothing.)
            self._idle_at = None if whole else entries[-1][0]
        else:
            self._idle_at = position[0] if position else None
        return Arrived(asked.name, entries if held else None, int(lost), generation, whole)

    def close(self) -> None:
        """Drop the connection, and the reads that are under way. Never raises."""
        self._idle_at = None
        self._asked.clear()
        self._wire.close()
