"""Read model: a day, from its minutes as far as they are there, and from history beyond that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import redis

from console.queries.minutes import Progress, read_minutes
from console.queries.rollups import WHOLE, read_rollups
from console.queries.symbols import read_totals
from flows.domain.history import window_of
from flows.domain.windows import Window
from sinks.values.counts import Counts
from sinks.values.history import DAY, HOUR, RollUp

MINUTES, HOURS, WHOLE_DAY = SOURCES = ("minutes", "hours", "day")
"""Where an hour is known from: the buckets of its minutes; what history made of them; or it is in the sum of the day
that history keeps, and not known by itself any more."""


@dataclass(frozen=True, slots=True)
class HourOfDay:
    """An hour that has begun."""

    window: Window
    """Empty where the hour is not known by itself."""
    source: str | None
    """One of SOURCES; None where nothing is known of it, which is not zero."""
    minutes: int
    """How many of its minutes have counts; 0 where it is not known by itself."""
    gone: int
    """How many of its minutes may have expired without being in history."""

    @property
    def start(self) -> int:
        """Its first minute, since the epoch."""
        return self.window.minutes[0]

    @property
    def known(self) -> bool:
        """Whether it is known by itself."""
        return self.source in (MINUTES, HOURS)


@dataclass(frozen=True, slots=True)
class Day:
    """What is known of a day (UTC)."""

    window: Window
    """All of it. Where an hour is not from minutes, reasons are gates: history does not keep the rest of them."""
    minutes: int
    """How many of its minutes have counts."""
    hours: tuple[HourOfDay, ...]
    """24, or fewer where the day is not over."""

    @property
    def start(self) -> int:
        """Its first minute, since the epoch."""
        return self.window.minutes[0]

    @property
    def sources(self) -> tuple[str, ...]:
        """Those of SOURCES that it is known from."""
        used = {hour.source for hour in self.hours}
        return tuple(source for source in SOURCES if source in used)

    @property
    def gone(self) -> int:
        """How many of its minutes may have expired without being in history."""
        return sum(hour.gone for hour in self.hours)

    def holes(self, now: float) -> Iterator[tuple[int, int]]:
        """From which minute to which (since the epoch, the second one excluded) nothing is known.

        :arg now: epoch seconds; what has not ended is no hole yet.
        """
        ended = [hour for hour in self.hours if (hour.start + HOUR) * 60 <= now]
        for unknown, hours in groupby(ended, lambda hour: hour.source is None):
            if unknown:
                found = list(hours)
                yield found[0].start, found[-1].start + HOUR


def read_day(client: redis.Redis, prefix: str, first: int, now: float, ttl: int, progress: Progress) -> Day:
    """The day that begins with the minute `first` (since the epoch), as far as it has begun.

    Blocks for a few round trips an hour of the day; raises `connectors.errors.RedisFailure`.

    :arg now: epoch seconds.
    :arg ttl: seconds that buckets are kept after their last count.
    """
    last, oldest = min(first + DAY - 1, int(now // 60)), int((now - ttl) // 60) + 1
    starts = range(first, last + 1, HOUR)
    rolled = read_rollups(client, prefix, starts, HOUR, WHOLE)
    whole = None
    if any(start < oldest and start not in rolled for start in starts):
        whole = read_rollups(client, prefix, [first], DAY, WHOLE).get(first)
    hours = []
    for number, start in enumerate(starts):
        kept = rolled.get(start)
        if kept is None and start < oldest and _holds(whole, start):
            found = HourOfDay(Window(range(start, start + HOUR), ()), WHOLE_DAY, 0, 0)
        elif kept is None or start >= oldest:
            minutes = range(start, min(start + HOUR - 1, last) + 1)
            found = _from_minutes(client, prefix, minutes, int(now // 60), oldest)
        # (History is never ahead of minutes, unless some of them are gone before their time.)
        if kept is not None and (start < oldest or found.minutes < kept.minutes):
            found = HourOfDay(window_of(kept), HOURS, kept.minutes, 0)
        hours.append(found)
        progress("hours", number + 1, len(starts))
    return _day(first, hours, whole if any(hour.source == WHOLE_DAY for hour in hours) else None)


def _from_minutes(client: redis.Redis, prefix: str, minutes: range, now: int, oldest: int) -> HourOfDay:
    """The hour that begins with `minutes`, from their buckets.

    :arg oldest: the oldest minute that is surely kept.
    """
    found = read_minutes(client, prefix, minutes[-1], len(minutes), now)
    parts: tuple[Counts, ...] = ()
    if found.counted:
        window = found.over(minutes)
        of_symbols = read_totals(client, prefix, sorted(found.counted))
        pairs = {(symbol, name): count for symbol, of in of_symbols.items() for name, count in of.items()}
        parts = (Counts(window.decisions, window.reason_counts, {}, pairs),)
    gone = min(max(oldest - minutes[0], 0), len(minutes))
    span = range(minutes[0], minutes[0] + HOUR)
    return HourOfDay(Window(span, parts), MINUTES if parts else None, len(found.counted), gone)


def _holds(whole: RollUp | None, start: int) -> bool:
    """Whether the hour that begins with the minute `start` is in the sum of its day."""
    return whole is not None and bool(whole.parts >> (start - whole.start) // HOUR & 1)


def _day(first: int, hours: Sequence[HourOfDay], whole: RollUp | None) -> Day:
    beside = [hour for hour in hours if hour.known and not _holds(whole, hour.start)]
    parts: list[Counts] = [part for hour in beside for part in hour.window.parts]
    minutes = sum(hour.minutes for hour in beside)
    if whole is not None:
        parts += window_of(whole).parts
        minutes += whole.minutes
    return Day(Window(range(first, first + DAY), tuple(parts)), minutes, tuple(hours))


def clock_spans(spans: Iterable[tuple[int, int]]) -> str:
    """`03:00 to 06:00, 09:00 to 10:00`, of minutes since the epoch; midnight ends a day as 24:00."""
    return ", ".join(f"{_clock(begin)} to {_clock(end, end_of_day=True)}" for begin, end in spans)


def _clock(minute: int, *, end_of_day: bool = False) -> str:
    hour, rest = divmod(minute % DAY, 60)
    return f"{24 if end_of_day and not hour + rest else hour:02}:{rest:02}"
