"""Signs of life of a process in Redis, for those who look at it from elsewhere.

They are for monitoring only; what lets a consumer commit is its lease (`connectors.lease`).

Like those for a supervisor they come from the workers' own turns, and from no timer or thread: there is none while a
worker hangs, nor while the process waits for its Redis, when it is alive but not working.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import redis
import structlog

from connectors.errors import RedisAway, RedisFailure
from connectors.outage import Outage, once_more

_log = structlog.get_logger("pulse")

EVERY_SECONDS = 5.0
"""Between two signs."""

STALL_SECONDS = 10.0
"""A worker without a turn for so long hangs."""


class Pulse:
    """Gives signs of life. Thread-safe; never raises.

    :arg sign: leaves one; may block for a round trip or two; may raise RedisFailure or redis-py's errors.
    :arg connect: makes the client that it gets.
    :arg outage: what the process knows of its Redis.
    :arg clock: monotonic seconds.
    """

    def __init__(
        self,
        sign: Callable[[redis.Redis], None],
        connect: Callable[[], redis.Redis],
        outage: Outage,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sign = sign
        self._client = connect()
        self._outage = outage
        self._clock = clock
        self._lock = threading.Lock()
        self._turns: dict[int, float] = {}
        self._due = clock()
        self._refused = ""

    def turn(self) -> None:
        """The calling worker made progress. Blocks as `sign` does, once in EVERY_SECONDS."""
        now = self._turns[threading.get_ident()] = self._clock()
        if now < self._due or not self._outage.works or not self._lock.acquire(blocking=False):
            return
        try:
            if now - min(self._turns.values()) <= STALL_SECONDS:
                self._due = now + EVERY_SECONDS
                once_more(lambda: self._sign(self._client))
                self._refused = ""
        except RedisFailure as error:
            # (An outage is told of by those who need Redis.)
            if not isinstance(error, RedisAway) and self._refused != str(error):
                self._refused = str(error)
                _log.warning("cannot write the heartbeat: monitoring will call this process dead", cause=str(error))
        finally:
            self._lock.release()
