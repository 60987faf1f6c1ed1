"""The three of a weekly review: what persists, what is new, what grows. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from flows.domain.decisions import NO_REASON
from flows.domain.same_hours import Hour
from flows.domain.trend import ROSE, compare
from flows.domain.windows import add, rank
from sinks.values.counts import Ranked

_TOP = 3
_WEEK = 7
_GROWTHS = 3
"""Over how many weeks on end a share has to grow."""
_BEFORE = 4
"""In how many weeks before a gate must not have been seen to be new."""


@dataclass(frozen=True, slots=True)
class Day:
    """What was counted in a day. One for which nothing is known is absent, which is not zero."""

    at: int
    """Whole days since the epoch."""
    total: int
    """All decisions."""
    gates: Mapping[str, int]
    """Gate -> count; `none`, which blocks nothing, may be among them."""


@dataclass(frozen=True, slots=True)
class Growing:
    """A gate whose share grew in each of the last three weeks."""

    name: str
    shares: tuple[float, ...]
    """Of all decisions, 0 to 1, week by week, oldest first: one more than there are growths."""
    clear: bool
    """Whether the last week is clearly above the first, as far as days vary: one gate in 24 grows so by chance."""


@dataclass(frozen=True, slots=True)
class Review:
    """What a weekly review looks at."""

    persistent: tuple[str, ...]
    """Gates that were among the first three on each of the last 7 days, most first; none where a day is unknown."""
    new: tuple[Ranked, ...]
    """Gates of the last 7 days that were not seen in the 4 weeks before, as far as those are known; most first."""
    growing: tuple[Growing, ...]
    """Most grown first."""
    known: int
    """How many days of the 4 weeks before are known."""


def review(days: Sequence[Day], last: int) -> Review:
    """What the week that ends with the day `last` (since the epoch) has to say.

    :arg days: what is known of the last 5 weeks, in any order; what is outside of them is left out.
    """
    weeks: dict[int, list[Day]] = defaultdict(list)
    for day in days:
        week = (last - day.at) // _WEEK
        if 0 <= week <= _BEFORE:
            weeks[week].append(day)
    now, before = weeks.get(0, []), [day for week, found in weeks.items() if week for day in found]
    counted = rank(_blocking(now))
    tops = [{gate.name for gate in rank(_blocking([day]))[:_TOP]} for day in now]
    known_names = {name for day in before for name, count in day.gates.items() if count}
    return Review(
        tuple(gate.name for gate in counted if len(tops) == _WEEK and all(gate.name in top for top in tops)),
        tuple(gate for gate in counted if before and gate.name not in known_names),
        _growing([weeks.get(week, []) for week in range(_GROWTHS, -1, -1)]),
        len(before),
    )


def _blocking(days: Sequence[Day]) -> Mapping[str, int]:
    """Gate -> count over `days`, without `none`."""
    counts = add(day.gates for day in days)
    return {name: count for name, count in counts.items() if count and name != NO_REASON}


def _growing(weeks: Sequence[Sequence[Day]]) -> tuple[Growing, ...]:
    """The gates whose share grew from each of `weeks` to the next, oldest first."""
    totals = [sum(day.total for day in week) for week in weeks]
    if not all(totals):
        return ()
    counts = [_blocking(week) for week in weeks]
    found = {}
    for name in counts[-1]:
        shares = tuple(count.get(name, 0) / total for count, total in zip(counts, totals, strict=True))
        if all(earlier < later for earlier, later in pairwise(shares)):
            found[name] = shares
    if not found:
        return ()
    first, last = ([Hour(day.at * 24, day.total, {"gate": day.gates}) for day in weeks[end]] for end in (0, -1))
    risen = {row.name for row in compare(last, [first]).rows if row.verdict == ROSE}
    order = sorted(found, key=lambda name: (found[name][0] - found[name][-1], name))
    return tuple(Growing(name, found[name], name in risen) for name in order)
