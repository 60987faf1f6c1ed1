"""The checks of the past made anew: what the rules would have published, from the counts of minutes alone. Pure.

A check of a replay is at a whole interval since the epoch, as those of `flows.alerts` are, and sees the minutes that
were over by then. At checks each minute that is what was seen then: the running minute had only just begun. What lies
within a minute is not known any more, so there are no two checks in one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from flows.domain.alerts.check import Terms, judge
from flows.domain.alerts.episodes import episodes
from flows.domain.windows import fold, minute_of
from sinks.values.alerts import LONGEST, Alert, AlertState, Key, Reading
from sinks.values.counts import EXECUTE, Counts

WARM_UP = 3_600
"""Seconds before a span at which its checks begin, so that what had begun by then is known: the longest window and the
longest time for which anything must last are half of it, and hysteresis may hold on for longer."""

_MINUTE, _WITHIN = 60.0, 30.0
"""Seconds of a minute, and at which of them a symbol counts as seen. Any inside serves checks at whole minutes."""


@dataclass(frozen=True, slots=True)
class Spell:
    """An alert from firing to resolved."""

    key: Key
    severity: str
    """The worst that was published: one of SEVERITIES."""
    since: float
    """Epoch seconds."""
    ended: float | None
    """Likewise; None: it still fires."""
    score: int
    total: int
    share: float
    """As published with that severity; share 0 to 1."""


def interval_of(terms: Terms) -> float:
    """Seconds between the checks of a replay."""
    return max(terms.interval, _MINUTE)


def checks(begin: float, end: float, interval: float) -> Iterator[float]:
    """The whole intervals since the epoch from `begin` to `end` (epoch seconds), both included."""
    return (number * interval for number in range(math.ceil(begin / interval), math.floor(end / interval) + 1))


def replay(minutes: Iterable[tuple[int, Counts]], times: Iterable[float], terms: Terms) -> Iterator[Alert]:
    """What would have been published at checks at `times`, in that order.

    Rules about symbols find nothing where `minutes` hold no decisions of symbols; rules about the group never do.
    Keeps the minutes of the longest window alone.

    :arg minutes: minute since the epoch, and what was counted in it; oldest first, those without counts may be missing.
    :arg times: epoch seconds, ascending, an interval of `interval_of(terms)` apart.
    """
    terms = replace(terms, interval=interval_of(terms))
    coming = iter(minutes)
    ahead = next(coming, None)
    recent: dict[int, Counts] = {}
    seen: dict[str, float] = {}
    executed: dict[str, float] = {}
    state = AlertState()
    for now in times:
        running = minute_of(now)
        while ahead is not None and ahead[0] < running:
            minute, counts = ahead
            recent[minute] = replace(counts, reasons=fold(counts.reasons))  # once, as five checks look at it
            for symbol, decision in counts.symbol_decisions:
                seen[symbol] = minute * _MINUTE + _WITHIN
                if decision == EXECUTE:
                    executed[symbol] = seen[symbol]
            ahead = next(coming, None)
        for gone in [minute for minute in recent if minute <= running - LONGEST]:
            del recent[gone]
        checked = judge(Reading(now, recent, seen, executed, None, 0, 0, state, 0.0), terms, str)
        if checked is not None:
            state = checked.after
            yield from checked.alerts


def spells(published: Iterable[Alert]) -> list[Spell]:
    """The alerts that were `published` (oldest first), by when they began; of equal times, by what they are about."""
    found = []
    for episode in episodes(published, lambda one: (one.alert_id, one.key)).values():
        worst, since = episode.last_firing, episode.since
        if worst is not None and since is not None:  # (always: a replay begins with nothing that fires)
            found.append(Spell(worst.key, worst.severity, since, episode.ended, worst.score, worst.total, worst.share))
    return sorted(found, key=lambda spell: (spell.since, spell.key))
