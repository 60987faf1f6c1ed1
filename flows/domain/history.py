"""History: an hour is the sum of its minutes, a day of its hours; and which sum is to be written. Pure.

Parts expire, minutes after two days and hours after five weeks, and what they were added up to stays. So there are two
kinds of roll-up:

young   None of its parts can have expired. It is what its parts add up to, more or less than before: decisions of a
        proof may have been taken back (`quantum proof p35`), or it was wrong.
old     Nothing lessens it. It is what its parts add up to while all of them are there; after that, what it was, and
        what was counted in parts that it was not made of.

`RollUp.parts` tells which parts a roll-up was made of, so nothing but the roll-up itself needs to be known.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from flows.domain.windows import Window, add
from sinks.values.counts import Counts
from sinks.values.history import HOUR, MINUTE, Change, Changes, Replacement, Replacements, RollUp

Name = TypeVar("Name", bound=Hashable)


def of_minute(minute: int, counts: Counts) -> RollUp:
    """The bucket of `minute` (since the epoch) as a part of its hour."""
    window = Window([minute], (counts,))
    return RollUp(
        minute,
        MINUTE,
        1,
        _positive(window.decisions),
        _positive(window.gate_counts),
        _positive(window.symbol_decisions),
        _positive(window.symbol_gates),
    )


def window_of(one: RollUp) -> Window:
    """`one` as a window. Of reasons it has the gates: each is its own gate."""
    counts = Counts(one.decisions, one.gates, {}, one.symbol_decisions, one.symbol_gates)
    return Window(range(one.start, one.start + one.length), (counts,))


def add_up(start: int, length: int, parts: Iterable[RollUp]) -> RollUp:
    """What `parts`, which are minutes of an hour or hours of a day, add up to: field by field.

    :arg start: the first minute of the hour or day; `length` is HOUR or DAY.
    """
    parts = list(parts)
    step = MINUTE if length == HOUR else HOUR
    made_of = 0
    for part in parts:
        made_of |= 1 << (part.start - start) // step
    return RollUp(
        start,
        length,
        sum(part.minutes for part in parts),
        dict(add(part.decisions for part in parts)),
        dict(add(part.gates for part in parts)),
        dict(add(part.symbol_decisions for part in parts)),
        dict(add(part.symbol_gates for part in parts)),
        made_of,
    )


def change_of(start: int, length: int, stored: RollUp | None, parts: Iterable[RollUp]) -> Change:
    """The change that the `parts` of the roll-up `stored` ask for."""
    parts = list(parts)
    known = 0 if stored is None else stored.parts
    step = MINUTE if length == HOUR else HOUR
    fresh = [part for part in parts if not known >> (part.start - start) // step & 1]
    return Change(stored, add_up(start, length, parts), add_up(start, length, fresh))


def settle(changes: Changes, *, parts_live: float, is_proof: Callable[[str], bool]) -> Replacements:
    """What is to be written after a scan.

    :arg parts_live: seconds that a part lives at least, from its beginning.
    :arg is_proof: whether a gate is one of a proof, whose decisions may be taken back.
    """
    replaced = []
    newest = changes.newest
    for one in changes.changes:
        young = changes.now < one.live.start * 60 + parts_live
        after = settled(one, young=young, is_proof=is_proof)
        if after is None:
            continue
        # (a version of its own, also where the clock of Redis was set back onto the old one)
        same = one.stored is not None and one.stored.updated_ts == changes.now
        replaced.append(Replacement(one.stored, replace(after, updated_ts=changes.now + 0.001 * same)))
        if (after.start + after.length) * 60 <= changes.now and after.minutes:
            newest = after.start if newest is None else max(newest, after.start)
    return Replacements(changes.now, tuple(replaced), newest, changes.started)


def settled(change: Change, *, young: bool, is_proof: Callable[[str], bool]) -> RollUp | None:
    """What the roll-up of `change` is to be from now on; None: what it is. Arguments as for `settle`."""
    stored, live = change.stored, change.live
    if stored is None:
        return live if live.minutes else None
    gone = stored.parts & ~live.parts
    if young and not gone:
        return _unless_same(live, stored)
    kept = _together(stored, change.fresh)
    if young:
        # (What was taken back from it is no less.)
        lessened = any(live.gates.get(gate, 0) < count and not is_proof(gate) for gate, count in kept.gates.items())
    else:
        lessened = _is_less(live, kept)
    return _unless_same(kept if lessened else live, stored)


def _is_less(one: RollUp, other: RollUp) -> bool:
    """Whether any count of `one` is less than that of `other`: a gate may hold its own where a decision does not."""
    return (
        _misses(one.gates, other.gates)
        or _misses(one.decisions, other.decisions)
        or _misses(one.symbol_decisions, other.symbol_decisions)
        or _misses(one.symbol_gates, other.symbol_gates)
    )


def _misses(counts: Mapping[Name, int], of: Mapping[Name, int]) -> bool:
    return any(counts.get(name, 0) < count for name, count in of.items())


def _together(stored: RollUp, fresh: RollUp) -> RollUp:
    """`stored`, and what was counted in parts that it was not made of."""
    return RollUp(
        stored.start,
        stored.length,
        stored.minutes + fresh.minutes,
        dict(add((stored.decisions, fresh.decisions))),
        dict(add((stored.gates, fresh.gates))),
        dict(add((stored.symbol_decisions, fresh.symbol_decisions))),
        dict(add((stored.symbol_gates, fresh.symbol_gates))),
        stored.parts | fresh.parts,
    )


def _unless_same(after: RollUp, before: RollUp) -> RollUp | None:
    return None if replace(after, updated_ts=before.updated_ts) == before else after


def _positive(counts: Mapping[Name, int]) -> dict[Name, int]:
    return {name: count for name, count in counts.items() if count > 0}
