"""A lookup join: each item of a stream beside the rows of a table of hashes that it asks for.

The outcome of each look is a value (see `lookup_result`): a table that cannot be read, whole or in part, never stops
the flow, and holds it up for no more than `TIMEOUT` to connect and for each reply, twice where a connection broke.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import bytewax.operators as op
import structlog
from bytewax.dataflow import Stream, operator

from connectors.errors import ConnectorError, RedisFailure
from connectors.hash_reader import read_hashes
from connectors.key_problems import KeyProblems
from connectors.lookup_result import Failed, LookupResult, Missing
from connectors.outage import once_more
from connectors.service import Service

Item = TypeVar("Item")

_log = structlog.get_logger("lookup")

TIMEOUT = 0.5
"""Seconds that a lookup waits for Redis, to connect and again for each reply. Whoever joins would rather know soon."""


class LookupStopped(ConnectorError):
    """The process is to stop, and a lookup has waited for Redis in vain."""


class Lookup(Protocol):
    """Something to look up in."""

    def __call__(self, keys: Sequence[str]) -> tuple[Mapping[str, LookupResult], float]:
        """The outcome for every one of `keys`, and when that was known, in epoch seconds.

        :raises LookupStopped: what was to be joined is dropped. Entries stay pending, and are read at the next start.
        """
        ...


@dataclass(frozen=True, slots=True)
class Joined(Generic[Item]):
    """An item, and what was found for it."""

    item: Item
    found: Mapping[str, LookupResult]
    """At least the keys that the item asked for."""
    at: float
    """When they were looked up, by this machine's clock, in epoch seconds."""


@operator
def lookup_join(
    step_id: str,  # noqa: ARG001 (Bytewax names the steps within by it)
    up: Stream[Item],
    keys: Callable[[Item], Iterable[str]],
    table: Lookup,
) -> Stream[Joined[Item]]:
    """Join each item with the rows under the keys that it asks for; one lookup for each batch of items.

    :arg keys: of an item; may name a key twice, or none.
    :arg table: called on every worker, from several threads.
    """

    def join(items: list[Item]) -> list[Joined[Item]]:
        wanted = list(dict.fromkeys(key for item in items for key in keys(item)))
        try:
            found, at = table(wanted)
        except LookupStopped as error:
            _log.warning("stopped before a lookup", cause=str(error))
            return []
        return [Joined(item, found, at) for item in items]

    return op.flat_map_batch("join", up, join)


class HashLookup:
    """Looks up hashes on the Redis of `service`, in one pipelined read; blocks as long as that takes.

    What fails is told in the log when that begins and when it ends: single keys (another type, a right that is missing)
    by name, and a Redis that does not answer. (`Outage` is for those who wait for Redis, which a lookup does not.)

    :arg name: of this table, for the log.
    :arg fields: the fields that are wanted.
    """

    def __init__(self, service: Service, name: str, fields: Sequence[bytes]) -> None:
        self._service = service
        self._name = name
        self._fields = fields
        self._client = service.connect(timeout=TIMEOUT)
        self._problems = KeyProblems(name)
        self._failing = False
        self._lock = threading.Lock()

    def __call__(self, keys: Sequence[str]) -> tuple[Mapping[str, LookupResult], float]:
        """As `Lookup`."""
        if not keys:
            return {}, time.time()
        encoded = [key.encode("utf-8", "surrogateescape") for key in keys]
        try:
            outcomes = once_more(lambda: read_hashes(self._client, encoded, self._fields))
        except RedisFailure as error:
            with self._lock:
                if not self._failing:
                    _log.warning("lookup failed; continuing without it", table=self._name, cause=str(error))
                self._failing = True
            return dict.fromkeys(keys, Failed(str(error))), time.time()
        found = dict(zip(keys, outcomes, strict=True))
        wrong = {key: outcome.cause for key, outcome in found.items() if isinstance(outcome, Failed)}
        with self._lock:
            if self._failing:
                _log.info("lookups work again", table=self._name)
            self._failing = False
            self._problems.report(wrong, among=found)
        return found, time.time()


class MemoryLookup:
    """Looks up in a mapping instead of Redis: for tests. Keys that it does not have are missing.

    :arg at: what it gives as the time of every look, in epoch seconds.
    """

    def __init__(self, rows: Mapping[str, LookupResult], at: float) -> None:
        self._rows = rows
        self._at = at

    def __call__(self, keys: Sequence[str]) -> tuple[Mapping[str, LookupResult], float]:
        """As `Lookup`."""
        return {key: self._rows.get(key, Missing()) for key in keys}, self._at
