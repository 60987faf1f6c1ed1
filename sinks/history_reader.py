"""Finding the roll-ups that are not what their parts add up to, and reading those parts.

Nothing tells which minutes have changed, so that counting costs `flows.p35` nothing more. So each scan asks for the few
numbers by which a change can be seen, the fingerprints: the sums of each hour, and the decisions of each minute that
still exists. Where they differ, the parts are read. A scan would find again whatever is remembered, but for two things:

- parts of the last few roll-ups that were read, so that of the running hour only the last minutes are read again;
- among them, of the hours whose minutes are about to expire, those minutes: so that counts which come late for the rest
  of such an hour can still be added up. After a restart that hour stays as it is, see `flows.domain.history`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import redis

from connectors.connection import Wire
from connectors.errors import RedisAway, RedisDenied
from connectors.hash_reader import read_hashes
from connectors.key_problems import KeyProblems
from connectors.lookup_result import Failed, Found, LookupResult
from sinks import history
from sinks.buckets import bucket_keys
from sinks.numbers import count, number
from sinks.values.counts import DECISIONS
from sinks.values.history import DAY, HOUR, RollUp

REMEMBERED = 4
"""Roll-ups whose parts are remembered: the running one, the one before, and two whose parts are about to expire."""

_EXPIRES_SOON = 180.0
"""Seconds before its parts begin to expire, within which those of a roll-up are read to be remembered."""

_AT_ONCE = 4
"""Parts that are read in one round trip: Redis serves nobody else for the few milliseconds that it takes."""

_PROBES = 64
"""Questions in one packet whether any part of a roll-up exists."""

_DECISIONS = tuple(f"{history.DECISION}{name}".encode() for name in DECISIONS)
_MINUTES, _UPDATED = history.MINUTES.encode(), history.UPDATED.encode()
_ROLL_UP_FIELDS = (*_DECISIONS, _MINUTES, _UPDATED)

Fingerprint = Mapping[bytes, bytes]
"""The fields of a part that a scan reads: the part has changed if these have."""

ReadParts: TypeAlias = Callable[[redis.Redis, str, Sequence[int]], dict[int, RollUp]]
"""Reads the parts that begin with some minutes, as far as there are any, from keys of a prefix. One round trip."""


@dataclass(frozen=True, slots=True)
class Granularity:
    """What is rolled up from what: hours from minutes, or days from hours."""

    length: int
    """Of a roll-up, in minutes."""
    step: int
    """Of a part, in minutes."""
    reach: int
    """How far back a part may live, in minutes."""
    parts_live: float
    """Seconds that a part lives at least, from its beginning."""
    part_keys: Callable[[str, int], list[str]]
    """Keys of the parts of the roll-up that begins with a minute, in their order; of a prefix."""
    fingerprint_fields: tuple[bytes, ...]
    """The names of the fields that make a part's fingerprint."""
    read: ReadParts


