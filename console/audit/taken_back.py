"""What a recount comes to, where decisions of proofs were taken back (see `console.proof.taking_back`). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from console.audit.recount import Recount, Step
from flows.domain.decisions import gate_of
from sinks.buckets import TAKEN_BACK
from sinks.values.counts import Kind

Minutes = Mapping[int, Mapping[Kind, int]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the buckets must hold that were read between two steps of a recount; by minutes since the epoch."""

    before: Minutes
    """At least this."""
    after: Minutes
    """At most this."""
    oldest: Mapping[int, int]
    """The time of the lowest ID that was counted in each, in milliseconds since the epoch."""


def expected(recount: Recount, step: Step, gates: Collection[str]) -> Expected:
    """What is expected after `step` of `recount`.

    :arg gates: those whose decisions were taken back before the buckets were read.
    """
    before: Minutes = {**recount.minutes, **step.minutes}
    if not gates:
        return Expected(before, recount.minutes, recount.oldest)
    moved_from = [minute for minute, counts in recount.minutes.items() if any(_is_of(kind, gates) for kind in counts)]
    oldest = min(
        (recount.oldest[minute] for minute in [*moved_from, TAKEN_BACK] if minute in recount.oldest), default=0
    )
    return Expected(
        _moved(before, moved_from, gates),
        _moved(recount.minutes, moved_from, gates),
        {**recount.oldest, TAKEN_BACK: oldest} if moved_from else recount.oldest,
    )


def _moved(minutes: Minutes, moved_from: Collection[int], gates: Collection[str]) -> Minutes:
    """`minutes`, with what is of `gates` in the minute of what was taken back."""
    result = dict(minutes)
    back = Counter(minutes.get(TAKEN_BACK, {}))
    for minute in moved_from:
        if minute != TAKEN_BACK:
            counts = minutes[minute]
            result[minute] = {kind: count for kind, count in counts.items() if not _is_of(kind, gates)}
            back.update({kind: count for kind, count in counts.items() if _is_of(kind, gates)})
    if moved_from:
        result[TAKEN_BACK] = back
    return result


def _is_of(kind: Kind, gates: Collection[str]) -> bool:
    return gate_of(kind.reason) in gates
