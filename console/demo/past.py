"""Five weeks before the demo, made up: hours and days as `flows.history` would have written them. Pure.

What is decided, and what stops it, is as the simulator has it outside of its explosions; it varies from hour to hour
and from day to day, follows the time of day, and is less at weekends. One change is planted: a gate stops three times
as much in the last 24 hours. But for that, equal seeds give equal hours, whenever it is.

(The worlds that hold `quantum trend` to its promises are others, in tests/simulation: thousands of them, by numpy,
which a demo must not need.)
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from console.demo.simulator import SYMBOLS, usual_mix
from flows.domain.history import add_up
from sinks.values.history import DAY, HOUR, RollUp

DAYS = 35

CHANGED, TIMES, HOURS = "mark_price_unavailable", 3.0, 24
"""The gate that is changed, to how many times its share, for how many hours."""

_DAY_VARIES, _HOUR_VARIES, _VOLUME_VARIES = 0.08, 0.20, 0.15
"""Standard deviations of logarithms."""

_LATE = 60
"""Seconds after the end of an hour at which it is written for the last time."""


def made_up(seed: int, rate: float, now: float) -> Iterator[RollUp]:
    """The hours since midnight (UTC) before the five weeks, the running one up to its last whole minute; oldest first.

    :arg rate: decisions a second, on average.
    :arg now: epoch seconds.
    """
    minute = int(now // 60)
    begin, end = (minute // DAY - DAYS) * DAY, minute - minute % HOUR
    mix = usual_mix()
    for start in range(begin, minute, HOUR):
        planted = start >= end - HOURS * HOUR
        one = _hour(seed, start, min(minute - start, HOUR), rate, _changed(mix) if planted else mix)
        if one.minutes:
            yield replace(one, updated_ts=min(float((start + HOUR) * 60 + _LATE), now))


def days_of(hours: Iterable[RollUp]) -> Iterator[RollUp]:
    """The days of `hours`, each the sum of its own, written with the last of them."""
    by_day: dict[int, list[RollUp]] = defaultdict(list)
    for one in hours:
        by_day[one.start - one.start % DAY].append(one)
    for start, parts in by_day.items():
        yield replace(add_up(start, DAY, parts), updated_ts=max(part.updated_ts for part in parts))


def _changed(mix: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """`mix` with the planted change, at the expense of all others."""
    more = {kind: share * TIMES for kind, share in mix.items() if kind[1] == CHANGED}
    left = (1.0 - sum(more.values())) / (1.0 - sum(mix[kind] for kind in more))
    return {kind: share * left for kind, share in mix.items()} | more


def _hour(seed: int, start: int, length: int, rate: float, mix: Mapping[tuple[str, str], float]) -> RollUp:
    """The first `length` minutes of the hour that begins with the minute `start`."""
    chance = random.Random(f"{seed}:hour:{start}")
    of_day = random.Random(f"{seed}:day:{start // DAY}")
    volume = rate * 60 * length * _usual_volume(start) * math.exp(chance.gauss(0, _VOLUME_VARIES))
    decisions: dict[str, int] = defaultdict(int)
    gates: dict[str, int] = defaultdict(int)
    symbol_decisions: dict[tuple[str, str], int] = defaultdict(int)
    symbol_gates: dict[tuple[str, str], int] = defaultdict(int)
    for (decision, gate), share in mix.items():
        varied = math.exp(of_day.gauss(0, _DAY_VARIES) + chance.gauss(0, _HOUR_VARIES))
        for symbol in SYMBOLS:
            count = _poisson(chance, volume * share * varied / len(SYMBOLS))
            if count:
                decisions[decision] += count
                gates[gate] += count
                symbol_decisions[symbol, decision] += count
                symbol_gates[symbol, gate] += count
    minutes = min(length, sum(decisions.values()))  # (one that nothing is counted in has no bucket)
    made_of = (1 << minutes) - 1
    return RollUp(start, HOUR, minutes, decisions, gates, symbol_decisions, symbol_gates, made_of)


def _usual_volume(start: int) -> float:
    """That of an hour as a multiple of the average."""
    daytime = 1.0 + 0.5 * math.sin(2.0 * math.pi * (start % DAY) / DAY)
    weekend = (start // DAY + 3) % 7 >= 5  # (the first day of the epoch was a Thursday)
    return daytime * (0.75 if weekend else 1.1)


def _poisson(chance: random.Random, mean: float) -> int:
    """How often what happens `mean` times on average happens."""
    if mean > 50.0:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    count, left = 0, math.exp(-mean)
    product = chance.random()
    while product > left:
        count += 1
        product *= chance.random()
    return count
