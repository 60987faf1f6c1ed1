"""A polled table: all hashes whose keys begin alike, read in one pass. `read` is for a `polled.PolledSource`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import redis

from connectors.errors import ConnectorError
from connectors.hash_reader import read_hashes
from connectors.key_problems import KeyProblems
from connectors.lookup_result import Failed, Found

Value = TypeVar("Value")

_SCAN_COUNT = 1_000
"""Keys that Redis looks at for one reply, whether they are ours or not; others wait meanwhile."""

_GLOB = re.compile(r"[\\*?\[\]]")


class InvalidRow(ConnectorError):
    """A row is there and cannot be used. `str()` is one printable line that says why."""


@dataclass(frozen=True, slots=True)
class Table(Generic[Value]):
    """One pass over the table."""

    at: float
    """When it began, by this machine's clock, in epoch seconds."""
    started: float
    """The same by the monotonic clock, in seconds."""
    rows: Mapping[str, Value]
    """By name (the key without the prefix), in the order of the names."""
    invalid: int
    """How many were skipped: of another type, or not to be used."""


class HashTable(Generic[Value]):
    """The hashes under the keys `{prefix}{name}`. Not thread-safe.

    Found with SCAN: a pass costs Redis a look at each key that it has, in small steps. A key that is there all through
    a pass is in it once. One that cannot be used is skipped and named in the log when that begins and when it ends.

    :arg prefix: of the keys; may hold any characters.
    :arg fields: those that `parse` gets.
    :arg parse: the value of a row by its name and the fields that it has; raises InvalidRow where it has none.
    :arg excluded: names that begin with this are no rows (empty: all are).
    """

    def __init__(
        self,
        prefix: str,
        fields: Sequence[bytes],
        parse: Callable[[str, Mapping[bytes, bytes]], Value],
        excluded: str = "",
    ) -> None:
        self._prefix = prefix.encode()
        self._pattern = glob_escape(prefix).encode() + b"*"
        self._fields = fields
        self._parse = parse
        self._excluded = self._prefix + excluded.encode() if excluded else None
        self._problems = KeyProblems(prefix)

    def read(self, client: redis.Redis) -> Table[Value]:
        """One pass; blocks for a round trip for each thousand keys in Redis, and each thousand of ours.

        :raises RedisFailure: Redis did not answer (or what redis-py raises).
        """
        at, started = time.time(), time.monotonic()
        keys = self._keys(client)
        rows: dict[str, Value] = {}
        wrong: dict[str, str] = {}
        for key, outcome in zip(keys, read_hashes(client, keys, self._fields), strict=True):
            name = key[len(self._prefix) :].decode("utf-8", "surrogateescape")
            if isinstance(outcome, Failed):
                wrong[name] = outcome.cause
            elif isinstance(outcome, Found) or client.exists(key):  # (not one that vanished since it was found)
                try:
                    rows[name] = self._parse(name, outcome.fields if isinstance(outcome, Found) else {})
                except InvalidRow as error:
                    wrong[name] = str(error)
        self._problems.report(wrong)
        return Table(at, started, rows, len(wrong))

    def _keys(self, client: redis.Redis) -> list[bytes]:
        """The keys, each once (SCAN may repeat some), sorted."""
        found: set[bytes] = set()
        for key in client.scan_iter(match=self._pattern, count=_SCAN_COUNT):
            if self._excluded is None or not key.startswith(self._excluded):
                found.add(key)
        return sorted(found)


def glob_escape(text: str) -> str:
    """`text` for a MATCH pattern that means it literally."""
    return _GLOB.sub(r"\\\g<0>", text)
