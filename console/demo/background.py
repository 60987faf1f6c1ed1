"""A thread of the demo with a Redis client of its own, and why it ended."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Any

import redis

from connectors.errors import translate
from connectors.private_redis import PrivateRedis


class Background(ABC):
    """Runs until it is stopped.

    :arg name: of the thread, and of the work in the line that says why it failed.
    :arg options: of the client.
    """

    def __init__(self, server: PrivateRedis, name: str, **options: Any) -> None:
        self._client = server.client(socket_timeout=10, **options)
        self._name = name
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._failure: str | None = None

    @property
    def failure(self) -> str | None:
        """Why it ended by itself; None: it did not."""
        return self._failure

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; blocks until the current step is done, some 10 s at most. Idempotent."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(15)
        self._client.close()

    @abstractmethod
    def _work(self) -> None:
        """Return soon after `_stopping` is set. May raise what redis-py does, which ends it."""

    def _run(self) -> None:
        try:
            self._work()
        except (redis.RedisError, OSError) as error:
            self._failure = f"{self._name} failed: {translate(error)}"
