"""Hours and days of history as trends compare them: which are wanted, and what is counted in one. Pure.

`quantum trend` and the alert `share_shift` look at the same hours in the same way, so that they say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flows.domain.decisions import NO_REASON
from flows.domain.same_hours import WEEK, Hour
from flows.domain.trend import Trend, compare
from sinks.values.history import HOUR, RollUp

DECISION, GATE, SYMBOL = KINDS = ("decision", "gate", "symbol")

MOST_WEEKS = 4
"""Before the span: hours are kept for 35 days."""


def wanted(end: int, over: int, against: int) -> list[int]:
    """The hours that a comparison wants: of the weeks before all, since they tell how much days vary.

    :arg end: the hour (since the epoch) before which the span ends, like all hours here and in what is returned.
    :arg over: hours of the span.
    :arg against: how many weeks it is compared with.
    """
    return [*range(end - WEEK * (against + 1), end - WEEK), *range(end - over, end)]


def judged(hours: Iterable[Hour], end: int, over: int, against: int) -> Trend:
    """The shares of the span beside those of the weeks before, of those of the `wanted` hours that are known.

    :raises ValueError: see `flows.domain.trend.compare`.
    """
    known = list(hours)
    weeks = [[hour for hour in known if (end - 1 - hour.at) // WEEK == week] for week in range(1, against + 1)]
    return compare([hour for hour in known if hour.at >= end - over], weeks)


def hour_of(one: RollUp, folded: str) -> Hour:
    """What was counted in an hour.

    :arg folded: what stands in the place of symbols that are not told apart, and is none.
    """
    symbols: dict[str, int] = {}
    for (symbol, _decision), count in one.symbol_decisions.items():
        if symbol != folded:
            symbols[symbol] = symbols.get(symbol, 0) + count
    counts = {DECISION: one.decisions, GATE: blocking(one), SYMBOL: symbols}
    return Hour(one.start // HOUR, sum(one.decisions.values()), counts)


def blocking(one: RollUp) -> Mapping[str, int]:
    """Gate -> how many decisions it stopped."""
    return {name: count for name, count in one.gates.items() if name != NO_REASON}


def adds_up(one: RollUp) -> bool:
    """Whether nothing is counted more often than there are decisions: of any other nothing can be told."""
    total = sum(one.decisions.values())
    return max(sum(one.gates.values()), sum(one.symbol_decisions.values())) <= total
