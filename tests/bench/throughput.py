"""Throughput: all contestants side by side on a base case, then the flow and the floor with one thing varied at a time.

Rounds are interleaved (A B C A B C ...), so that the noise of the machine hits all alike; what is compared is compared
within a round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from connectors.private_redis import PrivateRedis
from tests.bench.load import Load
from tests.bench.race import CAREFUL, FLOOR, FOLDED, NAIVE, P35, SIMPLE, Contestant, Setting, run

EVERYONE = (P35, FLOOR, CAREFUL, FOLDED, NAIVE)
PAIR = (P35, FLOOR)


@dataclass(frozen=True, slots=True)
class Case:
    """What is run by whom. `dimension` and `value` say what is different from the base case."""

    dimension: str
    value: int
    load: Load
    setting: Setting = SIMPLE
    contestants: tuple[Contestant, ...] = PAIR


MIX = Load(1_000_000, symbols=100, reasons=9)
"""What a platform sends: each symbol with each of the reasons."""

HOUR = 3_600


def an_hour(load: Load) -> Load:
    """`load`, spread over an hour of event time."""
    return replace(load, rate=-(-load.entries // HOUR))


def cases(quick: bool) -> Iterator[Case]:
    """The base case first, whose dimension is empty."""
    load = replace(MIX, entries=200_000) if quick else MIX
    yield Case("", 0, an_hour(load), contestants=EVERYONE)
    load = an_hour(replace(load, entries=200_000 if quick else 400_000))
    yield Case("ten", 10, replace(load, symbols=10, reasons=10))
    yield Case("ten", 1_000, replace(load, symbols=1_000, reasons=10))
    if quick:
        yield Case("workers", 2, an_hour(replace(load, entries=400_000)), Setting(workers=2))
        return
    for fields in (4, 20):
        yield Case("fields", fields, replace(load, fields=fields))
    yield Case("symbols", 1, replace(load, symbols=1))
    yield Case("reasons", 1_000, replace(load, symbols=10, reasons=1_000))
    for batch in (100, 500, 5_000):
        yield Case("batch", batch, load, Setting(batch=batch))
    load = an_hour(replace(load, entries=800_000))
    yield Case("processes", 2, load, Setting(processes=2))
    yield Case("workers", 2, load, Setting(workers=2))


def measure(quick: bool, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """All laps of all cases, as JSON takes it. Takes some ten minutes with five rounds."""
    return {"cases": [_case(case, rounds, say) for case in cases(quick)]}


def _case(case: Case, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    laps: dict[str, list[dict[str, float]]] = {one.name: [] for one in case.contestants}
    with PrivateRedis() as server:
        begins = case.load.fill(server)
        for number in range(rounds):
            for one in case.contestants:
                # The floor has no workers: as many processes stand for them.
                setting = case.setting
                if one is FLOOR:
                    setting = replace(setting, processes=setting.processes * setting.workers, workers=1)
                lap = run(server, one, case.load, begins, setting)
                laps[one.name].append(asdict(lap))
                what = f"{case.dimension} {case.value}" if case.dimension else "base case"
                say(
                    f"{what}, round {number + 1} of {rounds}: {one.title} {lap.rate:,.0f} a second, "
                    f"longest script {lap.longest_script:.1f} ms"
                )
    return {
        "dimension": case.dimension,
        "value": case.value,
        "load": asdict(case.load),
        "setting": asdict(case.setting),
        "laps": laps,
    }


def rate(case: dict[str, Any], name: str) -> float:
    """Median entries a second."""
    return median(lap["rate"] for lap in case["laps"][name])


def spread(case: dict[str, Any], name: str) -> tuple[float, float]:
    """The slowest and the fastest lap, in entries a second."""
    rates = [lap["rate"] for lap in case["laps"][name]]
    return min(rates), max(rates)


def cost(case: dict[str, Any], name: str, of: str = "cost") -> float:
    """Median microseconds of processor time an entry: of the contestant, or (`redis_cost`) of Redis."""
    return median(lap[of] for lap in case["laps"][name])


def longest_script(case: dict[str, Any], name: str) -> float | None:
    """The longest that a script held Redis, in milliseconds, in the middle of the laps; None: not measured."""
    found = [lap["longest_script"] for lap in case["laps"][name] if "longest_script" in lap]
    return median(found) if found else None


def ratio(case: dict[str, Any], name: str, to: str) -> float:
    """How many times faster `name` is than `to`: the median over rounds, each compared with itself."""
    return median(ratios(case, name, to))


def ratios(case: dict[str, Any], name: str, to: str) -> list[float]:
    """The same, of each round."""
    laps = case["laps"]
    return [one["rate"] / other["rate"] for one, other in zip(laps[name], laps[to], strict=True)]
