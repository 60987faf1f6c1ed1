"""Finding the roll-ups that are not what their parts add up to, and reading those parts.

Nothing tells which minutes have changed: to count costs `flows.p35` nothing more. So each look asks for the few numbers
by which a change can be seen: the sums of each hour, and the decisions of each minute that lives. Where they differ,
the parts are read. Nothing is remembered that a look would not find again, but for two things:

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
"""Questions in one packet whether any part of a roll-up lives."""

_DECISIONS = tuple(f"{history.DECISION}{name}".encode() for name in DECISIONS)
_MINUTES, _UPDATED = history.MINUTES.encode(), history.UPDATED.encode()
_LOOK = (*_DECISIONS, _MINUTES, _UPDATED)

Print = Mapping[bytes, bytes]
"""What a look sees of a part: it has changed if this has."""

ReadParts: TypeAlias = Callable[[redis.Redis, str, Sequence[int]], dict[int, RollUp]]
"""Reads the parts that begin with some minutes, as far as there are any, from keys of a prefix. One round trip."""


@dataclass(frozen=True, slots=True)
class Level:
    """Hours of minutes, or days of hours."""

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
    looked: tuple[bytes, ...]
    """The fields of a part by which it is seen to change."""
    read: ReadParts


def hours(
    bucket_ttl: float, reach: float, read: Callable[[redis.Redis, str, Sequence[int]], dict[int, RollUp]]
) -> Level:
    """Hours, of minutes.

    :arg bucket_ttl: seconds that a bucket is kept after its last count.
    :arg reach: seconds back to the oldest minute that could be counted in.
    """
    return Level(HOUR, 1, int(reach // 60), bucket_ttl, bucket_keys, _DECISIONS, read)


def days(hour_ttl: float) -> Level:
    """Days, of hours, which are kept for `hour_ttl` seconds after they were written last."""

    def read(client: redis.Redis, prefix: str, starts: Sequence[int]) -> dict[int, RollUp]:
        return history.read(client, prefix, starts, HOUR)

    def keys(prefix: str, start: int) -> list[str]:
        return [history.hour_key(prefix, hour) for hour in range(start, start + DAY, HOUR)]

    return Level(DAY, HOUR, int(hour_ttl // 60), hour_ttl, keys, _LOOK, read)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A roll-up that is not what its parts add up to, as far as a look tells."""

    start: int
    version: float
    """`updated_ts` of what was written; 0 where nothing was."""
    prints: Mapping[int, Print]
    """The parts that live, by their first minutes."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found."""

    now: float
    """By the clock of Redis, epoch seconds, in whole milliseconds."""
    newest: int | None
    """The newest roll-up that has ended and is written."""
    doubts: tuple[Doubt, ...]
    """The oldest first."""


