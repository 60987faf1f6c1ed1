"""Did shares change against the same hours of the weeks before, or do they vary that much anyway? Pure.

docs/statistics.md has the reasons, and what this was found to keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

from flows.domain.difference import interval
from flows.domain.dispersion import Scatter, scatter
from flows.domain.distributions import binomial_tail, corrected, t_above, t_quantile
from flows.domain.same_hours import Hour, Name, SameHours, align
from flows.domain.thresholds import CLEAR

ROSE, FELL, NO_CLEAR_CHANGE, NEW, GONE = VERDICTS = ("rose", "fell", "no clear change", "new", "gone")

_TAIL = 0.025
"""What an interval of 95 % leaves out on either side."""

_FEWEST = 3
"""Below this many degrees of freedom between days, no interval and no verdict is given."""

_SHARED = 12.0
"""Weight, in degrees of freedom, of the variance between spans that is pooled over all rows of a kind; a row has three
of its own where four weeks are known."""

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Side:
    """How often a row was counted on one side of the comparison."""

    count: int
    share: float
    """Of all decisions in the compared hours, 0 to 1; of the weeks before the mean of each hour of the span."""


@dataclass(frozen=True, slots=True)
class ShareChange:
    """How the share of a decision, a gate or a symbol changed."""

    kind: str
    name: str
    now: Side
    then: Side
    difference: float
    """Of the shares, -1 to 1."""
    low: float | None
    """Where the interval of 95 % of the difference begins, -1 to 1; None where it is not known how much days vary,"""
    high: float | None
    """and where it ends."""
    ratio: float | None
    """How many times as often as then it is counted, per decision; None where it never was."""
    q: float
    """The p-value of the difference, corrected for the number of rows."""
    verdict: str
    """One of VERDICTS."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A span beside the same hours of the weeks before."""

    total: int
    """Decisions of the span, in the hours that are compared."""
    hours: int
    """How many those are."""
    weeks: int
    """In how many weeks before any of them is known."""
    against_total: int
    """Decisions of those hours in these weeks."""
    rows: tuple[ShareChange, ...]
    """By kind and name."""


class _Sides(NamedTuple):
    """A row before it is judged."""

    name: Name
    now: Side
    then: Side
    seen: bool
    """Whether it was counted in any hour of the weeks before."""
    days: Scatter
    spans: Scatter
    dispersion: float
    """Of days, at least 1; 0 where it is not known."""
    sureness: float
    """On how many degrees of freedom that rests."""


def compare(over: Sequence[Hour], against: Sequence[Sequence[Hour]]) -> Trend:
    """The shares of each row in `over`, and in the same hours of the weeks before.

    :arg over: the hours of the span that are known, at most a week from the first to the last.
    :arg against: for each week before the hours of it that are known: all of them, and not only those of the span. The
        others tell how much days vary. A week reaches back from the hour at which the span ends.
    :raises ValueError: The span is longer than a week, or something is counted more often than there are decisions.
    """
    hours = align(over, against)
    total = sum(cell.total for cell in hours.now)
    weighed = [cell.total * weight for cell, weight in zip(hours.then, hours.weights, strict=True)]
    usual = sum(weighed)
    compared = sum(cell.total for cell, weight in zip(hours.then, hours.weights, strict=True) if weight)
    if not total or not usual:
        return Trend(total, hours.hours, hours.weeks, compared, ())
    sides = [_sides(name, hours, total, usual) for name in _names(hours)]
    # What varies from day to day whatever the traffic does not become less with more of it: no more than usual counts.
    sizes = (
        min(total, usual),
        usual * usual / sum(one * weight for one, weight in zip(weighed, hours.weights, strict=True)),
    )
    freedom = sum(len(group.totals) - 1 for group in hours.days)
    kinds = {row.name.kind for row in sides}
    shared = {kind: _shared([row for row in sides if row.name.kind == kind]) for kind in kinds}
    judged = [_judged(row, sizes, shared[row.name.kind]) if freedom >= _FEWEST else (1.0, None) for row in sides]
    values = corrected([value for value, _bounds in judged])
    rows = (_row(row, bounds, q) for row, (_value, bounds), q in zip(sides, judged, values, strict=True))
    return Trend(total, hours.hours, hours.weeks, compared, tuple(rows))


def _names(hours: SameHours) -> list[Name]:
    """All that was counted in the compared hours."""
    then = [cell for cell, weight in zip(hours.then, hours.weights, strict=True) if weight]
    return sorted({name for cell in (*hours.now, *then) for name in cell.counts})


def _sides(name: Name, hours: SameHours, total: int, usual: float) -> _Sides:
    """How often `name` was counted on both sides, and how much that varies.

    :arg total: decisions now.
    :arg usual: decisions of the weeks before, a week.
    """
    now = [cell.counts.get(name, 0) for cell in hours.now]
    then = [cell.counts.get(name, 0) for cell in hours.then]
    count = sum(now)
    share = count / total
    before = sum(map(float.__mul__, hours.weights, map(float, then))) / usual
    days, spans = scatter(hours.days, then), scatter(hours.spans, then)
    both = days + _within(now, then, hours, share, before, total)
    known = both.expected > 0.0
    return _Sides(
        name,
        Side(count, share),
        Side(sum(one for one, weight in zip(then, hours.weights, strict=True) if weight), before),
        any(then),
        days,
        spans,
        # (What days vary by is not made less by a span that is more even within itself.)
        max(1.0, days.dispersion, both.dispersion) if known else 0.0,
        both.sureness,
    )