def hours(
    bucket_ttl: float, reach: float, read: Callable[[redis.Redis, str, Sequence[int]], dict[int, RollUp]]
) -> Granularity:
    """Hours, of minutes.

    :arg bucket_ttl: seconds that a bucket is kept after its last count.
    :arg reach: seconds back to the oldest minute that could be counted in.
    """
    return Granularity(HOUR, 1, int(reach // 60), bucket_ttl, bucket_keys, _DECISIONS, read)


def days(hour_ttl: float) -> Granularity:
    """Days, of hours, which are kept for `hour_ttl` seconds after they were written last."""

    def read(client: redis.Redis, prefix: str, starts: Sequence[int]) -> dict[int, RollUp]:
        return history.read(client, prefix, starts, HOUR)

    def keys(prefix: str, start: int) -> list[str]:
        return [history.hour_key(prefix, hour) for hour in range(start, start + DAY, HOUR)]

    return Granularity(DAY, HOUR, int(hour_ttl // 60), hour_ttl, keys, _ROLL_UP_FIELDS, read)


@dataclass(frozen=True, slots=True)
class StaleRollUp:
    """A roll-up that is not what its parts add up to, as far as a scan tells."""

    start: int
    version: float
    """`updated_ts` of what was written; 0 where nothing was."""
    fingerprints: Mapping[int, Fingerprint]
    """Of the parts that exist, by their first minutes."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan of all roll-ups found."""

    now: float
    """By the clock of Redis, epoch seconds, in whole milliseconds."""
    newest: int | None
    """The newest roll-up that has ended and is written."""
    stale: tuple[StaleRollUp, ...]
    """The oldest first."""


class PartReader:
    """Scans all roll-ups of one `granularity`, and reads the parts of those that are stale. Not thread-safe.

    :arg is_proof: whether a gate is one of a proof, whose decisions may be taken back.
    """

    def __init__(self, prefix: str, granularity: Granularity, is_proof: Callable[[str], bool]) -> None:
        self._prefix = prefix
        self._granularity = granularity
        self._is_proof = is_proof
        self._remembered: OrderedDict[int, dict[int, tuple[Fingerprint, RollUp]]] = OrderedDict()
        self._expiring: set[int] = set()
        """Roll-ups whose parts expire, or are about to."""
        self._problems = KeyProblems(f"{prefix}:p35")

    def scan(self, client: redis.Redis) -> Scan:
        """Which roll-ups are stale. Blocks for some dozen round trips; Redis is never busy for more than a moment.

        :raises RedisFailure: Redis did not answer, or refused (or what redis-py raises).
        """
        seconds, microseconds = client.time()
        now = round(int(seconds) + int(microseconds) / 1_000_000, 3)
        granularity, starts = self._granularity, self._starts(client, now)
        # What is written is read before the parts: whoever writes anything else from now on has seen newer parts.
        stored = dict(zip(starts, self._ask(client, [self._key(one) for one in starts], _ROLL_UP_FIELDS), strict=True))
        parts = [part for start in starts for part in self._parts(start)]
        keys = [key for start in starts for key in granularity.part_keys(self._prefix, start)]
        fingerprints: dict[int, dict[int, Fingerprint]] = {start: {} for start in starts}
        for part, found in zip(parts, self._ask(client, keys, granularity.fingerprint_fields), strict=True):
            start = part - part % granularity.length
            if isinstance(found, Failed):
                stored[start] = found
            elif isinstance(found, Found) and any(count(found.fields.get(name)) for name in _DECISIONS):
                fingerprints[start][part] = found.fields
        self._expiring = {start for start in starts if fingerprints[start] and self._expires(start, now)}
        stale, newest = [], None
        for start, found in stored.items():
            if isinstance(found, Failed):  # (of another type: it, or a part of it; the log has it)
                continue
            fields = found.fields if isinstance(found, Found) else {}
            if fields and (start + granularity.length) * 60 <= now:
                newest = max(start, newest or start)
            if self._is_stale(start, now, fields, fingerprints[start]):
                stale.append(StaleRollUp(start, number(fields.get(_UPDATED)) or 0.0, fingerprints[start]))
        return Scan(now, newest, tuple(stale))

    def read(self, client: redis.Redis, stale: StaleRollUp) -> tuple[RollUp | None, list[RollUp]] | None:
        """What is written for `stale`, and its parts: those that live, and those remembered from when they did.

        None: another instance has written it since the scan. Blocks for a round trip each few parts.
        """
        stored = history.read(client, self._prefix, [stale.start], self._granularity.length).get(stale.start)
        if (0.0 if stored is None else stored.updated_ts) != stale.version:
            return None
        known = self._remembered.setdefault(stale.start, {})
        self._remembered.move_to_end(stale.start)
        wanted = [part for part, seen in stale.fingerprints.items() if part not in known or known[part][0] != seen]
        for at in range(0, len(wanted), _AT_ONCE):
            chunk = wanted[at : at + _AT_ONCE]
            for part, rolled in self._granularity.read(client, self._prefix, chunk).items():
                known[part] = stale.fingerprints[part], rolled
        others = (start for start in self._remembered if start not in self._expiring and start != stale.start)
        for start in list(others)[: max(len(self._remembered) - REMEMBERED, 0)]:
            del self._remembered[start]
        return stored, [rolled for _seen, rolled in known.values()]

    def _starts(self, client: redis.Redis, now: float) -> list[int]:
        """The roll-ups to scan: all whose parts cannot have expired, and others of which any part exists."""
        granularity, minute = self._granularity, int(now // 60)
        # (A day ahead, as far as a publisher's clock may be. What was taken back lies in minute 0, which is no time.)
        first = max(minute - granularity.reach, granularity.length)
        starts = range(first - first % granularity.length, minute + DAY + 1, granularity.length)
        near = [start for start in starts if now < start * 60 + granularity.parts_live and start <= minute + HOUR]
        known = set(near)
        return sorted([*self._alive(client, [start for start in starts if start not in known]), *near])

    def _alive(self, client: redis.Redis, starts: Sequence[int]) -> list[int]:
        """Those of `starts` of which any part exists."""
        granularity, wire, alive = self._granularity, Wire(client), []
        try:
            for at in range(0, len(starts), _PROBES):
                chunk = starts[at : at + _PROBES]
                replies = wire.ask(*[("EXISTS", *granularity.part_keys(self._prefix, start)) for start in chunk])
                alive += [start for start, found in zip(chunk, replies, strict=True) if found]
        except BaseException:
            wire.close()
            raise
        wire.release()
        return alive

    def _ask(self, client: redis.Redis, keys: Sequence[str], fields: Sequence[bytes]) -> list[LookupResult]:
        outcomes = read_hashes(client, keys, fields, raised=(RedisAway, RedisDenied))
        wrong = {key: one.cause for key, one in zip(keys, outcomes, strict=True) if isinstance(one, Failed)}
        self._problems.report(wrong, among=set(keys))
        return outcomes

    def _is_stale(self, start: int, now: float, stored: Fingerprint, fingerprints: Mapping[int, Fingerprint]) -> bool:
        known = self._remembered.get(start, {})
        young = now < start * 60 + self._granularity.parts_live
        for part, (_seen, rolled) in list(known.items()):
            # One that is gone has expired, and what was in it stays in the sum; unless it was taken back.
            if part not in fingerprints and young and all(map(self._is_proof, rolled.gates)):
                del known[part]
        gone = [seen for part, (seen, _rolled) in known.items() if part not in fingerprints]
        if _sums([*fingerprints.values(), *gone]) != _sums([stored] if stored else []):
            return True
        return start in self._expiring and start not in self._remembered

    def _expires(self, start: int, now: float) -> bool:
        """Whether parts of the roll-up are about to expire, or do: in the order of their beginnings."""
        begins = start * 60 + self._granularity.parts_live
        return begins - _EXPIRES_SOON <= now <= begins + self._granularity.length * 60 + _EXPIRES_SOON

    def _parts(self, start: int) -> range:
        return range(start, start + self._granularity.length, self._granularity.step)

    def _key(self, start: int) -> str:
        return history.key(self._prefix, start, self._granularity.length)


def _sums(fingerprints: Sequence[Fingerprint]) -> list[int]:
    """How many decisions of each kind, and how many minutes: a bucket is one."""
    minutes = sum((count(one[_MINUTES]) or 0) if _MINUTES in one else 1 for one in fingerprints)
    return [minutes, *(sum(count(one.get(name)) or 0 for one in fingerprints) for name in _DECISIONS)]
