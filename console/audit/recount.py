"""A recount: entries of the stream, counted once more with the functions of `flows.p35`. Reads, and disturbs nobody.

A group goes on counting meanwhile, so a recount goes in steps. What it holds after a step is what had been counted when
the step began to read, except for entries that are gone from the stream. So a bucket that is read between two steps
holds at least the recount before, and at most the recount after.

That needs no transaction, because an ID goes one way only: unread, pending, acknowledged in the step that counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import redis

from connectors import stream_id
from connectors.connection import Wire
from connectors.delivery import Batch, Delivery, Entry
from connectors.errors import NoGroup, RedisFailure, translating
from connectors.sizing import BatchSizer
from connectors.text import one_line
from flows.domain.tally import Tally, tally
from sinks.values.counts import Kind

PAGE = 1_000
"""Most entries in one read; fewer when they are large."""

_NOBODY = Delivery("", "", "", "", "")

_Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Retained:
    """What is left of the stream."""

    length: int
    first: _Position
    """The first entry, or the ID after the last there ever was; all below is gone."""
    deleted: _Position
    """No entry above it was deleted on its own (XDEL). Redis 6.2 does not know: zero."""
    whole: bool | None
    """Whether nothing was ever removed. None: this Redis does not know."""

    def holds(self, entry_id: bytes) -> bool:
        """Whether the entry, which was there once, is surely still there."""
        position = stream_id.parse(entry_id)
        return position >= self.first and position > self.deleted

    @property
    def gone_seconds(self) -> float:
        """No entry with an ID later than this (epoch seconds) is gone."""
        return max(self.first, self.deleted)[0] / 1000


@dataclass(frozen=True, slots=True)
class Step:
    """The state before a step, as far as it changed."""

    total: int
    minutes: Mapping[int, Counter[Kind]]


@dataclass
class Recount:
    """The entries of `stream` that `group` has acknowledged. Not thread-safe.

    :arg max_future_skew: seconds, as the flow has it.
    """

    client: redis.Redis
    stream: str
    group: str
    max_future_skew: float
    total: int = 0
    minutes: dict[int, Counter[Kind]] = field(default_factory=dict)
    oldest: dict[int, int] = field(default_factory=dict)
    """For each minute, the time of the lowest ID that was counted in it, in milliseconds since the epoch."""
    pending: int = 0
    """How many entries were delivered and not acknowledged at the last step."""
    unread: int | None = None
    """How many were not delivered then, where Redis knows."""
    _position: bytes = stream_id.ZERO
    _waiting: dict[bytes, Tally] = field(default_factory=dict)
    _before: dict[int, Counter[Kind]] = field(default_factory=dict)

    def advance(self, progress: Callable[[int], None] = lambda _seen: None) -> tuple[Step, Retained]:
        """Take a step: read what was delivered since the last one. Blocks, page by page, for as long as that takes.

        :arg progress: told how many entries each page had.
        :raises NoGroup: there is no such stream or group.
        :raises RedisFailure: another reason; this recount is of no further use.
        """
        total, self._before = self.total, {}
        delivered = self._look_at_group()
        pending = self._read_pending(delivered)
        for entries in self._pages(delivered):
            waiting = [entry for entry in entries if entry.id in pending]
            counted = [entry for entry in entries if entry.id not in pending] if waiting else entries
            for one in tally(Batch(_NOBODY, counted), self.max_future_skew):
                self._add(one)
            for entry in waiting:
                (self._waiting[entry.id],) = tally(Batch(_NOBODY, [entry]), self.max_future_skew)
            progress(len(entries))
        self._position, self.pending = delivered, len(pending)
        # Read last: what is still there now was there all the time.
        retained = self._read_retained()
        for entry_id in [one for one in self._waiting if one not in pending]:
            one = self._waiting.pop(entry_id)
            # One that is gone may have left the pending list as lost, and not as counted.
            if retained.holds(entry_id):
                self._add(one)
        return Step(total, self._before), retained

    def _add(self, one: Tally) -> None:
        counts = self.minutes.setdefault(one.minute, Counter())
        if one.minute not in self._before:
            self._before[one.minute] = counts.copy()
        counts.update(one.counts)
        self.total += len(one.ids)
        time = stream_id.milliseconds(one.ids[0])
        self.oldest[one.minute] = min(time, self.oldest.get(one.minute, time))

    def _look_at_group(self) -> bytes:
        """The newest ID that was delivered."""
        try:
            groups = ask(lambda: self.client.xinfo_groups(self.stream))
        except NoGroup:
            stream = one_line(self.stream)
            raise NoGroup(f"there is no stream {stream}: is this its Redis, and KEY_PREFIX right?") from None
        for row in groups:
            if row["name"] == self.group.encode():
                delivered: bytes = row["last-delivered-id"]
                if stream_id.parse(delivered) < stream_id.parse(self._position):
                    raise NoGroup(f"group {self.group} was moved back or created again meanwhile: verify again")
                self.unread = row.get("lag")
                return delivered
        raise NoGroup(f"stream {one_line(self.stream)} has no group {self.group}")

    def _read_pending(self, delivered: bytes) -> set[bytes]:
        found: set[bytes] = set()
        start: Any = "-"
        while True:
            page = ask(
                lambda start=start: self.client.xpending_range(self.stream, self.group, start, delivered, PAGE)  # type: ignore[misc]
            )
            found.update(row["message_id"] for row in page)
            if len(page) < PAGE:
                return found
            start = b"(" + page[-1]["message_id"]

    def _pages(self, last: bytes) -> Iterator[list[Entry]]:
        """The entries behind the position, up to `last`."""
        sizer, start = BatchSizer(PAGE), self._position
        wire = Wire(self.client)
        try:
            while stream_id.parse(start) < stream_id.parse(last):
                count = sizer.count
                wire.send(("XRANGE", self.stream, b"(" + start, last, "COUNT", count))
                reply = wire.receive()
                if isinstance(reply, RedisFailure):
                    raise reply
                if not reply:
                    return
                entries = [Entry(one[0], one[1]) for one in reply]
                yield entries
                sizer.saw(entries)
                start = entries[-1].id
        finally:
            wire.close()

    def _read_retained(self) -> Retained:
        info = ask(lambda: self.client.xinfo_stream(self.stream))
        length, added = int(info["length"]), info.get("entries-added")
        if length:
            first = stream_id.parse(info["first-entry"][0])
        else:
            milliseconds, sequence = stream_id.parse(info["last-generated-id"])
            first = (milliseconds, sequence + 1)
        deleted = stream_id.parse(info.get("max-deleted-entry-id", stream_id.ZERO))
        return Retained(length, first, deleted, None if added is None else int(added) == length)


def ask(question: Callable[[], Any]) -> Any:
    """The answer to `question`, which asks Redis.

    :raises RedisFailure: there is none.
    """
    with translating():
        return question()
