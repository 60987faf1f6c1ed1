"""Tallies: batches of entries, counted per minute of event time before they go through the dataflow. Pure.

The window step then sees a few values for thousands of entries, and every tally still carries the IDs of those that it
stands for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import compress, islice
from operator import attrgetter, le
from typing import Any

from connectors.delivery import Batch, Delivery
from connectors.stream_id import milliseconds
from connectors.times import EPOCH
from flows.domain.decisions import event_seconds
from flows.domain.field_layout import Layout
from flows.domain.windows import minute_of
from sinks.values.counts import EXECUTE, Kind

COMMIT_MICROSECONDS = 10_000
ENTRY_MICROSECONDS, KIND_MICROSECONDS, SYMBOL_MICROSECONDS, MINUTE_MICROSECONDS = 0.8, 3, 5, 100
"""How long a commit may keep Redis from all else before batches wait no longer, and what it takes for each thing in it:
roughly, as measured, the dearer case where there are two. The batch that passes the bound is in it, too."""

MOST_LAYOUTS = 64
MOST_NAME_BYTES = 4_096
"""What is remembered of publishers: a layout with names beyond that is worked out each time."""


_decision_of, _symbol_of = attrgetter("decision"), attrgetter("symbol")


@dataclass(frozen=True, slots=True)
class Tally:
    """The entries of some batches, committed together, that happened in one minute."""

    delivery: Delivery
    minute: int
    """Minutes since the epoch."""
    ids: tuple[bytes, ...]
    counts: Mapping[Kind, int]
    seen: Mapping[str, float]
    """Event time of the newest entry of each symbol, in seconds since the epoch; under "" those that name none."""
    executed: Mapping[str, float]
    """The same of those whose decision is EXECUTE."""
    skewed: int
    """How many had an unusable timestamp."""

    @property
    def newest_seconds(self) -> float:
        """Event time of the newest entry, in seconds since the epoch."""
        return max(self.seen.values())

    @property
    def event_time(self) -> datetime:
        """`newest_seconds` as the dataflow's event clock takes it: in microseconds, and within the minute."""
        microseconds = int((self.newest_seconds - self.minute * 60) * 1_000_000)
        return EPOCH + timedelta(minutes=self.minute, microseconds=min(microseconds, 59_999_999))


class Combiner:
    """Counts batches, and puts together those that follow one another at once: behind a backlog the commits are fewer.

    Several workers may share it, each with consumers of its own. What it holds may be lost: it is not acknowledged.

    :arg max_future_skew: seconds, see `event_seconds`.
    """

    def __init__(self, max_future_skew: float) -> None:
        self._max_future_skew = max_future_skew
        self._layouts: dict[tuple[bytes, ...], Layout] = {}
        self._open: dict[str, _Sum] = {}
        """What waits for another batch, by the lease under which it was read."""

    def __call__(self, batch: Batch) -> list[Tally]:
        """The tallies of `batch`, and of what waited for it, per minute; none when it is to wait for the next.

        Their IDs are a partition of the batches', each in stream order.
        """
        delivery, done = batch.delivery, []
        found = self._open.pop(delivery.lease_key, None)
        if found is not None and not found.delivery.by_the_same(delivery):
            done = found.tallies()  # (void by now: the commit refuses it)
            found = None
        found = found or _Sum(delivery._replace(reads=()))
        if batch.rows:
            self._add(batch, found)
        if batch.more and not found.full:
            self._open[delivery.lease_key] = found
            return done
        return done + found.tallies()

    def _add(self, batch: Batch, to: _Sum) -> None:
        """By columns: no step of Python for each entry, if it can be."""
        to.delivery = to.delivery._replace(reads=to.delivery.reads + batch.delivery.reads)
        to.entries += len(batch.rows)
        ids, rows = zip(*batch.rows, strict=True)
        kinds, stamps = self._columns(rows)
        # A batch is in stream order: a time that is not ahead of its first entry is not ahead of a later one either,
        # whose ID need not be read then.
        oldest = milliseconds(ids[0])
        times = {stamp: event_seconds(stamp, oldest, self._max_future_skew) for stamp in set(stamps)}
        minutes = {minute_of(seconds) for seconds, _skewed in times.values()}
        if len(minutes) == 1 and not any(skewed for _seconds, skewed in times.values()):
            to.minute(minutes.pop()).add(kinds, [times[stamp][0] for stamp in stamps], ids)
            return
        columns: dict[int, tuple[list[Kind], list[float], list[bytes]]] = {}
        for entry_id, kind, stamp in zip(ids, kinds, stamps, strict=True):
            seconds, skewed = times[stamp]
            if skewed:
                seconds, skewed = event_seconds(stamp, milliseconds(entry_id), self._max_future_skew)
            minute = minute_of(seconds)
            some = columns.get(minute) or columns.setdefault(minute, ([], [], []))
            some[0].append(kind)
            some[1].append(seconds)
            some[2].append(entry_id)
            if skewed:
                to.minute(minute).skewed += 1
        for minute, column in columns.items():
            to.minute(minute).add(*column)

    def _columns(self, rows: Sequence[Sequence[bytes]]) -> tuple[Sequence[Kind], Sequence[bytes]]:
        """The kind and the raw timestamp of each of `rows`, which are the fields of an entry each."""
        found = self._alike(rows)
        if found is not None:
            return found
        places: dict[tuple[bytes, ...], list[int]] = {}
        for place, row in enumerate(rows):
            places.setdefault(tuple(row[::2]), []).append(place)
        kinds: list[Any] = [None] * len(rows)
        stamps = [b""] * len(rows)
        for names, some in places.items():
            values = list(zip(*(rows[place][1::2] for place in some), strict=True))
            for place, kind, stamp in zip(some, *self._layout(names).columns(values, len(some)), strict=True):
                kinds[place], stamps[place] = kind, stamp
        return kinds, stamps

    def _alike(self, rows: Sequence[Sequence[bytes]]) -> tuple[Sequence[Kind], Sequence[bytes]] | None:
        """As `_columns`, where all of `rows` have the same names in the same order; else None."""
        if len(set(map(len, rows))) > 1 or not rows[0]:
            return None
        columns = list(zip(*rows, strict=True))
        names = columns[::2]
        if any(column.count(column[0]) < len(rows) for column in names):
            return None
        return self._layout([column[0] for column in names]).columns(columns[1::2], len(rows))

    def _layout(self, names: Sequence[bytes]) -> Layout:
        key = tuple(names)
        layout = self._layouts.get(key)
        if layout is None:
            layout = Layout(names)
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts.clear()
            if sum(map(len, key)) <= MOST_NAME_BYTES:
                self._layouts[key] = layout
        return layout


