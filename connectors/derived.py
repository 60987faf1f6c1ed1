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
        self.service = service
        self.name = name
        self.write = write
        self.written = written
        self.headline = headline
        self.beside = beside

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSinkPartition[Value]:
        """Does not connect."""
        return _DerivedPartition(self)


class _DerivedPartition(StatelessSinkPartition[Value], Generic[Value]):
    def __init__(self, sink: DerivedSink[Value]) -> None:
        self._sink = sink
        self._client = sink.service.connect()

    def write_batch(self, items: list[Value]) -> None:
        if not items:
            return
        sink, newest = self._sink, items[-1]
        try:
            once_more(lambda: sink.write(self._client, newest))
        except RedisFailure as error:
            sink.service.outage.down(sink.name, error, beside=sink.beside)
            return
        sink.service.outage.up(sink.name)
        sink.written(newest)
        if sink.headline is not None:
            sink.service.supervisor.headline(sink.headline(newest))

    def close(self) -> None:
        self._client.close()
