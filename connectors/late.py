"""Sources, sinks and lookups that are made when the dataflow is built on a worker, and not where it is written down.

So a flow can be a value of its module: to import it, or to draw it, reads no setting and connects to nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from bytewax.inputs import (
    DynamicSource,
    FixedPartitionedSource,
    StatefulSourcePartition,
    StatelessSourcePartition,
)
from bytewax.outputs import DynamicSink, StatelessSinkPartition

from connectors.lookup import Lookup
from connectors.lookup_result import LookupResult
from connectors.polled import PolledSource

Value = TypeVar("Value")
Made = TypeVar("Made", covariant=True)


class Late(Generic[Made]):
    """What `make` makes, once, when it is first asked for. Thread-safe: each worker asks on a thread of its own."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._made: list[Made] = []
        self._lock = threading.Lock()

    def __call__(self) -> Made:
        """That; raises what `make` raises."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    def forget(self) -> None:
        """Make it again the next time."""
        with self._lock:
            self._made.clear()


class LateSource(DynamicSource[Value], Generic[Value]):
    """The source that `source` makes."""

    def __init__(self, source: Late[DynamicSource[Value]]) -> None:
        self.source = source

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSourcePartition[Value]:
        """As it does."""
        return self.source().build(step_id, worker_index, worker_count)


class LatePolled(FixedPartitionedSource[Value, None], Generic[Value]):
    """The polled source that `source` makes."""

    def __init__(self, source: Late[PolledSource[Value]]) -> None:
        self.source = source

    def list_parts(self) -> list[str]:
        """As it does."""
        return self.source().list_parts()

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> StatefulSourcePartition[Value, None]:
        """As it does."""
        return self.source().build_part(step_id, for_part, resume_state)


class LateSink(DynamicSink[Value], Generic[Value]):
    """The sink that `sink` makes."""

    def __init__(self, sink: Late[DynamicSink[Value]]) -> None:
        self.sink = sink

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSinkPartition[Value]:
        """As it does."""
        return self.sink().build(step_id, worker_index, worker_count)


class LateLookup:
    """The lookup that `lookup` makes."""

    def __init__(self, lookup: Late[Lookup]) -> None:
        self.lookup = lookup

    def __call__(self, keys: Sequence[str]) -> tuple[Mapping[str, LookupResult], float]:
        """As it does."""
        return self.lookup()(keys)
