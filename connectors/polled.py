"""A polled source: call a function at regular times, on one worker of the whole cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import redis
import structlog
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from connectors.errors import RedisFailure
from connectors.outage import LONGEST_DELAY, Backoff, once_more
from connectors.service import Service

Value = TypeVar("Value")

_log = structlog.get_logger("polled")

_STOP_CHECK = 0.1
"""Seconds between looks at the wish to stop."""

_IN_TIME = 10
"""Reads in time, one after another, after which skipping is news again."""


class PolledSource(FixedPartitionedSource[Value, None], Generic[Value]):
    """Emits `read(client)` every `interval` seconds, aligned to whole intervals since the epoch.

    Where reading, and what is done with it, takes longer than the interval, the source skips times, and says so; it
    never piles them up. A read that fails because of Redis is tried again with backoff; nothing is emitted for it.

    :arg name: of this reader, for telling outages apart.
    :arg read: may block; gets a client of its own; may raise RedisFailure or redis-py's errors. For None, nothing is
        emitted.
    """

    def __init__(
        self, service: Service, name: str, interval: float, read: Callable[[redis.Redis], Value | None]
    ) -> None:
        self.service = service
        self.name = name
        self.interval = interval
        self.read = read

    def list_parts(self) -> list[str]:
        """One for all workers."""
        return ["singleton"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> StatefulSourcePartition[Value, None]:
        """Does not connect."""
        return _PolledPartition(self)


class _PolledPartition(StatefulSourcePartition[Value, None], Generic[Value]):
    def __init__(self, source: PolledSource[Value]) -> None:
        self._source = source
        self._client = source.service.connect()
        self._backoff = Backoff()
        self._called = datetime.now(UTC)
        self._due = 0.0  # the first time at once
        self._turn: int | None = None
        """The interval, counted from the epoch, in which the last read began; None when that failed."""
        self._in_time = _IN_TIME

    def next_batch(self) -> list[Value]:
        self._source.service.turn()
        self._called = datetime.now(UTC)
        if self._source.service.lifecycle.stopping:
            raise StopIteration
        now = time.time()
        longest = max(self._source.interval, LONGEST_DELAY)
        if now < self._due and self._due - now <= longest:  # (a clock that was set back makes it due)
            return []
        turn = int(now // self._source.interval)
        if self._turn is not None:
            self._look_for_skipped(turn - self._turn - 1)
        self._turn = None
        try:
            value = once_more(lambda: self._source.read(self._client))
        except RedisFailure as error:
            self._source.service.outage.down(self._source.name, error)
            self._due = time.time() + self._backoff.next_delay()
            return []
        self._source.service.outage.up(self._source.name)
        self._backoff.reset()
        self._turn = turn
        self._due = (time.time() // self._source.interval + 1) * self._source.interval
        return [] if value is None else [value]

    def _look_for_skipped(self, skipped: int) -> None:
        """Say it when times are skipped; once, until that has ended for a while."""
        if skipped <= 0:
            self._in_time += 1
            return
        if self._in_time >= _IN_TIME:
            _log.warning("a poll outlasts its interval; skipping polls", name=self._source.name, skipped=skipped)
        self._in_time = 0

    def next_awake(self) -> datetime:
        # Never later than a stop should take to be seen.
        seconds = min(max(self._due - time.time(), 0.0), _STOP_CHECK)
        # (counted from the call, as the runtime does: see `source`)
        return self._called + timedelta(seconds=seconds)

    def snapshot(self) -> None:
        return None

    def close(self) -> None:
        self._client.close()
