"""One line in the log when Redis goes away, and one when it is back."""

from __future__ import annotations

import threading
import time

import structlog

from connectors.errors import RedisFailure

_log = structlog.get_logger("redis")


class Outage:
    """What the last question heard of Redis. Thread-safe.

    Unlike that of a flow it ends nothing: whoever asks gets to know what is wrong, and others may still be answered.

    :arg place: where Redis is.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._cause: str | None = None
        self._since = 0.0
        self._heard = False

    @property
    def redis_up(self) -> bool:
        """Whether the last answer was good, and there was one at all."""
        return self._heard and self._cause is None

    def down(self, error: RedisFailure) -> None:
        """A question failed with `error`."""
        with self._lock:
            first, self._cause = self._cause is None, str(error)
            if first:
                self._since = time.monotonic()
        if first:
            _log.warning("waiting for Redis", redis=self._place, cause=str(error))

    def up(self) -> None:
        """A question was answered."""
        if self._heard and self._cause is None:
            return
        with self._lock:
            back, self._cause = self._cause is not None, None
            first, self._heard = not self._heard, True
        if back:
            _log.info("Redis is back", redis=self._place, after_seconds=round(time.monotonic() - self._since, 1))
        elif first:
            _log.info("connected", redis=self._place)
