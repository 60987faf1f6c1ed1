"""A consumer group and one consumer in it: creating, registering, taking over, retiring. All state is in Redis."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

import redis
import structlog

from connectors.connection import Script, Wire
from connectors.consumer_names import consumer_of, failures_of, read_name, waiting_name
from connectors.delivery import Delivery, RawEntry, Read
from connectors.errors import RedisDenied, RedisFailure, RedisFull, UnexpectedReply
from connectors.group_config import GroupConfig
from connectors.group_creation import ensure_group
from connectors.group_info import explain_type
from connectors.lease import Lease
from connectors.retries import LONGER_SECONDS, seconds_after
from connectors.stream_id import parse

_log = structlog.get_logger("group")
_recover = Script.load("recover")
_retire = Script.load("retire")


@dataclass(frozen=True, slots=True)
class Taken:
    """Entries that were pending for another name and are ours now."""

    name: str
    """For which they are pending now, that of a read of ours."""
    entries: list[RawEntry]
    trimmed: int
    more: bool
    """Whether that name may have more."""
    failures: int
    """How often each has failed before."""


@dataclass(frozen=True, slots=True)
class Owners:
    """Names in the group whose entries are to be taken over."""

    own: list[bytes]
    """Reads of our own that did not reach us, as far as we know."""
    dead: list[bytes]
    """Consumers that hold no lease, and their reads."""
    waiting: list[bytes]
    """Where entries that have failed under our lease wait for their next attempt."""


class InFlight(NamedTuple):
    """What is pending for a consumer."""

    read: int
    """Entries that were read, and are not committed."""
    waiting: int
    """Entries that have failed, and wait for their next attempt."""


def default_name(worker_index: int, worker_count: int) -> str:
    """`hostname-pid`, with `-worker` when there are several workers."""
    name = f"{socket.gethostname()}-{os.getpid()}"
    return name if worker_count == 1 else f"{name}-{worker_index}"


class Consumer:
    """One consumer of the group, under a lease. Not thread-safe; every method may block for a round trip or a few.

    What it knows of its reads is true only of the Redis that it registered with, as that is since then: one that comes
    back may have forgotten the last of what it did. So all is asked on one connection, which its reader shares, and
    whoever sees that break has to register again.

    :arg client: for the lease, which a thread of its own renews.
    """

    def __init__(self, client: redis.Redis, wire: Wire, config: GroupConfig, name: str, place: str = "") -> None:
        self.config = config
        self._place = place
        self._client = client
        self._wire = wire
        self._base_name = name
        self._name = name
        self._names = 0
        """How many names were given to reads under this lease."""
        self._spare: list[str] = []
        """Those of them whose reads brought nothing: for the next ones."""
        self._strays: set[bytes] = set()
        """Names that look like those of our reads, and have pending entries that we never received."""
        self._given: set[bytes] = set()
        """Names of reads that reached us under this lease and may still be pending."""
        self._in_vain: dict[bytes, float] = {}
        """Name where entries wait -> since when, by our own clock, none of them has waited long enough."""
        self._lease: Lease | None = None
        self._may_not_join = False
        self.generation = 0
        """Of the group that was last registered with or read from; see `Delivery`."""

    @property
    def name(self) -> str:
        """The consumer's name, without those of its reads; known for good once `register` has returned."""
        return self._name

    @property
    def lease(self) -> Lease:
        """The lease; there is one after `register`."""
        assert self._lease is not None
        return self._lease

    def next_name(self, failures: int = 0) -> str:
        """A name for a read: nothing is pending for it, and no other read under way has it.

        :arg failures: as its entries will be taken, see `Taken`.
        """
        if self._spare and not failures:
            return self._spare.pop()
        while True:
            self._names += 1
            name = read_name(self._name, self.lease.token, self._names, failures)
            if name.encode() not in self._strays:  # (an operator may have claimed into it)
                return name

    def give_back(self, name: str) -> None:
        """`name` was given to a read that brought nothing."""
        self._spare.append(name)

    def delivery(self, entries: Sequence[RawEntry], name: str, failures: int = 0) -> Delivery:
        """By whom `entries`, in the order of their IDs, were read now, under the name of that read.

        :arg failures: as they were taken, see `Taken`.
        """
        config, lease = self.config, self.lease
        reads = (Read(name, len(entries), entries[-1][0]),) if entries else ()
        if entries:
            self._given.add(name.encode())
        return Delivery(
            config.stream,
            config.group,
            self._name,
            lease.key,
            lease.token,
            config.counters,
            self.generation,
            self._place,
            failures,
            reads,
        )

    def register(self) -> None:
        """Make sure that the group exists and take a lease, under a new token each time.

        When the name is leased to another process (a container that restarted under the same host name and process
        number, say), a number is put behind it; the other's entries are taken over when its lease has ended.

        :raises GroupHeld: a rebuild takes the place of the group; nothing is registered; call again.
        :raises RedisFailure: likewise.
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
        self._names = 0
        self._spare.clear()
        self._strays.clear()
        self._given.clear()
        self._in_vain.clear()

    def ensure_group(self) -> None:
        """As `group_creation.ensure_group` does, and note its generation."""
        self.generation = ensure_group(self._wire, self.config)

    def owners(self) -> Owners:
        """Whose entries are to be taken over. Joins the group if we are no member (any more).

        Not while a read is under way, which would look like one that did not reach us.
        """
        # Bytes: an operator may have claimed entries under any name.
        own, spare = self._name.encode(), {name.encode() for name in self._spare}
        waiting: list[bytes] = []
        pending = self._pending()
        if own not in pending:
            self._join()
        self._given &= pending.keys()
        strays: list[bytes] = []
        others: list[bytes] = []
        for name, entries in pending.items():
            if not self.is_own(name):
                others.append(name)
            elif self.is_waiting(name):
                waiting.append(name)
            elif name not in self._given and (entries or (name != own and name not in spare)):
                strays.append(name)
        self._in_vain = {name: since for name, since in self._in_vain.items() if name in pending}
        self._strays = set(strays)
        self._spare = [name for name in self._spare if name.encode() not in self._strays]
        if not others:
            return Owners(strays, [], waiting)
        leased = self._wire.ask(*(("EXISTS", self._lease_of(name)) for name in others))
        return Owners(strays, [name for name, lives in zip(others, leased, strict=True) if not lives], waiting)

    def is_own(self, name: bytes) -> bool:
        """Whether `name` is ours, or that of a read of ours."""
        return consumer_of(name) == self._name.encode()

    def is_waiting(self, name: bytes) -> bool:
        """Whether what is pending for `name` has failed under our lease, and waits for its next attempt."""
        return name == waiting_name(self._name, self.lease.token, failures_of(name)).encode()

    def _lease_of(self, name: bytes) -> bytes:
        return self.config.lease_prefix.encode() + consumer_of(name)

    def _join(self) -> None:
        """Become a member of the group, for all to see: before Redis 7.2, a read that brings nothing makes nobody one.

        Without the right to (or any memory left) it reads all the same, and is seen while it has something in work.

        :raises RedisFailure: anything else was wrong.
        """
        try:
            self._wire.ask(("XGROUP", "CREATECONSUMER", self.config.stream, self.config.group, self._name))
        except RedisFull:
            pass
        except RedisDenied as error:
            if not self._may_not_join:
                self._may_not_join = True
                _log.warning("the consumer will not be listed before its first entry", cause=str(error))

    def _pending(self) -> dict[bytes, int]:
        """The names in the group, and how many entries are pending for each."""
        (rows,) = self._wire.ask(("XINFO", "CONSUMERS", self.config.stream, self.config.group))
        facts = (dict(zip(row[::2], row[1::2], strict=True)) for row in rows)
        return {one[b"name"]: one[b"pending"] for one in facts}

    def in_flight(self) -> InFlight:
        """How many entries are pending for us. Blocks for a round trip."""
        own = {name: entries for name, entries in self._pending().items() if self.is_own(name)}
        waiting = sum(entries for name, entries in own.items() if self.is_waiting(name))
        return InFlight(sum(own.values()) - waiting, waiting)

    def oldest_pending(self, known: set[bytes]) -> bytes | None:
        """The lowest ID that is pending for us, is not among `known`, and does not wait for its next attempt.

        Blocks for a round trip for each read.
        """
        lowest: list[bytes] = []
        for name, entries in self._pending().items():
            if self.is_own(name) and entries and not self.is_waiting(name):
                span = ("-", "+", entries, name)
                (rows,) = self._wire.ask(("XPENDING", self.config.stream, self.config.group, *span))
                lowest += [entry_id for entry_id, *_ in rows if entry_id not in known][:1]
        return min(lowest, key=parse, default=None)

    def take(self, owner: bytes, count: int) -> Taken | None:
        """Take up to `count` of the entries that are pending for `owner`, one of `owners`: a read like any other.

        Of those that wait under our lease, the ones that have waited long enough: by the clock of Redis, or, if that
        was set back so that none ever has, by our own.

        :returns: None when our own lease is lost; nothing was taken then.
        :raises RedisFailure: not known whether they were taken. If so, they are pending for us, and are found when we
            register again.
        """
        config = self.config
        keys: list[bytes | str] = [config.stream, self.lease.key, self._lease_of(owner), config.counters]
        failures = failures_of(owner)
        name = self.next_name(failures)
        wait = seconds_after(failures) if self.is_waiting(owner) else 0
        args = [config.group, name, self.lease.token, owner, count]
        reply = _recover(self._wire, keys, [*args, round(wait * 1000)])
        if wait and reply[0] == b"TAKEN":
            if reply[1] or reply[2]:
                self._in_vain.pop(owner, None)
            elif monotonic() > self._in_vain.setdefault(owner, monotonic()) + wait + LONGER_SECONDS:
                reply = _recover(self._wire, keys, [*args, 0])
                if reply[0] != b"TAKEN" or not reply[3]:
                    del self._in_vain[owner]
        if reply[0] == b"LOST":
            return None
        if not failures and (reply[0] != b"TAKEN" or not reply[1]):
            self.give_back(name)
        if reply[0] != b"TAKEN":
            return Taken(name, [], 0, False, failures)
        return Taken(name, reply[1], int(reply[2]), bool(reply[3]), failures)

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
            _retire(self._wire, keys, [self.config.group, self._lease.token, self._name, *self._spare])
        except RedisFailure as error:
            if isinstance(error, UnexpectedReply):
                _log.warning("could not leave the group", cause=str(error))
