"""Reading all buckets, whole, for an audit. Never writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import redis

from connectors.text import one_line
from console.audit.bounds import Found
from console.audit.recount import ask
from console.queries.fetch import ask_all, literally, text
from sinks import proofs
from sinks.buckets import TAKEN_BACK, bucket_key
from sinks.times import minute_name

Progress = Callable[[str, int, int], None]
"""Gets the step, how much of it is done, and of how much (an estimate)."""

_AT_ONCE = 16
"""Buckets in one round trip."""

_SCAN = 1_000
"""Keys in one step of a scan."""

_REASON = "reason:"


class BucketReader:
    """Reads the buckets under `prefix`. Every method raises RedisFailure where Redis does not answer."""

    def __init__(self, client: redis.Redis, prefix: str, progress: Progress) -> None:
        self._client = client
        self._prefix = prefix
        self._progress = progress

    def minutes(self) -> set[int]:
        """The minutes of all buckets that there are. Blocks for a round trip each 1,000 keys of Redis."""
        found = names(self._client, bucket_key(self._prefix, 0).removesuffix(minute_name(0)), self._progress)
        return {minute for name in found if (minute := parse_minute(name)) is not None}

    def read(self, minutes: list[int]) -> tuple[dict[int, Found], frozenset[str]]:
        """The buckets of `minutes`, and the gates whose decisions were taken back before.

        Where some were taken back while they were read, they are read again.

        :raises WrongType: one of them is no hash.
        """
        before = self._taken_back()
        while True:
            found = dict(self._buckets(minutes))
            after = self._taken_back()
            if before == after:
                return found, after
            before = after

    def _taken_back(self) -> frozenset[str]:
        ((_minute, found),) = self._buckets([TAKEN_BACK])
        gates = (name.removeprefix(_REASON).partition(":")[0] for name in found if name.startswith(_REASON))
        return frozenset(gate for gate in gates if proofs.is_gate(gate))

    def _buckets(self, minutes: list[int]) -> Iterator[tuple[int, Found]]:
        for at in range(0, len(minutes), _AT_ONCE):
            chunk = minutes[at : at + _AT_ONCE]
            hashes = ask_all(self._client, [("HGETALL", bucket_key(self._prefix, minute)) for minute in chunk])
            for minute, fields in zip(chunk, hashes, strict=True):
                yield minute, {text(name): number(count) for name, count in fields.items()}
            self._progress("buckets", at + len(chunk), len(minutes))


def names(client: redis.Redis, start: str, progress: Progress) -> set[str]:
    """What follows `start` in the keys that begin so. Blocks for a round trip each 1,000 keys of Redis.

    :raises RedisFailure: Redis does not answer.
    """
    keys = int(ask(client.dbsize))
    found, cursor, steps = set(), 0, 0
    while True:
        cursor, page = ask(lambda cursor=cursor: client.scan(cursor, literally(start) + "*", _SCAN))  # type: ignore[misc]
        found |= {key[len(start) :].decode("ascii", "replace") for key in page}
        steps += 1
        progress("keys", min(steps * _SCAN, keys), keys)
        if cursor == 0:
            return found


def parse_minute(name: str) -> int | None:
    """Minutes since the epoch of `YYYYMMDDHHMM`, or None when it is none."""
    if not re.fullmatch(r"[0-9]{12}", name):
        return None
    try:
        parsed = datetime.strptime(name, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(parsed.timestamp() // 60)


def number(value: bytes) -> int | str:
    """A count; what is none stays text."""
    found = text(value)
    return int(found) if re.fullmatch(r"-?[0-9]{1,19}", found) else one_line(found)
