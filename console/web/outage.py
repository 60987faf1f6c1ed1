"""One line in the log, and to the supervisor, when Redis goes away, when it is back, and when it refuses a question."""

from __future__ import annotations

import threading
import time

import structlog

from connectors.errors import RedisAway, RedisFailure
from connectors.supervisor import Supervisor

_log = structlog.get_logger("redis")


class Outage:
    """What the last question heard of Redis. Thread-safe.

    Unlike that of a flow it ends nothing: whoever asks gets to know what is wrong, and others may still be answered.

    :arg place: where Redis is.
    """

    def __init__(self, place: str, supervisor: Supervisor) -> None:
        self._place, self._supervisor = place, supervisor
        self._lock = threading.Lock()
        self._heard = self._away = False
        self._since = 0.0
        self._refused: dict[str, str] = {}

    @property
    def redis_up(self) -> bool:
        """Whether Redis answered the last question, and there was one at all."""
        return self._heard and not self._away

    def down(self, query: str, error: RedisFailure) -> None:
        """The question failed with `error`."""
        if not isinstance(error, RedisAway):
            with self._lock:
                known = self._refused.get(query) == str(error)
                self._refused[query] = str(error)
            if not known:
                _log.warning("refused by Redis", query=query, redis=self._place, cause=str(error))
            return
        with self._lock:
            first, self._away = not self._away, True
            if first:
                self._since = time.monotonic()
        if first:
            _log.warning("waiting for Redis", redis=self._place, cause=str(error))
            self._supervisor.trouble(f"waiting for Redis at {self._place}: {error}")

    def up(self, query: str) -> None:
        """The question was answered."""
        if self._heard and not self._away and query not in self._refused:
            return
        with self._lock:
            back, self._away = self._away, False
            first, self._heard = not self._heard, True
            self._refused.pop(query, None)
        if back:
            _log.info("Redis is back", redis=self._place, after_seconds=round(time.monotonic() - self._since, 1))
        elif first:
            _log.info("connected", redis=self._place)
        self._supervisor.trouble("")
