"""Equal questions are asked once, no answer is too old, and what is asked at once is bounded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from connectors.errors import RedisAway
from console.web.answering import FRESH_SEC, THREADS, Answering
from console.web.problems import ProblemError


class Asked:
    """A question that says how often it was asked, once it is let go."""

    def __init__(self) -> None:
        self.times = 0
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def __call__(self) -> str:
        self.times += 1
        number = self.times
        self.begun.release()
        assert self.go.acquire(timeout=60)
        return f"answer {number}"


class Clock:
    """The clock of the event loop, and how far it was put forward."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._real, self.ahead = loop.time, 0.0
        loop.time = lambda: self._real() + self.ahead  # type: ignore[method-assign]


def run(test: Callable[[Answering, Clock], Coroutine[Any, Any, None]], poll_sec: float = 1_000.0) -> None:
    async def main() -> None:
        answering = Answering(poll_sec)
        try:
            await test(answering, Clock(asyncio.get_running_loop()))
        finally:
            answering.close()

    asyncio.run(main())


def begun(asked: Asked) -> Coroutine[Any, Any, bool]:
    return asyncio.to_thread(asked.begun.acquire, timeout=60)


def test_equal_questions_at_one_time_are_one() -> None:
    async def test(answering: Answering, _clock: Clock) -> None:
        asked = Asked()
        waiting = [asyncio.create_task(answering.body("why", "same", asked)) for _ in range(50)]
        await begun(asked)
        other = asyncio.create_task(answering.body("why", "other", lambda: "another"))
        assert (await other).plain == b"another"
        asked.go.release(2)
        bodies = {id(await one) for one in waiting}
        assert (asked.times, len(bodies)) == (1, 1)
        assert (await answering.body("why", "same", asked)).plain == b"answer 1"

    run(test)


def test_an_answer_is_fresh_for_a_while_and_no_longer() -> None:
    async def test(answering: Answering, clock: Clock) -> None:
        asked = Asked()
        asked.go.release(10)
        await answering.body("why", 1, asked)
        await answering.body("why", 1, asked)
        assert asked.times == 1
        clock.ahead += FRESH_SEC
        assert (await answering.body("why", 1, asked)).plain == b"answer 2"

    run(test)


def test_what_took_long_to_find_is_kept_as_long_but_never_past_the_poll_interval() -> None:
    async def test(answering: Answering, clock: Clock) -> None:
        asked = Asked()
        first = asyncio.create_task(answering.body("trend", 1, asked))
        await begun(asked)
        clock.ahead += 2.0  # (seconds that it takes)
        asked.go.release()
        await first
        clock.ahead += -0.5  # (its age is 1.5 s, less than it took, and less than the interval)
        assert (await answering.body("trend", 1, asked)).plain == b"answer 1"
        clock.ahead += 1.5  # (3 s: as old as the interval, though that were 3 s, too)
        asked.go.release()
        assert (await answering.body("trend", 1, asked)).plain == b"answer 2"

    run(test, poll_sec=3.0)


def test_who_asks_late_waits_for_the_next_answer_with_all_others_who_do() -> None:
    async def test(answering: Answering, clock: Clock) -> None:
        asked = Asked()
        early = asyncio.create_task(answering.body("why", 1, asked))
        await begun(asked)
        clock.ahead += 1.0
        late = [asyncio.create_task(answering.body("why", 1, asked)) for _ in range(20)]
        await asyncio.sleep(0)
        asked.go.release()
        assert (await early).plain == b"answer 1"
        await begun(asked)
        asked.go.release()
        assert {(await one).plain for one in late} == {b"answer 2"}
        assert asked.times == 2

    run(test, poll_sec=1.0)


def test_all_who_wait_hear_of_a_failure_and_the_next_one_asks_again() -> None:
    async def test(answering: Answering, _clock: Clock) -> None:
        asked = Asked()

        def fail() -> str:
            asked()
            if asked.times == 1:
                raise RedisAway("gone")
            return "back"

        waiting = [asyncio.create_task(answering.body("why", 1, fail)) for _ in range(3)]
        await begun(asked)
        asked.go.release(2)
        for one in waiting:
            with pytest.raises(RedisAway):
                await one
        await asyncio.sleep(0.001)
        assert (await answering.body("why", 1, fail)).plain == b"back"

    run(test)


def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    async def test(answering: Answering, _clock: Clock) -> None:
        asked = Asked()
        one, other = (asyncio.create_task(answering.body("why", 1, asked)) for _ in range(2))
        await begun(asked)
        one.cancel()
        await asyncio.sleep(0)
        asked.go.release()
        assert (await other).plain == b"answer 1"
        assert one.cancelled()

    run(test)


def test_what_is_asked_at_once_is_bounded_and_forgotten() -> None:
    async def test(answering: Answering, _clock: Clock) -> None:
        asked = Asked()
        waiting = [asyncio.create_task(answering.body("why", number, asked)) for number in range(THREADS + 64)]
        for _ in range(THREADS):
            await begun(asked)
        with pytest.raises(ProblemError) as refused:
            await answering.body("why", "one more", asked)
        assert (refused.value.status, refused.value.retry_after) == (503, 1)
        assert asked.times == THREADS
        asked.go.release(len(waiting))
        await asyncio.gather(*waiting)
        assert (await answering.body("why", "one more", lambda: "fine")).plain == b"fine"

    run(test)
