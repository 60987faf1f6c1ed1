"""What waits for one receiver: a consumer group of its own on a stream. All that has to survive a restart is in Redis.

A lease makes one process at a time send to a receiver, so that messages keep their order. It works under a fixed
name in the group, so whoever comes next finds what is pending. How often an entry was tried is its delivery count.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import redis
import structlog

from connectors.connection import Script
from connectors.errors import NoGroup, RedisDenied, RedisFailure, WrongType, translate, translating
from connectors.group_info import read_state

_log = structlog.get_logger("notifier")
_renew = Script.load("renew")
_release = Script.load("release")

CONSUMER = "notifier"

LEASE_SECONDS = 60.0
"""How long a process that died keeps others from sending: longer than one attempt takes."""

_BEFORE = 60_000
"""Milliseconds. A group that is made begins so far before now: what is published at a start is not missed."""


@dataclass(frozen=True, slots=True)
class ReceiverQueueConfig:
    """Keys and names."""

    stream: str
    group: str
    lease_key: str
    dead_letters: str
    """STREAM of what was given up."""
    sent: str
    """STREAM of the messages that were taken."""
    about: str
    """HASH of what is known of the receiver."""
    kept: int = 1_000
    """About so many entries of either stream are kept."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry that waits to be sent."""

    id: str
    fields: dict[str, str]
    attempts: int
    """How often it was tried, this time included."""

    @property
    def seconds(self) -> float:
        """When it was published, epoch seconds by the clock of Redis."""
        return int(self.id.partition("-")[0]) / 1000


class ReceiverQueue:
    """The queue of one receiver. Not thread-safe; every method blocks for a round trip or a few.

    All methods raise RedisFailure, and may be called again after that.
    """

    def __init__(self, client: redis.Redis, config: ReceiverQueueConfig) -> None:
        self.config = config
        self._client = client
        self._token = secrets.token_hex(8)
        self._held = False
        self._noteless = False

    def hold(self) -> bool:
        """Take the lease, or renew it; whether we have it now."""
        with translating():
            milliseconds = int(LEASE_SECONDS * 1000)
            self._held = bool(_renew(self._client, [self.config.lease_key], [self._token, milliseconds]))
            if not self._held:
                taken = self._client.set(self.config.lease_key, self._token, nx=True, px=milliseconds)
                self._held = bool(taken)
        return self._held

    def release(self) -> None:
        """Give the lease back, for the next process to begin at once."""
        if self._held:
            self._held = False
            _release(self._client, [self.config.lease_key], [self._token])

    def take(self, count: int) -> list[Waiting]:
        """Up to `count` entries to try now, oldest first: those tried before, else new ones. Counts the attempt."""
        try:
            return self._again(count) or self._new(count)
        except (redis.RedisError, OSError) as error:
            problem = translate(error)
            if isinstance(problem, NoGroup):
                self._create_group()
                return []
            raise problem from error

    def introduce(self, name: str) -> None:
        """Note what the receiver is called: printable, and without a secret."""
        self._note("HSET", self.config.about, "name", name)

    def sent(self, entries: list[Waiting], receiver: str) -> None:
        """They were taken, in one message: off the list with them, and note it. The note is lost where it fails."""
        self.done(entries)
        facts = {"receiver": receiver, "entries": " ".join(one.id for one in entries)}
        self._note(*self._appending(self.config.sent, facts))
        self._note("HDEL", self.config.about, "failure", "failed_at", "failures")

    def failed(self, reason: str, failures: int) -> None:
        """The receiver did not take a message, so many times on end: note that, until it takes one.

        :arg reason: one line without secrets.
        """
        facts = {"failure": reason, "failed_at": f"{self.now():.3f}", "failures": str(failures)}
        self._note("HSET", self.config.about, *_pairs(facts))

    def done(self, entries: list[Waiting]) -> None:
        """Nothing more is to be done about them."""
        if entries:
            self._call("XACK", self.config.stream, self.config.group, *(one.id for one in entries))

    def give_up(self, entries: list[Waiting], receiver: str, reason: str) -> None:
        """They will not be tried again: into the dead letters with them, and only then off the list.

        A process that dies in between leaves an entry in both.

        :arg reason: one line without secrets.
        """
        for one in entries:
            facts = {"receiver": receiver, "attempts": str(one.attempts), "failure": reason, "entry_id": one.id}
            self._call(*self._appending(self.config.dead_letters, facts | one.fields))
        self.done(entries)

    def waiting(self) -> int:
        """How many entries wait; those that nobody has read yet only where Redis knows (not on 6.2)."""
        state = read_state(self._client, self.config.stream, self.config.group)
        return 0 if state is None else state.pending + (state.lag or 0)

    def now(self) -> float:
        """Epoch seconds by the clock of Redis."""
        reply = self._call("TIME")
        return int(reply[0]) + int(reply[1]) / 1_000_000

    def _again(self, count: int) -> list[Waiting]:
        stream, group = self.config.stream, self.config.group
        rows: Any = self._client.xpending_range(stream, group, "-", "+", count, CONSUMER)
        if not rows:
            return []
        ids = [row["message_id"].decode() for row in rows]
        attempts = {one_id: int(row["times_delivered"]) + 1 for one_id, row in zip(ids, rows, strict=True)}
        claimed: Any = self._client.xclaim(stream, group, CONSUMER, 0, ids)
        found = [
            Waiting(one_id.decode(), _texts(fields), attempts[one_id.decode()]) for one_id, fields in claimed if fields
        ]
        gone = sorted(set(ids) - {one.id for one in found})
        if gone:
            _log.warning("entries were trimmed before they were sent; they are lost", entries=len(gone), group=group)
            self._client.xack(stream, group, *gone)
        return found

    def _new(self, count: int) -> list[Waiting]:
        reply: Any = self._client.xreadgroup(self.config.group, CONSUMER, {self.config.stream: ">"}, count=count)
        entries = reply[0][1] if reply else []
        return [Waiting(one_id.decode(), _texts(fields), 1) for one_id, fields in entries]

    def _create_group(self) -> None:
        start = f"{max(int(self.now() * 1000) - _BEFORE, 0)}-0"
        try:
            self._call("XGROUP", "CREATE", self.config.stream, self.config.group, start, "MKSTREAM")
        except RedisFailure as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _appending(self, stream: str, fields: dict[str, str]) -> tuple[Any, ...]:
        return "XADD", stream, "MAXLEN", "~", self.config.kept, "*", *_pairs(fields)

    def _note(self, *command: Any) -> None:
        """Run `command`, whose effect is for people only: a note that cannot be made must hold up no message."""
        try:
            self._call(*command)
        except (RedisDenied, WrongType) as error:
            if not self._noteless:
                _log.warning("cannot record the outcome of messages", group=self.config.group, cause=str(error))
            self._noteless = True
        except RedisFailure:
            pass  # (the next step meets the same Redis, and says so)

    def _call(self, *command: Any) -> Any:
        client: Any = self._client
        with translating():
            return client.execute_command(*command)


def _pairs(fields: dict[str, str]) -> list[str]:
    return [text for pair in fields.items() for text in pair]


def _texts(fields: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
