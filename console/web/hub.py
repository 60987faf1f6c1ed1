"""The newest state, for all who view: read once, serialized once, and sent to each as fast as that one takes it.

Nobody views: nothing is read. A viewer that is slow, or comes back, gets what is newest then, never what it missed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from console.web.problems import ProblemError

COMMENT_SEC = 15.0
"""Seconds without an event, after which a comment shows that the stream is alive."""

_COMMENT = b": alive\n\n"


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of event."""

    name: str
    look: Callable[[], Awaitable[str]]
    """What it says now: one line. May not raise."""
    every: int = 1
    """It is looked at each so many polls."""
    content: Callable[[str], object] = lambda text: text
    """What of it must have changed for an event to be worth sending."""


@dataclass(slots=True)
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
    """

    def __init__(self, topics: Sequence[Topic], poll_sec: float, most: int) -> None:
        self._topics, self._poll_sec, self._most = topics, poll_sec, most
        self._newest: dict[str, _Newest] = {}
        self._id = 0
        self._polls = 0
        self._changed = asyncio.Event()
        self._stopping = False
        self._poller: asyncio.Task[None] | None = None
        self.viewers = 0
        self.on_poll: Callable[[], None] = lambda: None

    def view(self, last_id: str | None) -> AsyncIterator[bytes]:
        """What to send to a new viewer, piece by piece: always the newest when it is asked for.

        :arg last_id: of the last event that it got, where it comes back; what was found later than that is sent.
        :raises ProblemError: there are as many as may be, or the process stops (503).
        """
        if self._stopping:
            raise ProblemError(503, "stopping: connect again", retry_after=1)
        if self.viewers >= self._most:
            raise ProblemError(503, f"there are {self._most} viewers already (HTTP_MAX_VIEWERS)", retry_after=30)
        self.viewers += 1
        if self._poller is None:
            self._newest.clear()  # (nobody knows how old it is)
            self._poller = asyncio.create_task(self._poll())
        return self._pieces(int(last_id) if last_id and last_id.isdecimal() and len(last_id) < 20 else 0)

    def leave(self) -> None:
        """A viewer is gone. The last one takes the poller with it."""
        self.viewers -= 1
        if not self.viewers and self._poller is not None:
            self._poller.cancel()
            self._poller = None

    def stop(self) -> None:
        """End all streams, each once it has sent what it is sending."""
        self._stopping = True
        self._changed.set()
        if self._poller is not None:
            self._poller.cancel()

    async def _pieces(self, seen: int) -> AsyncIterator[bytes]:
        yield _COMMENT  # (the viewer learns at once that it is connected)
        while not self._stopping:
            if seen > self._id and self._id:
                seen = 0  # (from a clock that was ahead of ours)
            changed = self._changed
            if piece := self._since(seen):
                seen = self._id
                yield piece
            else:
                try:
                    async with asyncio.timeout(COMMENT_SEC):
                        await changed.wait()
                except TimeoutError:
                    yield _COMMENT

    def _since(self, seen: int) -> bytes:
        """All events that are newer than `seen`, as one piece."""
        return b"".join(
            one.block for topic in self._topics if (one := self._newest.get(topic.name)) is not None and one.id > seen
        )

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self._look()
            self.on_poll()
            await asyncio.sleep(max(self._poll_sec - (loop.time() - began), 0.05))

    async def _look(self) -> None:
        due = [topic for topic in self._topics if topic.name not in self._newest or not self._polls % topic.every]
        self._polls += 1
        texts = await asyncio.gather(*(topic.look() for topic in due))
        self._id = max(int(time.time() * 1_000), self._id + 1)
        news = False
        for topic, text in zip(due, texts, strict=True):
            content, last = topic.content(text), self._newest.get(topic.name)
            if text and (last is None or last.content != content):
                block = f"event: {topic.name}\nid: {self._id}\ndata: {text.strip()}\n\n".encode()
                self._newest[topic.name] = _Newest(self._id, content, block)
                news = True
        if news:
            self._changed.set()
            self._changed = asyncio.Event()


async def ended(task: asyncio.Task[None] | None) -> None:
    """Wait until a task that was cancelled has ended."""
    if task is not None:
        with suppress(asyncio.CancelledError):
            await task
