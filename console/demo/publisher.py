"""The publishing loop: puts simulated decisions into the stream when they are due. A thread."""

from __future__ import annotations

import time
from typing import Any

from redis.backoff import NoBackoff
from redis.retry import Retry

from connectors.private_redis import PrivateRedis
from console.demo.background import Background
from console.demo.simulator import TICK, Fields, Phase, Simulator
from sinks import decisions, p35_status

STREAM_LENGTH = 100_000
"""About so many entries are kept in the stream."""

_LATE = 1.0
"""Seconds; what was due longer ago is skipped."""


class Publisher(Background):
    """Publishes until it is stopped, and counts what Redis has taken.

    It waits while the flow is half a stream behind, since trimming would remove what is unread.
    """

    def __init__(self, server: PrivateRedis, prefix: str, simulator: Simulator) -> None:
        # A repeated XADD would be published twice and counted here once.
        super().__init__(server, "publishing", retry=Retry(NoBackoff(), 0))
        self._stream = decisions.stream_key(prefix)
        self._status = p35_status.key(prefix)
        self._simulator = simulator
        self._published = 0
        self._tick = 0

    @property
    def published(self) -> int:
        """Entries that Redis has taken."""
        return self._published

    @property
    def phase(self) -> Phase:
        """The phase that it is in."""
        return self._simulator.phase(self._tick * TICK)

    def _work(self) -> None:
        began, started, processed = time.monotonic(), time.time(), 0
        while not self._stopping.wait(max(0.0, began + self._tick * TICK - time.monotonic())):
            late = time.monotonic() - began - self._tick * TICK
            if late > _LATE:
                began += late
                started += late
            if self._published - processed > STREAM_LENGTH // 2:
                processed = self._publish([])
                began += TICK
                started += TICK
                continue
            processed = self._publish(self._simulator.entries(self._tick, started))
            self._tick += 1

    def _publish(self, entries: list[Fields]) -> int:
        """Publish `entries`; how many the flow has counted so far."""
        pipeline = self._client.pipeline(transaction=False)
        for entry in entries:
            fields: dict[Any, Any] = dict(entry)  # (a dict of text alone is not what redis-py declares)
            pipeline.xadd(self._stream, fields, maxlen=STREAM_LENGTH, approximate=True)
        pipeline.hget(self._status, "processed_total")
        processed = pipeline.execute()[-1]
        self._published += len(entries)
        return int(processed or 0)
