"""What the last whole hours are like beside those of the weeks before: read from history once an hour, and kept.

{prefix}:p35:alerts:shifts    STRING, TTL 1 d: JSON, replaced whole
    end      when the hours end that it is about, epoch seconds
    total    their decisions
    weeks    in how many of the four weeks before any of them is known
    gates    gate -> count, share, share before, q, and whether it rose: those that stop most

Derived: whoever reads the same hours writes the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

import redis

from connectors.errors import RedisDenied, translating
from connectors.hash_reader import read_hashes
from connectors.key_problems import KeyProblems
from connectors.lookup_result import Failed, Found
from sinks import history
from sinks.values.alerts import HoursRead, Shift, Shifts
from sinks.values.history import HOUR, RollUp

SETTLED = 180
"""Seconds after its end at which an hour is judged: by then what was counted in it is rolled up."""

TTL = 86_400
"""Seconds."""

_AGAIN = 600.0
"""Seconds after which the same hours are read again, if what came of them could not be written."""

_AT_ONCE = 24
"""Hours in one packet: Redis serves nobody else until it has answered it."""


def key(prefix: str) -> str:
    """What was judged last."""
    return f"{prefix}:p35:alerts:shifts"


class HourReader:
    """Reads the hours, once each time that one is over and rolled up. Not thread-safe.

    :arg wanted: the hours (since the epoch) to be read for a span that ends before the given one.
    :arg turn: called between packets; whether to go on.
    """

    def __init__(self, prefix: str, wanted: Callable[[int], Sequence[int]], turn: Callable[[], bool]) -> None:
        self._prefix = prefix
        self._wanted = wanted
        self._turn = turn
        self._problems = KeyProblems(f"{prefix}:p35:hour")
        self._read: tuple[int, float] | None = None

    def __call__(self, client: redis.Redis, now: float | None = None) -> HoursRead | None:
        """None: the last whole hour is judged already, or is not known (yet).

        Blocks for three round trips; where there is something to judge, for one more each 24 hours that are wanted.

        :arg now: epoch seconds; None asks the clock of Redis.
        :raises RedisFailure: Redis did not answer (or what redis-py raises).
        """
        if now is None:
            now = float(client.time()[0])
        end = int((now - SETTLED) // 3_600)
        before = decode(client.get(key(self._prefix)))  # type: ignore[arg-type]
        if (before is not None and before.end == end) or self._only_just(end):
            return None
        found = self._hours(client, [end - 1])
        if not found:
            return None
        hours = list(self._wanted(end))
        for at in range(0, len(hours), _AT_ONCE):
            if not self._turn():
                return None
            found |= self._hours(client, hours[at : at + _AT_ONCE])
        self._read = end, time.monotonic()
        return HoursRead(end, found)

    def _only_just(self, end: int) -> bool:
        """Whether this process has only just read for `end`: what came of it was not written, or not yet."""
        return self._read is not None and self._read[0] == end and time.monotonic() - self._read[1] < _AGAIN

    def _hours(self, client: redis.Redis, hours: Sequence[int]) -> dict[int, RollUp]:
        """Those of `hours` that are known. One that may not be read, or is of another type, is told in the log."""
        keys = [history.hour_key(self._prefix, hour * HOUR) for hour in hours]
        outcomes = read_hashes(client, keys, None)
        wrong = {name: one.cause for name, one in zip(keys, outcomes, strict=True) if isinstance(one, Failed)}
        self._problems.report(wrong, among=set(keys))
        decoded = {
            hour * HOUR: history.decode(hour * HOUR, HOUR, history.without_pairs(one.fields))
            for hour, one in zip(hours, outcomes, strict=True)
            if isinstance(one, Found)
        }
        return {start: one for start, one in decoded.items() if one is not None}


class ShiftWriter:
    """Writes what was judged. Not thread-safe."""

    def __init__(self, prefix: str) -> None:
        self._key = key(prefix)
        self._problems = KeyProblems(self._key)

    def __call__(self, client: redis.Redis, shifts: Shifts) -> None:
        """Safe to repeat. Blocks for a round trip; raises what redis-py raises, or RedisFailure.

        A user of an earlier version may not write it: that is told in the log, and all other alerts go on.
        """
        try:
            with translating():
                client.set(self._key, encode(shifts), ex=TTL)
        except RedisDenied as error:
            self._problems.report({self._key: str(error)})
        else:
            self._problems.report({})


def encode(shifts: Shifts) -> str:
    """`shifts` as JSON."""
    gates = {
        name: {"count": one.count, "share": one.share, "before": one.before, "q": one.q, "rose": one.rose}
        for name, one in shifts.gates.items()
    }
    return json.dumps({"end": shifts.end * 3_600, "total": shifts.total, "weeks": shifts.weeks, "gates": gates})


def decode(text: bytes | None) -> Shifts | None:
    """The shifts in `text`; None where there are none, or they cannot be read: somebody has edited them."""
    try:
        values = json.loads(text or b"")
        gates = {
            str(name): Shift(
                int(one["count"]), float(one["share"]), float(one["before"]), float(one["q"]), one["rose"] is True
            )
            for name, one in values["gates"].items()
        }
        return Shifts(int(values["end"]) // 3_600, int(values["total"]), int(values["weeks"]), gates)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None
