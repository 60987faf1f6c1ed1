"""A lookup for those who cannot go on without: it waits for a Redis that is away, as the commit does."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from connectors.errors import RedisAway, RedisDenied, RedisFailure, UnexpectedReply
from connectors.hash_reader import read_hashes
from connectors.key_problems import KeyProblems
from connectors.lookup import LookupStopped
from connectors.lookup_result import Failed, LookupResult
from connectors.outage import Backoff, once_more
from connectors.service import Service

_OF_ALL = (RedisAway, RedisDenied, UnexpectedReply)
"""What is wrong with more than one key, if a key meets it."""


class WaitingLookup:
    """Looks up whole hashes on the Redis of `service`, in one pipelined read; blocks until that has worked.

    A key that holds another type has failed by itself, which the log tells when it begins and when it ends. A Redis
    that is away, or denies us the table, is waited for with backoff; an entry is not counted without its row only
    because Redis was away for a moment.

    :arg name: of this table, for the log.
    """

    def __init__(self, service: Service, name: str) -> None:
        self._service = service
        self._part = f"table {name}"
        self._client = service.connect()
        self._problems = KeyProblems(name)
        self._lock = threading.Lock()

    def __call__(self, keys: Sequence[str]) -> tuple[Mapping[str, LookupResult], float]:
        """As `Lookup`.

        :raises LookupStopped: the process is to stop, and Redis is away.
        """
        if not keys:
            return {}, time.time()
        encoded = [key.encode("utf-8", "surrogateescape") for key in keys]
        backoff = Backoff()
        while True:
            try:
                outcomes = once_more(lambda: read_hashes(self._client, encoded, None, raised=_OF_ALL))
                break
            except RedisFailure as error:
                if not self._service.outage.hopeless(error):
                    self._service.outage.down(self._part, error)
                if self._service.lifecycle.wait(backoff.next_delay()):
                    raise LookupStopped(str(error)) from error
        self._service.outage.up(self._part)
        found = dict(zip(keys, outcomes, strict=True))
        wrong = {key: outcome.cause for key, outcome in found.items() if isinstance(outcome, Failed)}
        with self._lock:
            self._problems.report(wrong, among=found)
        return found, time.time()