class PartReader:
    """Looks at all roll-ups of one `level`. Not thread-safe.

    :arg is_proof: whether a gate is one of a proof, whose decisions may be taken back.
    """

    def __init__(self, prefix: str, level: Level, is_proof: Callable[[str], bool]) -> None:
        self._prefix = prefix
        self._level = level
        self._is_proof = is_proof
        self._remembered: OrderedDict[int, dict[int, tuple[Print, RollUp]]] = OrderedDict()
        self._expiring: set[int] = set()
        """Roll-ups whose parts expire, or are about to."""
        self._problems = KeyProblems(f"{prefix}:p35")

    def look(self, client: redis.Redis) -> Look:
        """Which roll-ups are in doubt. Blocks for some dozen round trips; Redis is never busy for more than a moment.

        :raises RedisFailure: Redis did not answer, or refused (or what redis-py raises).
        """
        seconds, microseconds = client.time()
        now = round(int(seconds) + int(microseconds) / 1_000_000, 3)
        level, starts = self._level, self._starts(client, now)
        # What is written is read before the parts: whoever writes anything else from now on has seen newer parts.
        stored = dict(zip(starts, self._ask(client, [self._key(one) for one in starts], _LOOK), strict=True))
        parts = [part for start in starts for part in self._parts(start)]
        keys = [key for start in starts for key in level.part_keys(self._prefix, start)]
        prints: dict[int, dict[int, Print]] = {start: {} for start in starts}
        for part, found in zip(parts, self._ask(client, keys, level.looked), strict=True):
            start = part - part % level.length
            if isinstance(found, Failed):
                stored[start] = found
            elif isinstance(found, Found) and any(count(found.fields.get(name)) for name in _DECISIONS):
                prints[start][part] = found.fields
        self._expiring = {start for start in starts if prints[start] and self._expires(start, now)}
        doubts, newest = [], None
        for start, found in stored.items():
            if isinstance(found, Failed):  # (of another type: it, or a part of it; the log has it)
                continue
            fields = found.fields if isinstance(found, Found) else {}
            if fields and (start + level.length) * 60 <= now:
                newest = max(start, newest or start)
            if self._in_doubt(start, now, fields, prints[start]):
                doubts.append(Doubt(start, number(fields.get(_UPDATED)) or 0.0, prints[start]))
        return Look(now, newest, tuple(doubts))

    def read(self, client: redis.Redis, doubt: Doubt) -> tuple[RollUp | None, list[RollUp]] | None:
        """What is written for `doubt`, and its parts: those that live, and those remembered from when they did.

        None: another instance has written it since the look. Blocks for a round trip each few parts.
        """
        stored = history.read(client, self._prefix, [doubt.start], self._level.length).get(doubt.start)
        if (0.0 if stored is None else stored.updated_ts) != doubt.version:
            return None
        known = self._remembered.setdefault(doubt.start, {})
        self._remembered.move_to_end(doubt.start)
        wanted = [part for part, seen in doubt.prints.items() if part not in known or known[part][0] != seen]
        for at in range(0, len(wanted), _AT_ONCE):
            chunk = wanted[at : at + _AT_ONCE]
            for part, rolled in self._level.read(client, self._prefix, chunk).items():
                known[part] = doubt.prints[part], rolled
        others = (start for start in self._remembered if start not in self._expiring and start != doubt.start)
        for start in list(others)[: max(len(self._remembered) - REMEMBERED, 0)]:
            del self._remembered[start]
        return stored, [rolled for _seen, rolled in known.values()]

    def _starts(self, client: redis.Redis, now: float) -> list[int]:
        """The roll-ups that are looked at: all whose parts cannot have expired, and others with parts that live."""
        level, minute = self._level, int(now // 60)
        # (A day ahead, as far as a publisher's clock may be. What was taken back lies in minute 0, which is no time.)
        first = max(minute - level.reach, level.length)
        starts = range(first - first % level.length, minute + DAY + 1, level.length)
        near = [start for start in starts if now < start * 60 + level.parts_live and start <= minute + HOUR]
        known = set(near)
        return sorted([*self._alive(client, [start for start in starts if start not in known]), *near])

    def _alive(self, client: redis.Redis, starts: Sequence[int]) -> list[int]:
        """Those of `starts` of which any part lives."""
        level, wire, alive = self._level, Wire(client), []
        try:
            for at in range(0, len(starts), _PROBES):
                chunk = starts[at : at + _PROBES]
                replies = wire.ask(*[("EXISTS", *level.part_keys(self._prefix, start)) for start in chunk])
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

    def _in_doubt(self, start: int, now: float, stored: Print, prints: Mapping[int, Print]) -> bool:
        known = self._remembered.get(start, {})
        young = now < start * 60 + self._level.parts_live
        for part, (_seen, rolled) in list(known.items()):
            # One that is gone has expired, and what was in it stays in the sum; unless it was taken back.
            if part not in prints and young and all(map(self._is_proof, rolled.gates)):
                del known[part]
        gone = [seen for part, (seen, _rolled) in known.items() if part not in prints]
        if _sums([*prints.values(), *gone]) != _sums([stored] if stored else []):
            return True
        return start in self._expiring and start not in self._remembered

    def _expires(self, start: int, now: float) -> bool:
        """Whether parts of the roll-up are about to expire, or do: in the order of their beginnings."""
        begins = start * 60 + self._level.parts_live
        return begins - _EXPIRES_SOON <= now <= begins + self._level.length * 60 + _EXPIRES_SOON

    def _parts(self, start: int) -> range:
        return range(start, start + self._level.length, self._level.step)

    def _key(self, start: int) -> str:
        return history.key(self._prefix, start, self._level.length)


def _sums(prints: Sequence[Print]) -> list[int]:
    """How many decisions of each kind, and how many minutes: a bucket is one."""
    minutes = sum((count(one[_MINUTES]) or 0) if _MINUTES in one else 1 for one in prints)
    return [minutes, *(sum(count(one.get(name)) or 0 for one in prints) for name in _DECISIONS)]
