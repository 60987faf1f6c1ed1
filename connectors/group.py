"""A consumer group and one consumer in it: creating, registering, taking over, retiring. All state is in Redis."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Any

import redis
import structlog

from connectors.connection import Script
from connectors.delivery import Delivery, Entry
from connectors.errors import (
    RedisDenied,
    RedisFailure,
    RedisFull,
    UnexpectedReply,
    translate,
    translating,
)
from connectors.group_info import explain_type
from connectors.group_info import read_state as read_state
from connectors.lease import Lease

_log = structlog.get_logger("group")
_create_group = Script.load("stream_id", "create_group")
_recover = Script.load("recover")
_retire = Script.load("retire")


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """Which stream is read by which group, and the keys beside it. Durations are seconds."""

    stream: str
    group: str
    counters: str
    """HASH: the group's `claimed_total`, `fenced_total`, `trimmed_total`, `group_generation` (how often it was created
    by us), and `last_id`, the newest entry committed."""
    lease_prefix: str
    """The lease of a consumer is the key with this prefix and its name."""
    start: str = "0"
    """Where a group begins that never committed anything: `0`, the oldest entry, or `$`, only what comes."""
    lease_ttl: float = 30.0
    stall: float = 300.0


@dataclass(frozen=True, slots=True)
class Taken:
    """Entries that were pending and are ours now; None for `last_id` when nothing is left to take."""

    entries: list[Entry]
    trimmed: int
    last_id: bytes | None


def default_name(worker_index: int, worker_count: int) -> str:
    """`hostname-pid`, with `-worker` when there are several workers."""
    name = f"{socket.gethostname()}-{os.getpid()}"
    return name if worker_count == 1 else f"{name}-{worker_index}"


class Consumer:
    """One consumer of the group, under a lease. Not thread-safe; every method may block for a round trip or a few."""

    def __init__(self, client: redis.Redis, config: GroupConfig, name: str) -> None:
        self.config = config
        self._client = client
        self._base_name = name
        self._name = name
        self._lease: Lease | None = None
        self._may_not_join = False
        self.generation = 0
        """Of the group that was last registered with or read from; see `Delivery`."""

    @property
    def name(self) -> str:
        """The consumer's name; known for good once `register` has returned."""
        return self._name

    @property
    def lease(self) -> Lease:
        """The lease; there is one after `register`."""
        assert self._lease is not None
        return self._lease

    def delivery(self) -> Delivery:
        """By whom entries are read now."""
        config = self.config
        lease = self.lease
        return Delivery(
            config.stream, config.group, self._name, lease.key, lease.token, config.counters, self.generation
        )

    def register(self) -> None:
        """Make sure that the group exists and take a lease, under a new token each time.

        When the name is leased to another process (a container that restarted under the same host name and process
        number, say), a number is put behind it; the other's entries are taken over when its lease has ended.

        :raises RedisFailure: nothing is registered; call again.
        """
        self.ensure_group()
        number = 1
        while self._lease is None or not self._lease.acquire():
            if self._lease is not None:
                self._lease.close()
                number += 1
                self._name = f"{self._base_name}-{number}"
            key = self.config.lease_prefix + self._name
            self._lease = Lease(self._client, key, self.config.counters, self.config.lease_ttl, self.config.stall)

    def ensure_group(self) -> None:
        """Create the group, and the stream, if it is missing: behind the last entry that was ever committed.

        A stream that is new (its newest ID is below that entry) is read from its beginning.

        :raises RedisFailure: not known whether it exists.
        """
        config = self.config
        keys = [config.stream, config.counters]
        start, self.generation = _create_group(self._client, keys, [config.group, config.start])
        if start is not None:
            _log.info("consumer group created", stream=config.stream, group=config.group, start=start.decode())

    def dead_consumers(self) -> list[bytes]:
        """The other consumers of the group that hold no lease now. Joins the group if we are no member (any more)."""
        # Bytes: an operator may have claimed entries under any name.
        own = self._name.encode()
        members: list[bytes] = [row["name"] for row in self._consumers()]
        if own not in members:
            self._join()
        others = [name for name in members if name != own]
        if not others:
            return []
        with translating():
            pipeline = self._client.pipeline(transaction=False)
            for name in others:
                pipeline.exists(self.config.lease_prefix.encode() + name)
            return [name for name, leased in zip(others, pipeline.execute(), strict=True) if not leased]

    def _join(self) -> None:
        """Become a member of the group, for all to see: before Redis 7.2, a read that brings nothing makes nobody one.

        Without the right to (or any memory left) it reads all the same, and is a member from its first entry on.

        :raises RedisFailure: anything else was wrong.
        """
        try:
            self._client.xgroup_createconsumer(self.config.stream, self.config.group, self._name)
        except (redis.RedisError, OSError) as error:
            problem = translate(error)
            if not isinstance(problem, RedisDenied | RedisFull):
                raise problem from error
            if isinstance(problem, RedisDenied) and not self._may_not_join:
                self._may_not_join = True
                _log.warning("not seen in the group before the first entry", cause=str(problem))

    def _consumers(self) -> list[dict[str, Any]]:
        with translating():
            rows: list[dict[str, Any]] = self._client.xinfo_consumers(self.config.stream, self.config.group)
            return rows

    def in_flight(self) -> int:
        """How many entries are pending for us: read, and not committed."""
        for row in self._consumers():
            if row["name"] == self._name.encode():
                return int(row["pending"])
        return 0

    def oldest_pending(self) -> bytes | None:
        """The lowest ID that is pending for us, or None."""
        with translating():
            reply: Any = self._client.xpending_range(self.config.stream, self.config.group, "-", "+", 1, self._name)
        return bytes(reply[0]["message_id"]) if reply else None

    def take(self, owner: bytes, after: bytes | None, count: int) -> Taken | None:
        """Take up to `count` pending entries of `owner`: of a dead consumer, or (our own name) left from before.

        :arg after: for our own entries, the last ID of the call before; None at first.
        :returns: None when our own lease is lost; nothing was taken then.
        :raises RedisFailure: not known whether they were taken. If so, they are pending for us, and are read when we
            register anew.
        """
        config = self.config
        keys: list[bytes | str] = [config.stream, self.lease.key, config.lease_prefix.encode() + owner, config.counters]
        lowest = b"-" if after is None else b"(" + after
        args = [config.group, self._name, self.lease.token, owner, lowest, count]
        reply = _recover(self._client, keys, args)
        if reply[0] == b"LOST":
            return None
        if reply[0] != b"TAKEN":
            return Taken([], 0, None)
        entries = [Entry(entry[0], entry[1]) for entry in reply[1]]
        return Taken(entries, int(reply[2]), reply[3])

    def explain(self, error: RedisFailure) -> RedisFailure:
        """`error`; where it is about the type of a key that it does not name, the one that does. May block."""
        wanted = {self.config.stream: "stream", self.config.counters: "hash"}
        if self._lease is not None:
            wanted[self._lease.key] = "string"
        return explain_type(self._client, error, wanted)

    def close(self) -> None:
        """Renew the lease no more."""
        if self._lease is not None:
            self._lease.close()

    def retire(self) -> None:
        """Give the lease back and leave the group, if nothing is pending.

        Errors are of no consequence: the lease ends by itself, and the next consumer that looks takes over.
        """
        if self._lease is None:
            return
        self._lease.close()
        try:
            keys = [self.config.stream, self._lease.key]
            _retire(self._client, keys, [self.config.group, self._name, self._lease.token])
        except RedisFailure as error:
            if isinstance(error, UnexpectedReply):
                _log.warning("could not leave the group", cause=str(error))
