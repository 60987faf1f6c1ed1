"""What a recount expects where decisions of proofs were taken back (see `console.proof.taking_back`). Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from console.audit.recount import Recount, Step
from flows.domain.decisions import gate_of
from sinks.buckets import TAKEN_BACK
from sinks.values.counts import Kind

Minutes = Mapping[int, Mapping[Kind, int]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What buckets that are read between two steps of a recount must hold, by minutes since the epoch."""

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
    times = [
        recount.oldest[minute]
        for minute, counts in recount.minutes.items()
        if minute == TAKEN_BACK or any(gate_of(kind.reason) in gates for kind in counts)
    ]
    oldest = {**recount.oldest, TAKEN_BACK: min(times)} if times else recount.oldest
    return Expected(_moved(before, gates), _moved(recount.minutes, gates), oldest)


def _moved(minutes: Minutes, gates: Collection[str]) -> Minutes:
    """`minutes`, with what is of `gates` in the minute of what was taken back."""
    result: defaultdict[int, Counter[Kind]] = defaultdict(Counter)
    for minute, counts in minutes.items():
        for kind, count in counts.items():
            result[TAKEN_BACK if gate_of(kind.reason) in gates else minute][kind] += count
    return result
