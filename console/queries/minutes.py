"""Read model: decisions and reasons minute by minute, and the windows that they add up to.

Straight from the buckets, for the minutes before now: when the flow is dead, this shows that nothing is counted any
more, where the rolling snapshots would show for a day what was true when it died.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import redis

from connectors.errors import translating
from console.queries.fetch import count_of, scan_fields, text
from console.queries.snapshots import NO_GATE, Ranked, Window
from flows.domain.decisions import gate_of
from flows.domain.windows import minutes_of
from sinks.buckets import bucket_key, read_summaries
from sinks.values.counts import DECISIONS, LONGEST_WINDOW, Counts

WITHOUT_SYMBOLS = "[dr]e[ca]*"
"""Pattern of the fields `decision:*` and `reason:*` of a bucket."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a window begins and ends, in epoch seconds."""

    begin: int
    end: float
    """Now, while the window has not ended."""
    past: bool
    """Whether it has."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """The minutes up to the running one, as far as anything was counted in them."""

    running: int
    """The running minute, since the epoch."""
    counted: Mapping[int, Counts]
    """Minute since the epoch -> what was counted in it."""
    depth: int
    """How many minutes were looked at, the running one included."""
    ended: bool = False
    """Whether `running` is over: it is the last minute of a window in the past."""

    @property
    def last_full(self) -> int:
        """The newest minute that is over."""
        return self.running if self.ended else self.running - 1

    def span(self, name: str, now: float) -> Span:
        """When the window `name` begins and ends.

        :arg now: epoch seconds.
        """
        return Span(minutes_of(name, self.running)[0] * 60, (self.running + 1) * 60 if self.ended else now, self.ended)

    def window(self, name: str) -> Window:
        """One of `sinks.values.counts.WINDOWS`; the minutes must have been read that far back."""
        summaries = [self.counted[one] for one in minutes_of(name, self.running) if one in self.counted]
        return total_of(name, summaries)

    def on_end(self, condition: Callable[[Window], bool]) -> int:
        """For how many minutes on end `condition` has held up to now: of those with decisions, the newest first.

        The running minute counts as soon as it holds there; the little that is in it yet ends nothing.
        """

        def holds(minute: int) -> bool:
            return minute in self.counted and condition(total_of("1m", [self.counted[minute]]))

        minute = self.last_full
        while holds(minute):
            minute -= 1
        return self.last_full - minute + (not self.ended and holds(self.running))


def total_of(name: str, summaries: list[Counts]) -> Window:
    """The window `name` that `summaries` add up to, with all of their reasons and gates."""
    decisions: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for summary in summaries:
        decisions.update(summary.decisions)
        reasons.update(summary.reasons)
    in_order = {decision: decisions.get(decision, 0) for decision in DECISIONS}
    ranked = rank(reasons)
    return Window(name, in_order, ranked, gates_among(ranked))


def gates_among(reasons: Iterable[Ranked]) -> tuple[Ranked, ...]:
    """The gates that `reasons` fold into, most first, equal counts by name; `none` is no gate."""
    gates: Counter[str] = Counter()
    for reason in reasons:
        gates[gate_of(reason.name)] += reason.count
    del gates[NO_GATE]
    return rank(gates)


def rank(counts: Mapping[str, int]) -> tuple[Ranked, ...]:
    """Most first, equal counts by name."""
    return tuple(Ranked(name, count) for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def read_minutes(client: redis.Redis, prefix: str, running: int, count: int, now: int | None = None) -> Minutes:
    """The minute `running` (since the epoch) and those before it, `count` in all.

    Blocks for a round trip, and one each 15 minutes that have no summary; raises `connectors.errors.RedisError`.

    :arg now: the minute that it is now, where `running` is one in the past.
    """
    now = running if now is None else now
    minutes = range(running - count + 1, running + 1)
    with translating():
        counted = read_summaries(client, prefix, range(max(minutes[0], now - LONGEST_WINDOW), running + 1))
    # Summaries are kept for two hours only, and what is counted after that begins another, which has not all of it. A
    # bucket has, and is asked for what a summary would hold.
    missing = [minute for minute in minutes if minute not in counted]
    buckets = scan_fields(client, [bucket_key(prefix, minute) for minute in missing], WITHOUT_SYMBOLS)
    for minute, fields in zip(missing, buckets, strict=True):
        if fields:
            counted[minute] = summary_of(fields)
    return Minutes(running, counted, count, ended=running < now)


def summary_of(fields: Mapping[bytes, bytes]) -> Counts:
    """What the fields of a bucket say without its symbols."""
    decisions, reasons = {}, {}
    for name, count in fields.items():
        kind, _, rest = text(name).partition(":")
        if kind == "decision":
            decisions[rest] = count_of(count)
        elif kind == "reason":
            reasons[rest] = count_of(count)
    return Counts(decisions, reasons, {})
