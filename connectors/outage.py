"""Redis is away, or back: one line in the log for each, however many parts of a process notice it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from connectors.errors import (
    TRANSIENT,
    KeyTaken,
    RedisAway,
    RedisDenied,
    RedisFailure,
    RedisSilent,
    UnexpectedReply,
    translating,
)
from connectors.lifecycle import Lifecycle
from connectors.settings import EXIT_BUG, EXIT_SETTINGS
from connectors.supervisor import Supervisor

Value = TypeVar("Value")

_log = structlog.get_logger("redis")

FIRST_DELAY = 0.05
"""Seconds before the first new attempt."""

LONGEST_DELAY = 2.0
"""Seconds between attempts, at the most."""


class Backoff:
    """How long to wait before the next attempt: doubling from `FIRST_DELAY` to `LONGEST_DELAY`, with jitter.

    The jitter (a random half) keeps instances that lost the same Redis from coming back in step.
    """

    def __init__(self) -> None:
        self._failures = 0

    def next_delay(self) -> float:
        """Seconds to wait after one more failure."""
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 (spreads attempts; guards nothing)

    def reset(self) -> None:
        """It worked: the next failure is a first one again."""
        self._failures = 0


def is_broken_connection(error: RedisFailure) -> bool:
    """Whether `error` may be no more than one connection that is gone, so that another attempt at once makes sense."""
    return isinstance(error, RedisAway) and not isinstance(error, RedisSilent)


def once_more(call: Callable[[], Value]) -> Value:
    """The value of `call`, which is called again at once when its connection breaks.

    A connection that was idle when Redis was away is found broken only later: that alone is no outage. `call` must be
    safe to repeat.

    :raises RedisFailure: what the second call raised, or the first, when that was no broken connection.
    """
    try:
        return _translated(call)
    except RedisAway as error:
        if not is_broken_connection(error):
            raise
        return _translated(call)


def _translated(call: Callable[[], Value]) -> Value:
    with translating():
        return call()


class Outage:
    """What the parts of one process know of one Redis. Thread-safe.

    A part calls `down` at a failure and `up` at a success; the log gets a line when the first part goes down and one
    when the last is up again. What no waiting mends ends the process with status 78: a key that belongs to another
    group, a password that was never accepted. One that is refused later is waited for like an outage, because
    passwords are rotated and servers restarted.

    Either call is progress of the worker that makes it: the supervisor hears of it, and of what is wrong.
    """

    def __init__(self, lifecycle: Lifecycle, place: str = "", supervisor: Supervisor | None = None) -> None:
        self.supervisor = supervisor or Supervisor(lifecycle, {})
        self._lifecycle = lifecycle
        self._place = place
        self._lock = threading.Lock()
        self._down: dict[str, str] = {}
        self._beside: set[str] = set()
        self._since = 0.0
        self._told_away = False
        """Whether the log has it that Redis is away, in this outage."""
        self._was_up = False

    @property
    def redis_up(self) -> bool:
        """Whether the last that every part heard of Redis was good, and any heard at all."""
        return self._was_up and not self._down

    @property
    def works(self) -> bool:
        """As `redis_up`, of those parts without which the process does not do its work."""
        return self._was_up and self._down.keys() <= self._beside

    def down(self, part: str, error: RedisFailure, *, beside: bool = False) -> None:
        """`part` (a name of ours) failed with `error`.

        :arg beside: whether the work goes on without `part`.
        """
        self.supervisor.turn(worker=False)
        if isinstance(error, KeyTaken) or (isinstance(error, RedisDenied) and not self._was_up):
            self._lifecycle.fail(str(error), EXIT_SETTINGS)
            return
        away = isinstance(error, TRANSIENT)
        with self._lock:
            first = not self._down
            known = self._down.get(part) == str(error)
            self._down[part] = str(error)
            if beside:
                self._beside.add(part)
            if first:
                self._since = time.monotonic()
            told = self._told_away
            self._told_away = away or (told and not first)
        if first or (not known and not _is_plain_outage(error)) or (away and not told):
            event = "waiting for Redis" if away else "refused by Redis; trying again"
            _log.warning(event, redis=self._place, cause=str(error))
            self.supervisor.trouble(f"{event.partition(';')[0]} at {self._place}: {error}")

    def hopeless(self, error: RedisFailure) -> bool:
        """End the process if `error` would come again at each new attempt, as far as anybody knows; whether it does.

        For those without whom the process does not do its work.
        """
        if not isinstance(error, UnexpectedReply):
            return False
        self._lifecycle.fail(f"Redis rejects a command; retrying would not help: {error}", EXIT_BUG)
        return True

    def up(self, part: str) -> None:
        """`part` had a good answer."""
        self.supervisor.turn(worker=False)
        self.supervisor.up(part)
        if self._was_up and not self._down:
            return
        with self._lock:
            was_down = bool(self._down)
            self._down.pop(part, None)
            back = was_down and not self._down
            first_time, self._was_up = not self._was_up, True
        if back:
            self.supervisor.trouble("")
            _log.info("Redis is back", redis=self._place, after_seconds=round(time.monotonic() - self._since, 1))
        elif first_time:
            _log.info("connected", redis=self._place)


def _is_plain_outage(error: RedisFailure) -> bool:
    """Whether the line that opened the outage says all there is to say."""
    return isinstance(error, RedisAway)
