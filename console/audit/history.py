"""The audit behind `quantum verify --history`: are hours the sums of their minutes, and days of their hours?

Adds up with arithmetic of its own. How strictly a roll-up is judged depends on what is left of its parts:

exact      All parts that it was made of are there. Every field must be the sum of theirs.
at least   Some have expired. No field may hold less than the sum of the others.
moving     It has not ended: what was counted since it was written is not in it. No field may hold more than the sum.

Whatever is left of its parts, the gates of a roll-up add up to its decisions, and so do the two of each symbol.

A roll-up is read before its parts, which only grow. One that differs is looked at again for as long as `flows.history`,
where it runs, may take to rewrite it.

Not detected: too high a count of a roll-up of "at least", and too low a one of "moving", where it fits in with the
other fields of it and of its day.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import redis

from connectors import sign
from console.audit.bounds import AT_LEAST, EXACT, MOVING, Difference
from console.audit.buckets import Progress, names, number, parse_minute
from console.queries.counting import read_now
from console.queries.fetch import ask_all, number_of, text
from flows.domain.decisions import gate_of
from sinks import history
from sinks.buckets import SYMBOL_DECISION, SYMBOL_REASON, TAKEN_BACK, bucket_key, symbol_field
from sinks.packed import Unreadable, unpack
from sinks.times import minute_name
from sinks.values.history import DAY, HOUR

PATIENCE = 150.0
"""Seconds for which a roll-up that differs is looked at again: counts may be two minutes late in it."""

_PAUSE = 1.0
"""Seconds between two looks."""

_AT_ONCE = 8
"""Buckets in one round trip."""

Name: TypeAlias = tuple[str, ...]
"""The name of a field in its parts: `(gate, G)`, `(symbol_decision, S, D)`; of the packed one `(symbol_gate, S, G)`."""

Sums: TypeAlias = Counter[Name]


@dataclass(frozen=True)
class HistoryResult:
    """What an audit of history found."""

    hours: dict[str, int]
    """Exact, at least or moving -> how many."""
    days: dict[str, int]
    buckets: int
    """How many live."""
    running: bool
    """Whether `flows.history` runs."""
    differences: list[Difference]


@dataclass
class HistoryAudit:
    """One audit of the roll-ups under `prefix`.

    :arg wait: called between two looks, with seconds.
    """

    client: redis.Redis
    prefix: str
    progress: Progress = lambda _what, _done, _total: None
    patience: float = PATIENCE
    wait: Callable[[float], None] = time.sleep
    _verdicts: dict[tuple[int, int], tuple[str, list[Difference]]] = field(default_factory=dict)
    """(length, start) -> state and differences."""
    _buckets: int = 0

    def run(self) -> HistoryResult:
        """Blocks for as long as it takes to read all buckets: some seconds; more where something differs.

        :raises RedisFailure: Redis does not answer, or one of the keys is no hash.
        """
        self._look(None)
        running = self._running()
        looks = int(self.patience / _PAUSE) if running else 0
        for _ in range(looks):
            if not (doubtful := {place for place, (_state, found) in self._verdicts.items() if found}):
                break
            self.wait(_PAUSE)
            self._look(doubtful)
        states = {length: dict.fromkeys((EXACT, AT_LEAST, MOVING), 0) for length in (HOUR, DAY)}
        differences = []
        for (length, _start), (state, found) in sorted(self._verdicts.items()):
            states[length][state] += 1
            differences += found
        return HistoryResult(states[HOUR], states[DAY], self._buckets, running, differences)

    def _look(self, wanted: set[tuple[int, int]] | None) -> None:
        """Judge those of `wanted` (length, start) again; None: all that there are."""
        now = int(read_now(self.client) // 60)
        minutes = self._known(bucket_key(self.prefix, 0).removesuffix(minute_name(0)), "") - {TAKEN_BACK}
        hours = self._known(history.hour_key(self.prefix, 0).removesuffix("1970010100"), "00")
        days = self._known(history.day_key(self.prefix, 0).removesuffix("19700101"), "0000")
        self._buckets = len(minutes)
        for length, step, parts, stored in ((HOUR, 1, minutes, hours), (DAY, HOUR, hours, days)):
            by_start: dict[int, list[int]] = {start: [] for start in stored}
            for part in sorted(parts):
                by_start.setdefault(part - part % length, []).append(part)
            for done, (start, some) in enumerate(sorted(by_start.items())):
                if wanted is None or (length, start) in wanted:
                    verdict = self._judge(length, step, start, some, moving=start + length > now)
                    self._verdicts.pop((length, start), None)
                    if verdict is not None:
                        self._verdicts[length, start] = verdict
                self.progress("hours" if length == HOUR else "days", done + 1, len(by_start))

    def _known(self, start: str, rest: str) -> set[int]:
        found = names(self.client, start, self.progress)
        return {minute for name in found if (minute := parse_minute(name + rest)) is not None}

    def _judge(
        self, length: int, step: int, start: int, parts: list[int], *, moving: bool
    ) -> tuple[str, list[Difference]] | None:
        """None: it is not there, and neither are its parts."""
        key = history.key(self.prefix, start, length)
        found, made_of, wrong = self._read(key)
        if wrong:
            return EXACT, [Difference(key, None, history.SYMBOL_GATES, 0, None, wrong)]
        sums: Sums = Counter()
        live = 0
        for at in range(0, len(parts), _AT_ONCE):
            for part, one in self._parts(step, parts[at : at + _AT_ONCE]):
                sums.update(one)
                live |= bool(one) << (part - start) // step
        if not found and not sums:
            return None
        # (A day that has begun is there as soon as an hour of it is.)
        moving = moving and (bool(found) or length == HOUR)
        state = AT_LEAST if made_of & ~live else MOVING if moving else EXACT
        differences = []
        for name in sorted({*found, *sums}):
            least, most = (0 if state == MOVING else sums[name]), (None if state == AT_LEAST else sums[name])
            value = found.get(name, 0)
            if isinstance(value, str) or value < least or (most is not None and value > most):
                differences.append(Difference(key, None, ":".join(name), least, most, value))
        counts = {name: value for name, value in found.items() if isinstance(value, int)}
        return state, differences or list(_inner(key, counts, made_of, length))

    def _parts(self, step: int, parts: list[int]) -> Iterable[tuple[int, Mapping[Name, int]]]:
        if step == HOUR:
            for part in parts:
                found, _made_of, _wrong = self._read(history.hour_key(self.prefix, part))
                yield part, {name: count for name, count in found.items() if isinstance(count, int)}
            return
        hashes = ask_all(self.client, [("HGETALL", bucket_key(self.prefix, part)) for part in parts])
        for part, fields in zip(parts, hashes, strict=True):
            yield part, _of_bucket(fields)

    def _read(self, key: str) -> tuple[dict[Name, int | str], int, str]:
        """The fields of a roll-up, those that are packed among them; what it was made of; what is wrong with it."""
        (fields,) = ask_all(self.client, [("HGETALL", key)])
        found: dict[Name, int | str] = {}
        for name, value in fields.items():
            if (said := text(name)) not in (history.UPDATED, history.SYMBOL_GATES):
                found[_name_of(said)] = number(value)
        if not fields:
            return found, 0, ""
        try:
            pairs, made_of = unpack(fields.get(history.SYMBOL_GATES.encode(), b""))
        except Unreadable as error:
            return found, 0, f"what cannot be read: {error}"
        found |= {("symbol_gate", *pair): count for pair, count in pairs.items()}
        return found, made_of, ""

    def _running(self) -> bool:
        key = sign.key(self.prefix, "history")
        ((seen_at,),) = ask_all(self.client, [("HMGET", key, "seen_at")])
        return sign.is_alive(None if seen_at is None else number_of(seen_at), read_now(self.client))


def _name_of(field_: str) -> Name:
    """The parts of the name of a field of a roll-up, or of a decision in a bucket."""
    if field_.startswith(SYMBOL_DECISION):
        return ("symbol_decision", *symbol_field(field_))
    kind, colon, rest = field_.partition(":")
    return (kind, rest) if colon else (kind,)


def _of_bucket(fields: Mapping[Any, Any]) -> Sums:
    """What a bucket adds to its hour; nothing where it counts no decision."""
    sums: Sums = Counter()
    for name, value in fields.items():
        field_, counted = text(name), number(value)
        if not isinstance(counted, int) or counted <= 0:
            continue
        if field_.startswith(("decision:", SYMBOL_DECISION)):
            sums[_name_of(field_)] += counted
        elif field_.startswith("reason:"):
            sums["gate", gate_of(field_.partition(":")[2])] += counted
        elif field_.startswith(SYMBOL_REASON):
            symbol, reason = symbol_field(field_)
            sums["symbol_gate", symbol, gate_of(reason)] += counted
    if sums:
        sums[(history.MINUTES,)] = 1
    return sums


def _inner(key: str, found: Mapping[Name, int], made_of: int, length: int) -> Iterable[Difference]:
    """Where a roll-up contradicts itself."""
    sums: Sums = Counter()
    for name, value in found.items():
        sums[name[:-1] if len(name) > 1 else name] += value
    pairs = {
        (("decision",), ("gate",)),
        *((one, ("symbol_gate", *one[1:])) for one in sums if one[0] == "symbol_decision"),
    }
    pairs |= {(("symbol_decision", *one[1:]), one) for one in sums if one[0] == "symbol_gate"}
    for one, other in sorted(pairs):
        if sums[one] != sums[other]:
            yield Difference(key, None, ":".join((*other, "*")), sums[one], sums[one], sums[other])
    parts, minutes = made_of.bit_count(), sums[(history.MINUTES,)]
    most = parts * (1 if length == HOUR else HOUR)
    if not parts <= minutes <= most:
        yield Difference(key, None, history.MINUTES, parts, most, minutes)
