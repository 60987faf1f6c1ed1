"""The newest state, for all who view: read once, serialized once, and sent to each as fast as that one takes it.

Nobody views: nothing is read. A viewer that is slow, or comes back, gets what is newest then, never what it missed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from console.web.problems import ProblemError

COMMENT_SEC = 15.0
"""Seconds without an event, after which a comment shows that the stream is alive."""

COMMENT = b": alive\n\n"


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of event."""

    name: str
    look: Callable[[], Awaitable[str]]
    """What it says now, one line; empty: nothing. May not raise."""
    every: int = 1
    """It is looked at each so many polls."""
    content: Callable[[str], object] = lambda text: text
    """What of it must have changed for an event to be worth sending."""


@dataclass(frozen=True, slots=True)
class _Newest:
    """The newest event of a topic."""

    id: int
    content: object
    block: bytes


class Hub:
    """One poller, and its viewers. Belongs to one event loop.

    The ID of an event is the time of its poll in milliseconds, and always rises; equal IDs are of one poll. So one that
    was given by a process that is gone, or by another, is as good as one of our own: what was found later is newer.

    :arg topics: in the order in which they are sent.
    :arg poll_sec: seconds between polls.
    :arg most: viewers at once.
    :arg on_poll: told of each poll.
    """

    def __init__(
        self, topics: Sequence[Topic], poll_sec: float, most: int, on_poll: Callable[[], None] = lambda: None
    ) -> None:
        self._topics, self._poll_sec, self._most, self._on_poll = topics, poll_sec, most, on_poll
        self._newest: dict[str, _Newest] = {}
        self._joined: dict[int, bytes] = {}
        self._viewers: set[Viewer] = set()
        self._poller: asyncio.Task[None] | None = None
        self.last_id = 0
        """Of the newest event; 0: there is none."""
        self.stopping = False

    @property
    def viewers(self) -> int:
        """How many there are."""
        return len(self._viewers)

    def join(self, last_id: str | None) -> Viewer:
        """A new viewer, who must `leave`. The first one brings the poller.

        :arg last_id: of the last event that it got, where it comes back.
        :raises ProblemError: there are as many as may be, or the process stops (503).
        """
        if self.stopping:
            raise ProblemError(503, "stopping: connect again", retry_after=1)
        if self.viewers >= self._most:
            raise ProblemError(503, f"there are {self._most} viewers already (HTTP_MAX_VIEWERS)", retry_after=30)
        seen = int(last_id) if last_id and last_id.isascii() and last_id.isdigit() and len(last_id) < 20 else 0
        viewer = Viewer(self, seen)
        self._viewers.add(viewer)
        if self._poller is None:
            self._newest.clear()  # (it is as old as the last viewer)
            self._joined.clear()
            self._poller = asyncio.create_task(self._poll())
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """It is gone. The last one takes the poller with it."""
        self._viewers.discard(viewer)
        if not self._viewers and self._poller is not None:
            self._poller.cancel()
            self._poller = None

    def stop(self) -> None:
        """End all streams, each once it has sent what it is sending."""
        self.stopping = True
        if self._poller is not None:
            self._poller.cancel()
        self._wake()

    def since(self, seen: int) -> bytes:
        """All events that are newer than the one with the ID `seen`, as one piece."""
        if seen > self.last_id:
            seen = 0  # (given by a clock that was ahead of ours)
        if seen not in self._joined:
            newest = (self._newest.get(topic.name) for topic in self._topics)
            self._joined[seen] = b"".join(one.block for one in newest if one is not None and one.id > seen)
        return self._joined[seen]

    def _wake(self) -> None:
        for viewer in self._viewers:
            viewer.wake.set()

    async def _poll(self) -> None:
        loop, polls = asyncio.get_running_loop(), 0
        seldom: asyncio.Task[None] | None = None
        try:
            while True:
                began = loop.time()
                # (What is looked at seldom may take long, and must not hold up the rest.)
                due = [one for one in self._topics if one.every > 1 and polls % one.every == 0]
                if due and (seldom is None or seldom.done()):
                    seldom = asyncio.create_task(self._look(due))
                await self._look([one for one in self._topics if one.every == 1])
                self._on_poll()
                polls += 1
                await asyncio.sleep(max(self._poll_sec - (loop.time() - began), 0.05))
        finally:
            if seldom is not None:
                seldom.cancel()

    async def _look(self, topics: Sequence[Topic]) -> None:
        texts = await asyncio.gather(*(topic.look() for topic in topics))
        self._take(dict(zip(topics, texts, strict=True)))

    def _take(self, found: dict[Topic, str]) -> None:
        """Make events of what was `found` and is new."""
        next_id, news = max(int(time.time() * 1_000), self.last_id + 1), False
        for topic, text in found.items():
            if not text:
                continue
            last, content = self._newest.get(topic.name), topic.content(text)
            if last is None or last.content != content:
                block = f"event: {topic.name}\nid: {next_id}\ndata: {text.strip()}\n\n".encode()
                self._newest[topic.name] = _Newest(next_id, content, block)
                news = True
        if news:
            self.last_id = next_id
            self._joined.clear()
            self._wake()


class Viewer:
    """One who views, and what it has seen.

    :arg seen: the ID of the newest event that it has.
    """

    def __init__(self, hub: Hub, seen: int) -> None:
        self._hub, self._seen = hub, seen
        self.gone = False
        self.wake = asyncio.Event()

    def leave(self) -> None:
        """It views no more."""
        self.gone = True
        self.wake.set()
        self._hub.leave(self)

    async def next(self) -> bytes:
        """What is to be sent now: the newest there is, as soon as there is any; empty: nothing any more."""
        while not (self.gone or self._hub.stopping):
            self.wake.clear()
            if piece := self._hub.since(self._seen):
                self._seen = self._hub.last_id
                return piece
            try:
                async with asyncio.timeout(COMMENT_SEC):
                    await self.wake.wait()
            except TimeoutError:
                return COMMENT
        return b""
