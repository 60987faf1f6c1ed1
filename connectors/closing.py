"""When windows are closed, and the publishing of their results, each once.

Event time is the newest that was committed (`newest`); the watermark is `grace` behind it, and a window is closed when
the watermark has passed its end. So event time stands still while no entries come, and the last windows stay open.

What was read and is not committed yet (its consumer died, or it failed and is to be tried again) holds the watermark
up: it may be older than what was committed beside it. So an entry that is no more than `grace` behind the newest before
it is never late, whatever dies and however long it takes to be counted. With several streams, what they hold unread
holds it up as well: "before" is meant in the order in which they were added.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis
import structlog

from connectors import progress
from connectors.connection import Script
from connectors.errors import WrongType, translating
from connectors.group_config import GroupConfig
from connectors.progress import Place
from connectors.text import one_line
from connectors.windows import Session, Windows, open_key, time_text

_log = structlog.get_logger("windows")
_close = Script.load("ask", "close_windows")

MAX_WINDOWS = 50
"""The most in one step: bounds how long it keeps Redis from other work."""

MAX_DUE = 1_000
"""The most that are looked at together."""

MORE_SECONDS = 0.3
"""For so long those that are due behind them are closed in the same turn."""


@dataclass(frozen=True, slots=True)
class WindowState:
    """What is known of windows."""

    watermark: float | None
    """Windows that end then, or before, may be closed; None: not known yet."""
    late: int
    """How often an entry came for a window that was closed."""
    due: tuple[tuple[bytes, float], ...]
    """Those that may be closed and are open, as they are noted, and their ends, ascending; the first `MAX_DUE`."""
    open: int
    """How many more are."""


class Watermark:
    """Reads how far event time has come in `windows`, which count the entries that `groups` read.

    It remembers what it is waiting for, and no more than that: a new one comes to the same, a turn later.
    Not thread-safe.
    """

    def __init__(self, windows: Windows, groups: Sequence[GroupConfig]) -> None:
        self._windows = windows
        self._groups = groups
        self._safe: float | None = None
        """All that was in the streams when event time came to this is committed."""
        self._safe_until: dict[tuple[str, str], bytes] = {}
        """Group -> the newest entry that has to be committed for that."""
        self._next: float | None = None
        """Where it had come to when `_until` was set."""
        self._until: dict[tuple[str, str], bytes] = {}
        """Group -> the newest entry that has to be committed until `_next` is safe."""
        self._late: int | None = None
        self._told = False

    def __call__(self, client: redis.Redis) -> WindowState | None:
        """As it is now; None where nothing was counted yet. Blocks for a round trip.

        :raises redis.RedisError: Redis did not answer, or not so.
        """
        # (First what was committed, then what was not: whatever is committed in between counts as not.)
        pipeline = client.pipeline(transaction=False)
        pipeline.hmget(self._windows.key, "newest", "late")
        pipeline.zcard(open_key(self._windows.key))
        for group in self._groups:
            progress.ask(pipeline, group)
        state, there, *replies = pipeline.execute(raise_on_error=False)
        for reply in (state, there):
            if isinstance(reply, redis.RedisError):
                raise reply
        newest, late = _number(state[0]), int(state[1] or 0)
        if newest is None:
            return None
        size = progress.REPLIES
        places = [Place.of(group, replies[at * size : at * size + size]) for at, group in enumerate(self._groups)]
        self._advance(newest, places)
        if self._late is not None and late > self._late and not self._told:
            _log.warning("entries come too late for their windows; they are counted as late", windows=self._windows.key)
            self._told = True
        self._late = late
        # (What was committed may be pending again: a Redis that failed over has forgotten the last of what it did.)
        lacking = any(place is not None and place.lacks(self._safe_until.get(place.group)) for place in places)
        mark = None if self._safe is None or lacking else self._safe - self._windows.grace
        due = _read_due(client, self._windows, mark) if mark is not None and there else ()
        return WindowState(mark, late, due, there - len(due))

    def _advance(self, newest: float, places: Sequence[Place | None]) -> None:
        if self._next is not None and newest < self._next:  # (it was deleted, to start over)
            self._safe = self._next = None
        if None in places:  # (a group that is to be made, or made again: what it has to read is not known)
            return
        now = [place for place in places if place is not None]
        if self._next is not None and not any(place.lacks(self._until.get(place.group)) for place in now):
            self._safe, self._safe_until = self._next, self._until
            self._next = None
        if self._next is None:
            # (What another group has still to read may be older, however little it is behind.)
            self._next = newest
            self._until = {place.group: place.read if len(now) == 1 else place.newest for place in now}
            if not any(place.lacks(self._until[place.group]) for place in now):
                self._safe, self._safe_until = newest, self._until


def close(windows: Windows, client: redis.Redis, state: WindowState) -> None:
    """Publish the windows that are due in `state`, and for `MORE_SECONDS` the due ones that are not in it.

    Blocks for a round trip for each `MAX_WINDOWS` of them. Each is published once, however often this is repeated, and
    by however many at once. From then on nothing is counted in it.

    :raises WrongType: a key holds another type. All windows that do without it are published, and no other.
    :raises RedisFailure: not known what was published: repeat it.
    """
    until = time.monotonic() + MORE_SECONDS
    due, left, first = state.due, 0, None
    while due:
        for at in range(0, len(due), MAX_WINDOWS):
            page = list(due[at : at + MAX_WINDOWS])
            while page and (problem := _close_page(windows, client, page)):
                wrong, error = problem
                first = first or error
                kept = [one for one in page if _hash_of(windows, one[0]) != wrong]
                if len(kept) == len(page):  # (it is one that all windows need)
                    raise error
                left += len(page) - len(kept)
                page = kept
        if len(due) < MAX_DUE or state.watermark is None or time.monotonic() >= until:
            break
        with translating():
            due = _read_due(client, windows, state.watermark, left)
    if first is not None:
        raise first


def _close_page(
    windows: Windows, client: redis.Redis, page: Sequence[tuple[bytes, float]]
) -> tuple[bytes, WrongType] | None:
    """Publish these, in one step; else the key that is of another type, and what to say of it: nothing was done."""
    keys: list[str | bytes] = [windows.key, windows.into, open_key(windows.key)]
    args: list[Any] = [time_text(page[-1][1]), windows.ttl, "" if windows.max_length is None else windows.max_length]
    args.append(int(isinstance(windows.shape, Session)))
    for noted, end in page:
        start, _, of = noted.partition(b" ")
        keys.append(_hash_of(windows, noted))
        args += (start, time_text(end), of)
    reply = _close(client, keys, args)
    if reply[0] != b"WRONGTYPE":
        return None
    key, found, wanted = (one_line(value.decode("utf-8", "replace")) for value in reply[1:])
    return reply[1], WrongType.of(key, found, wanted)


def _hash_of(windows: Windows, noted: bytes) -> bytes:
    """The key where the window is counted that is noted as `noted`."""
    start, _, of = noted.partition(b" ")
    return windows.key.encode() + (b":of:" + of if isinstance(windows.shape, Session) else b":" + start)


def _read_due(client: redis.Redis, windows: Windows, mark: float, left: int = 0) -> tuple[tuple[bytes, float], ...]:
    """The open windows that end at `mark` or before, but for the first `left`; at most `MAX_DUE`, in order."""
    key = open_key(windows.key)
    rows: Any = client.zrangebyscore(key, "-inf", mark, start=left, num=MAX_DUE, withscores=True)
    return tuple(rows)


def event_time(client: redis.Redis, windows: Windows) -> float | None:
    """How far it has come; None where nothing was counted yet. Blocks for a round trip.

    :raises RedisFailure: Redis did not answer.
    """
    with translating():
        known: Any = client.hget(windows.key, "newest")
    return _number(known)


def are_due(client: redis.Redis, windows: Windows, newest: float | None) -> bool:
    """Whether some are open that may be closed once all that was read when event time came to `newest` is committed.

    Blocks for a round trip.

    :raises RedisFailure: Redis did not answer.
    """
    if newest is None:
        return False
    with translating():
        return bool(client.zcount(open_key(windows.key), "-inf", newest - windows.grace))


def _number(text: bytes | None) -> float | None:
    return None if text is None else float(text)
