"""Which hours are compared: those known now and in a week before. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flows.domain.dispersion import Pieces, pieces
from flows.domain.windows import add

WEEK = 168
"""Hours."""

_DAY = 24
_BLOCKS = 6
"""Into how many blocks a span of less than four days is cut, to see how much it varies within itself."""


class Name(NamedTuple):
    """What is counted."""

    kind: str
    """decision, gate or symbol."""
    name: str


@dataclass(frozen=True, slots=True)
class Hour:
    """What was counted in an hour. One for which nothing is known is absent, which is not zero."""

    at: int
    """Whole hours since the epoch, of its beginning."""
    total: int
    """All decisions."""
    counts: Mapping[str, Mapping[str, int]]
    """Kind -> name -> count; what is missing did not occur."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What was counted in some hours."""

    total: int
    counts: Mapping[Name, int]


@dataclass(frozen=True, slots=True)
class SameHours:
    """A span beside the same hours of the weeks before, and all that tells how much such hours vary."""

    now: tuple[Cell, ...]
    """The span, in blocks; of its hours those that are known in a week before."""
    then: tuple[Cell, ...]
    """The weeks before: all of their hours that are at a time of day that the span has."""
    weights: tuple[float, ...]
    """For each of `then` what its decisions count: 1 / the number of weeks in which its hours are known, so that each
    hour of the span has its usual mix; 0 where the span has no such hour."""
    blocks: tuple[tuple[int, ...], ...]
    """For each of `now` those of `then` with the same hours, as indices."""
    days: tuple[Pieces, ...]
    """The days of the weeks before, by weekday; all in one group where a single week is known. A day ends at the hour
    at which the span does."""
    spans: tuple[Pieces, ...]
    """Stretches as long as the span, by when in the week they are; none for a span of a day or less: days are those."""
    weeks: int
    """In how many of the weeks before any hour of the span is known."""
    hours: int
    """How many hours of the span are compared."""


def align(over: Sequence[Hour], against: Sequence[Sequence[Hour]]) -> SameHours:
    """What of `over` and `against` is compared. Arguments and errors are those of `flows.domain.trend.compare`."""
    end = max((hour.at for hour in over), default=0) + 1
    length = end - min((hour.at for hour in over), default=end)
    if length > WEEK:
        raise ValueError(f"a span of {length} hours: it may have {WEEK}, or the weeks before would be part of it")
    span = {hour.at for hour in over}
    clock = {at % _DAY for at in span}
    before: dict[int, list[Hour]] = defaultdict(list)
    others = []
    for hour in (hour for week in against for hour in week if hour.at < end - length and hour.at % _DAY in clock):
        same = hour.at + _back(hour.at, end) * WEEK
        if same in span:
            before[same].append(hour)
        else:
            others.append(hour)

    block = next((size for size in (1, 2, 3, 4, 6, 8, 12) if size * _BLOCKS >= length), _DAY)
    now: dict[int, list[Hour]] = defaultdict(list)
    for hour in over:
        if hour.at in before:
            now[(end - 1 - hour.at) // block].append(hour)
    # Weeks back, day, block (-1: of no interest), in how many weeks the hour is known
    then: dict[tuple[int, int, int, int], list[Hour]] = defaultdict(list)
    for same, hours in before.items():
        for hour in hours:
            ago = end - 1 - same
            then[_back(hour.at, end), ago // _DAY, ago // block, len(hours)].append(hour)
    for hour in others:
        week, ago = divmod(end - 1 - hour.at, WEEK)
        then[week, ago // _DAY, -1, 0].append(hour)

    cells = tuple(_cell(hours) for hours in then.values())
    return SameHours(
        tuple(_cell(hours) for hours in now.values()),
        cells,
        tuple(1.0 / known if known else 0.0 for _week, _day, _block, known in then),
        tuple(tuple(index for index, key in enumerate(then) if key[2] == number) for number in now),
        *_pieces(list(then), [cell.total for cell in cells], -(-length // _DAY)),
        len({week for week, _day, _block, known in then if known}),
        len([hour for hours in now.values() for hour in hours]),
    )


def _back(at: int, end: int) -> int:
    """How many weeks before that which ends at `end` an hour is."""
    return (end - 1 - at) // WEEK


def _cell(hours: Sequence[Hour]) -> Cell:
    kinds = {kind: None for hour in hours for kind in hour.counts}
    counted = {kind: add(hour.counts[kind] for hour in hours if kind in hour.counts) for kind in kinds}
    total = sum(hour.total for hour in hours)
    counts = {Name(kind, name): count for kind, names in counted.items() for name, count in names.items() if count}
    if counts and max(counts.values()) > total:
        (kind, name), count = max(counts.items(), key=lambda one: one[1])
        raise ValueError(
            f"{kind} {name} is counted {count} times among {total} decisions, in hour {hours[0].at} or near it"
        )
    return Cell(total, counts)


def _pieces(
    keys: Sequence[tuple[int, int, int, int]], totals: Sequence[int], length: int
) -> tuple[tuple[Pieces, ...], tuple[Pieces, ...]]:
    """The days, and the stretches of `length` days, that cells with `keys` and `totals` make up."""
    days: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    spans: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, (week, day, _block, _known) in enumerate(keys):
        days[day][week].append(index)
        if length > 1 and day < 7 // length * length:
            spans[day // length][week].append(index)
    of_days = [list(weeks.values()) for weeks in days.values()]
    if len({week for week, *_ in keys}) == 1:
        of_days = [[cells for weeks in of_days for cells in weeks]]
    groups = [pieces(group, totals) for group in of_days], [pieces(weeks.values(), totals) for weeks in spans.values()]
    days_found, spans_found = (tuple(group for group in found if group) for found in groups)
    return days_found, spans_found
