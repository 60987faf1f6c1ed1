"""Asking Redis for many: equal questions at one time are one, and what is asked at once is bounded.

Questions block, so each runs in one of a few threads. Its answer is serialized, compressed, and given to all who ask
the same within `FRESH_SEC`, or, where it took longer to find, within that time; but never to one who asks more than the
poll interval after it was begun: no answer is older. Who asks while an older one is still being found waits for the
next, with all others who do. So any number of askers cost one question at a time for each that differs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from console.web.bodies import Body
from console.web.problems import ProblemError

FRESH_SEC = 0.25
"""For so long an answer is given to all who ask the same."""

THREADS = 4
"""Questions that are asked of Redis at one time."""

_WAITING = 64
"""Questions that may wait for a thread."""


@dataclass(slots=True)
class _Asked:
    """A question, when it was begun, and what came of it."""

    began: float
    body: asyncio.Future[Body]
    seconds: float | None = None
    """That it took; None: it has not ended."""

    def age(self, now: float) -> float:
        return now - self.began


@dataclass(slots=True)
class Answering:
    """All that is being asked. Belongs to one event loop.

    :arg poll_sec: the age (seconds) that no answer exceeds.
    :arg observe: told of each question that ended: its name, and the seconds it took.
    """

    poll_sec: float
    observe: Callable[[str, float], None] = lambda _name, _seconds: None
    _asked: dict[Hashable, _Asked] = field(default_factory=dict)
    _running: int = 0
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "asking"))

    async def body(self, name: str, key: Hashable, ask: Callable[[], str]) -> Body:
        """What `ask` (which may block) answers to the question `name`, or did to an equal one just now.

        :arg key: equal for equal questions of that name.
        :raises ProblemError: too much is being asked (503).
        :raises Exception: what `ask` raised.
        """
        loop = asyncio.get_running_loop()
        while (found := self._asked.get((name, key))) is not None:
            if self._fresh(found, loop.time()):
                return await asyncio.shield(found.body)
            if found.body.done():
                break
            await asyncio.wait([found.body])
        return await asyncio.shield(self._begin(name, key, ask).body)

    def fresh(self, question: Hashable) -> Body | None:
        """The answer to a question, its name and its key, where that is there and fresh."""
        found = self._asked.get(question)
        if found is None or found.seconds is None or not self._fresh(found, asyncio.get_running_loop().time()):
            return None
        return None if found.body.cancelled() or found.body.exception() else found.body.result()

    def _fresh(self, asked: _Asked, now: float) -> bool:
        seconds = self.poll_sec if asked.seconds is None else max(FRESH_SEC, asked.seconds)
        return asked.age(now) < min(seconds, self.poll_sec)

    def _begin(self, name: str, key: Hashable, ask: Callable[[], str]) -> _Asked:
        if self._running >= THREADS + _WAITING:
            raise ProblemError(503, "too much is being asked at once: try again", retry_after=1)
        loop = asyncio.get_running_loop()
        self._running += 1
        future = loop.run_in_executor(self._pool, lambda: Body.of(ask().encode()))
        asked = self._asked[name, key] = _Asked(loop.time(), future)

        def ended(done: asyncio.Future[Body]) -> None:
            self._running -= 1
            asked.seconds = asked.age(loop.time())
            self.observe(name, asked.seconds)
            failed = done.cancelled() or done.exception() is not None
            left = 0.0 if failed else max(self.poll_sec, FRESH_SEC) - asked.seconds
            loop.call_later(max(left, 0.0), self._forget, (name, key), asked)

        future.add_done_callback(ended)
        return asked

    def _forget(self, key: Hashable, asked: _Asked) -> None:
        if self._asked.get(key) is asked:
            del self._asked[key]

    def close(self) -> None:
        """Ask nothing more. Does not wait for what is being asked."""
        self._pool.shutdown(wait=False, cancel_futures=True)