def _within(
    now: Sequence[int], then: Sequence[int], hours: SameHours, share: float, before: float, total: int
) -> Scatter:
    """How far the blocks of the span lie from what is usual at their hours, and changed as the whole span did.

    A burst shows here that no day before has seen.
    """
    spread = share * (1.0 - share)
    squares = expected = fourths = freedom = 0.0
    for count, cell, block in zip(now, hours.now, hours.blocks, strict=True):
        left = 1.0 - cell.total / total
        weighed = sum(hours.then[index].total * hours.weights[index] for index in block)
        if not cell.total or not weighed or left <= 0.0 or not spread:
            continue
        usual = sum(then[index] * hours.weights[index] for index in block) / weighed
        known = sum(hours.then[index].total for index in block)
        squared = (count - cell.total * (share + usual - before)) ** 2
        squares += squared
        fourths += squared * squared / left
        expected += left * cell.total * spread * (1.0 + cell.total / known)
        freedom += left
    return Scatter(squares, expected, fourths, freedom)


def _shared(rows: Sequence[_Sides]) -> float:
    """By how much spans vary beyond what their days would make them: the variance of the logarithm of the odds.

    It is taken to be the same for all `rows`, which are of one kind. By least squares, each row by how well it could
    show.
    """
    above = below = 0.0
    for row in rows:
        if row.spans.expected and row.dispersion:
            # (By its dispersion, too, it must not be weighed: that is high where spans happened to vary much.)
            weight = row.spans.levels / (row.spans.expected * row.spans.expected)
            above += weight * (row.spans.squares - row.dispersion * row.spans.expected)
            below += weight * row.spans.levels
    return max(0.0, above / below) if below else 0.0


def _judged(row: _Sides, sizes: tuple[float, float], shared: float) -> tuple[float, tuple[float, float] | None]:
    """The p-value of the difference, and its interval; None where it is not known how much the row varies.

    :arg sizes: on how many decisions the two shares rest.
    :arg shared: of `_shared`.
    """
    if not row.dispersion:
        return 1.0, None
    dispersion, sureness, past = row.dispersion, row.sureness, row.days
    if row.spans.expected:
        past = row.spans
        common = dispersion + shared * past.levels / past.expected
        dispersion = max(dispersion, (past.freedom * past.dispersion + _SHARED * common) / (past.freedom + _SHARED))
        sureness = min(sureness, past.freedom + _SHARED)
    now, then = sizes[0] / dispersion, sizes[1] / dispersion
    bounds = interval(row.now.share, now, row.then.share, then, t_quantile(_TAIL, sureness))
    return max(_chance(row, now, then, sureness), _precedent(row, sizes, past)), bounds


def _chance(row: _Sides, now: float, then: float, sureness: float) -> float:
    """How likely shares so far apart are where nothing changed, by how many independent events they amount to.

    Of the events of both sides each is as likely to be now as decisions are; that the dispersion is an estimate is
    allowed for by a t distribution in place of the normal one.
    """
    one, other = row.now.share, row.then.share
    if one * now + other * then > (now + then) / 2.0:  # of the two that make up all decisions, the rarer is counted
        one, other = 1.0 - one, 1.0 - other
    rest = 1.0 - (one * now + other * then) / (now + then)
    here, there, part = one * now / rest, other * then / rest, now / (now + then)
    tail = binomial_tail(here, there, part) if one >= other else binomial_tail(there, here, 1.0 - part)
    return min(1.0, 2.0 * t_above(-_NORMAL.inv_cdf(min(0.5, max(tail, 1e-300))), sureness))


def _precedent(row: _Sides, sizes: tuple[float, float], past: Scatter) -> float:
    """In what part of the past a row was as far from its usual share, in the same direction: a p-value's least."""
    distance = (row.now.share - row.then.share) * sqrt(sizes[0] / (1.0 + sizes[0] / sizes[1]))
    sign = 1.0 if distance > 0.0 else -1.0
    as_far = sum(1 for one in past.distances if one * sign >= abs(distance))
    return min(1.0, 2.0 * as_far / (len(past.distances) + 1))


def _row(row: _Sides, bounds: tuple[float, float] | None, q: float) -> ShareChange:
    low, high = bounds or (None, None)
    verdict = NO_CLEAR_CHANGE
    if q < CLEAR and bounds and not bounds[0] <= 0.0 <= bounds[1]:
        if not row.now.count:
            verdict = GONE
        elif not row.seen:
            verdict = NEW
        else:
            verdict = ROSE if row.now.share > row.then.share else FELL
    ratio = row.now.share / row.then.share if row.then.share else None
    return ShareChange(*row.name, row.now, row.then, row.now.share - row.then.share, low, high, ratio, q, verdict)
