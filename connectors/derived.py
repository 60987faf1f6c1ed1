"""A sink for derived values: what can be computed again from what is committed, and is written whole.

Writing must be idempotent. A value that cannot be written is dropped, because the next one replaces it anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import redis
from bytewax.outputs import DynamicSink, StatelessSinkPartition

from connectors.errors import RedisFailure
from connectors.outage import once_more
from connectors.service import Service

Value = TypeVar("Value")


class DerivedSink(DynamicSink[Value], Generic[Value]):
    """Calls `write(client, value)` for the newest value of each batch.

    :arg name: of this writer, for telling outages apart.
    :arg write: may block for a round trip or two; may raise RedisFailure or redis-py's errors.
    :arg written: told of each value once it is written; must be quick and must not raise.
    :arg headline: what there is then to say of it to the supervisor, if anything; likewise.
    :arg beside: whether the flow does its work without these values: its signs of life then go on when they fail.
    """

    def __init__(
        self,
        service: Service,
        name: str,
        write: Callable[[redis.Redis, Value], None],
        written: Callable[[Value], None] = lambda _value: None,
        headline: Callable[[Value], str] | None = None,
        *,
        beside: bool = False,
    ) -> None:
        self._service = service
        self._name = name
        self._write = write
        self._written = written
        self._headline = headline
        self._beside = beside

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSinkPartition[Value]:
        """Does not connect."""
        return _DerivedPartition(self._service, self._name, self._write, self._written, self._headline, self._beside)


class _DerivedPartition(StatelessSinkPartition[Value], Generic[Value]):
    def __init__(
        self,
        service: Service,
        name: str,
        write: Callable[[redis.Redis, Value], None],
        written: Callable[[Value], None],
        headline: Callable[[Value], str] | None,
        beside: bool,
    ) -> None:
        self._service = service
        self._name = name
        self._write = write
        self._written = written
        self._headline = headline
        self._beside = beside
        self._client = service.connect()

    def write_batch(self, items: list[Value]) -> None:
        if not items:
            return
        try:
            once_more(lambda: self._write(self._client, items[-1]))
        except RedisFailure as error:
            self._service.outage.down(self._name, error, beside=self._beside)
            return
        self._service.outage.up(self._name)
        self._written(items[-1])
        if self._headline is not None:
            self._service.supervisor.headline(self._headline(items[-1]))

    def close(self) -> None:
        self._client.close()