class _Sum:
    """Batches of one consumer, being counted."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.entries = 0
        self.minutes: dict[int, _Minute] = {}

    @property
    def full(self) -> bool:
        """Whether it holds as much as one commit should."""
        minutes = self.minutes.values()
        return (
            self.entries * ENTRY_MICROSECONDS
            + sum(len(minute.counts) for minute in minutes) * KIND_MICROSECONDS
            + sum(len(minute.seen) for minute in minutes) * SYMBOL_MICROSECONDS
            + len(minutes) * MINUTE_MICROSECONDS
        ) >= COMMIT_MICROSECONDS

    def minute(self, number: int) -> _Minute:
        """That minute, since the epoch."""
        found = self.minutes.get(number)
        if found is None:
            found = self.minutes[number] = _Minute()
        return found

    def tallies(self) -> list[Tally]:
        """What was counted, minute by minute."""
        return [
            Tally(self.delivery, number, tuple(one.ids), one.counts, one.seen, one.executed, one.skewed)
            for number, one in self.minutes.items()
        ]


class _Minute:
    """A tally under construction."""

    __slots__ = ("counts", "executed", "ids", "newest", "seen", "skewed")

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.counts: Counter[Kind] = Counter()
        self.seen: dict[str, float] = {}
        self.executed: dict[str, float] = {}
        self.newest = 0.0
        self.skewed = 0

    def add(self, kinds: Sequence[Kind], seconds: Sequence[float], ids: Sequence[bytes]) -> None:
        """Count entries, given by columns."""
        self.ids += ids
        self.counts.update(kinds)
        symbols = list(map(_symbol_of, kinds))
        seen: Iterable[tuple[str, float]] = zip(symbols, seconds, strict=True)
        executed = compress(zip(symbols, seconds, strict=True), map(EXECUTE.__eq__, map(_decision_of, kinds)))
        if seconds[0] >= self.newest and all(map(le, seconds, islice(seconds, 1, None))):
            # In order: the last is the newest.
            self.seen.update(seen)
            self.executed.update(executed)
            self.newest = seconds[-1]
            return
        for newest, some in ((self.seen, seen), (self.executed, executed)):
            for symbol, at in some:
                if at > newest.get(symbol, -1.0):
                    newest[symbol] = at
        self.newest = max(self.newest, *seconds)


def tally(batch: Batch, max_future_skew: float) -> list[Tally]:
    """The tallies of `batch` alone; see `Combiner`."""
    return Combiner(max_future_skew)(batch)
