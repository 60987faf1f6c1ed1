"""Checks, a line each, and the summary."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import redis

from connectors.errors import RedisDenied, RedisFailure, translate
from connectors.text import one_line
from console.queries.fetch import count_of, texts

Value = TypeVar("Value")

LOOK_SECONDS = 0.1
"""How often a check that does not hold yet reads again."""

KEEP_SECONDS = 900
"""Time to live of what a proof writes, should it be killed before it cleans up."""


class Checks:
    """What was found so far. `write` gets whole lines.

    :arg seconds: how long to wait in all for what should happen; after that, each check reads once.
    """

    def __init__(self, write: Callable[[str], object], seconds: float) -> None:
        self._write = write
        self._deadline = time.monotonic() + seconds
        self.passed = 0
        self.failed = 0

    def becomes(self, what: str, wanted: Value, look: Callable[[], Value]) -> bool:
        """Whether `look()` is `wanted`, at once or in time."""
        found = self._await(look, lambda value: value == wanted)
        return self.holds(what, found == wanted, "" if found == wanted else f"is {found!r} and must be {wanted!r}")

    def reaches(self, what: str, least: int, look: Callable[[], int]) -> bool:
        """Whether `look()` is at least `least`, at once or in time."""
        found = self._await(look, lambda value: value >= least)
        return self.holds(what, found >= least, str(found) if found >= least else f"is {found} and must be {least}")

    def holds(self, what: str, good: bool, detail: str = "") -> bool:
        """Count `good`, and say it; `detail` may hold text from Redis."""
        self.passed, self.failed = self.passed + good, self.failed + (not good)
        self._write(f"{'PASS' if good else 'FAIL'}  {what}{': ' if detail else ''}{one_line(detail, 300)}")
        return good

    def extend(self, seconds: float) -> None:
        """Wait for `seconds` from now on, at the least."""
        self._deadline = max(self._deadline, time.monotonic() + seconds)

    @contextmanager
    def cleaning_up(self, clean_up: Callable[[], object]) -> Iterator[None]:
        """Run `clean_up` at the end, however it ends; of two failures, the first is raised."""
        try:
            yield
        except BaseException:
            try:
                clean_up()
            except (redis.RedisError, OSError, RedisFailure) as error:
                self.say(f"      cleaning up failed, too; what is left expires by itself: {one_line(error)}")
            raise
        clean_up()

    def say(self, text: str) -> None:
        """Something that is no check."""
        self._write(text)

    def summary(self) -> str:
        """The last line."""
        total = self.passed + self.failed
        return f"SUMMARY: FAIL ({self.failed} of {total})" if self.failed else f"SUMMARY: PASS ({total} checks)"

    def _await(self, look: Callable[[], Value], good: Callable[[Value], bool]) -> Value:
        while True:
            found = look()
            if good(found) or time.monotonic() >= self._deadline:
                return found
            time.sleep(LOOK_SECONDS)


def run(checks: Checks, proof: Callable[[Checks], None]) -> bool:
    """Whether all checks of `proof` hold. Without Redis, none does."""
    try:
        proof(checks)
    except (redis.RedisError, OSError, RedisFailure) as error:
        problem = translate(error)
        denied = isinstance(problem, RedisDenied)
        checks.holds("Redis lets this user do it" if denied else "Redis answers", False, str(problem))
    checks.say(checks.summary())
    return not checks.failed


def fields(client: redis.Redis, key: str) -> dict[str, str]:
    """The hash at `key`, as text."""
    reply: Any = client.hgetall(key)
    return texts(reply)


def number(client: redis.Redis, key: str, field: str) -> int:
    """A count in a hash; 0 when there is none."""
    return count_of(client.hget(key, field))


def pending(client: redis.Redis, stream: str, group: str, ids: list[Any]) -> int:
    """How many of the entries `ids` (oldest first) the group has not acknowledged."""
    rows: Any = client.xpending_range(stream, group, ids[0], ids[-1], 1_000)
    return len({row["message_id"] for row in rows} & set(ids))
