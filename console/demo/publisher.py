"""The publishing loop: puts what a simulator makes up into the stream, at its time. A thread."""

from __future__ import annotations

import threading
import time
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from connectors.errors import translate
from connectors.private_redis import PrivateRedis
from console.demo.simulator import TICK, Fields, Phase, Simulator
from sinks import decisions, status

STREAM_LENGTH = 100_000
"""About so many entries are kept in the stream."""

_LATE = 1.0
"""Seconds; what should have been published longer ago is not made up for."""


class Publisher:
    """Publishes until it is stopped, and counts what Redis has taken.

    It waits where the flow is half a stream behind, since the stream's bound would cut off what nobody has read.
    """

    def __init__(self, server: PrivateRedis, prefix: str, simulator: Simulator) -> None:
        # A repeated XADD would be published twice and counted here once.
        self._client = server.client(socket_timeout=10, retry=Retry(NoBackoff(), 0))
        self._stream = decisions.stream_key(prefix)
        self._status = status.key(prefix)
        self._simulator = simulator
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._published = 0
        self._tick = 0
        self._failure: str | None = None

    @property
    def published(self) -> int:
        """Entries that Redis has taken."""
        return self._published

    @property
    def phase(self) -> Phase:
        """The phase that it is in."""
        return self._simulator.phase(self._tick * TICK)

    @property
    def failure(self) -> str | None:
        """Why it ended by itself; None while all is well."""
        return self._failure

    def start(self) -> None:
        """Begin, from tick 0."""
        self._thread.start()

    def stop(self) -> None:
        """End; blocks until the step under way is done, at most for some 10 s. Idempotent."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(15)
        self._client.close()

    def _run(self) -> None:
        try:
            self._publish_until_stopped()
        except (redis.RedisError, OSError) as error:
            self._failure = f"publishing failed: {translate(error)}"

    def _publish_until_stopped(self) -> None:
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
