"""Weeks of traffic that are made up, and for which the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from flows.domain.same_hours import Hour

Array = NDArray[np.float64]

WEEK, WEEKS = 168, 5
HOURS = WEEK * WEEKS
NOISE = 0.25
"""The coefficient of variation of the volume of an hour."""

GATES = {
    "none": 0.30,
    "p33_permit_denied": 0.25,
    "no_position": 0.15,
    "duplicate_plan": 0.10,
    "kill_score_critical": 0.06,
    "leverage_ratio_exceeded": 0.05,
    "action_hold": 0.03,
    "insufficient_confidence": 0.025,
    "not_in_allowlist": 0.015,
    "binance_error": 0.01,
    "exception": 0.007,
    "reconciliation_mismatch": 0.003,
}
"""Gate -> its share."""

SKIPPED = ("no_position", "duplicate_plan", "action_hold")
FAILED = ("binance_error", "exception")
SYMBOLS = {f"S{number:02}": weight for number, weight in enumerate(1.0 / np.arange(1, 21) ** 1.0)}


@dataclass(frozen=True)
class Scenario:
    """How weeks vary. Coefficients of variation and standard deviations of logarithms; 0: not at all."""

    name: str
    hours: float = 0.0
    bursts: float = 0.0
    """How many a day, on average."""
    days: float = 0.0
    weeks: float = 0.0
    wandering: float = 0.0
    drift: float = 0.0
    """Of the logarithm, a week."""
    rare: int = 0
    """How many gates come in bursts alone."""
    traffic: float = 1.0
    """Of the last week, as a multiple."""
    unknown: float = 0.0
    """The part of hours that are unknown; three days of some week as well, if any."""
    permuted: str = ""
    """`weeks` or `hours`."""
    known: int = 4
    """How many of the weeks before are known."""


ALIKE = (
    Scenario("calm"),
    Scenario("hours", hours=0.7),
    Scenario("bursts", bursts=0.5),
    Scenario("days", days=0.25, hours=0.5),
    Scenario("weeks", weeks=0.15, hours=0.5),
    Scenario("wandering", wandering=0.3),
    Scenario("rare", hours=0.7, rare=30),
    Scenario("doubled", days=0.25, hours=0.5, traffic=2.0),
    Scenario("holes", hours=0.7, unknown=0.15),
    Scenario("permuted weeks", bursts=0.5, days=0.25, drift=0.1, permuted="weeks"),
    Scenario("permuted hours", bursts=0.5, days=0.25, drift=0.1, permuted="hours"),
    Scenario("two weeks known", days=0.25, hours=0.5, known=2),
)
"""Weeks that do not differ."""


@dataclass(frozen=True)
class Plant:
    """A gate whose share is another during the span, at the expense of `none`."""

    gate: str
    factor: float = 1.3


@dataclass(frozen=True)
class World:
    """What happened, hour by hour, oldest first, and what was to be expected."""

    names: dict[str, Sequence[str]]
    """Kind -> names."""
    counts: dict[str, NDArray[np.int64]]
    """Kind -> hours x names."""
    expected: dict[str, Array]
    """The same, of what was to be expected if nothing varied."""
    known: NDArray[np.bool_]
    """Hour by hour."""

    def hours(self, begin: int, end: int) -> list[Hour]:
        """The hours from `begin` up to `end`, as far as they are known."""
        counted = {kind: counts[begin:end].tolist() for kind, counts in self.counts.items()}
        return [
            Hour(
                begin + index,
                sum(counted["gate"][index]),
                {kind: dict(zip(names, counted[kind][index], strict=True)) for kind, names in self.names.items()},
            )
            for index in range(end - begin)
            if self.known[begin + index]
        ]

    def compared(self, span: int) -> tuple[list[Hour], list[list[Hour]]]:
        """The last `span` hours, and the weeks before."""
        weeks = [self.hours(HOURS - (week + 1) * WEEK, HOURS - week * WEEK) for week in range(1, WEEKS)]
        return self.hours(HOURS - span, HOURS), [week for week in weeks if week]

    def truth(self, span: int) -> dict[tuple[str, str], float]:
        """(kind, name) -> by how much its share was to be expected to differ."""
        differences: dict[tuple[str, str], float] = {}
        for kind, names in self.names.items():
            now = self.expected[kind][HOURS - span :].sum(axis=0)
            then = sum(
                self.expected[kind][HOURS - week * WEEK - span : HOURS - week * WEEK].sum(axis=0)
                for week in range(1, WEEKS)
            )
            apart = now / now.sum() - then / then.sum()
            differences |= {(kind, name): round(float(one), 9) for name, one in zip(names, apart, strict=True)}
        return differences


def make(scenario: Scenario, seed: int, daily: float = 1_000, span: int = 24, plant: Plant | None = None) -> World:
    """The world of `seed`.

    :arg daily: decisions a day, on average.
    :arg span: hours in which `plant` is so.
    """
    rng = np.random.default_rng(seed)
    clock = np.arange(HOURS) + int(rng.integers(WEEK))
    volume = _volume(clock, daily)
    volume[HOURS - WEEK :] *= scenario.traffic
    gates, symbols = list(GATES), list(SYMBOLS)

    usual = volume[:, None] * _shares(rng, clock, np.array(list(GATES.values())))
    if plant is not None:
        more = usual[HOURS - span :, gates.index(plant.gate)] * (plant.factor - 1.0)
        usual[HOURS - span :, gates.index(plant.gate)] += more
        usual[HOURS - span :, 0] -= more
    noise = rng.gamma(1 / NOISE**2, NOISE**2, (HOURS, 1))
    counted = rng.poisson(usual * noise * _factors(rng, scenario, clock, len(gates)))
    if scenario.rare:
        gates += [f"rare_{number:02}" for number in range(scenario.rare)]
        seldom = _seldom(rng, scenario.rare)
        counted = np.hstack([counted, seldom])
        usual = np.hstack([usual, np.full(seldom.shape, 10 / 240)])
    executed = rng.binomial(counted[:, 0], 0.55)
    share = _shares(rng, clock, np.array(list(SYMBOLS.values())))
    varied = share * _factors(rng, scenario, clock, len(symbols))
    by_symbol = rng.multinomial(counted.sum(axis=1), varied / varied.sum(axis=1, keepdims=True))

    world = World(
        {"decision": ["EXECUTE", "SKIP", "BLOCKED", "ERROR"], "gate": gates, "symbol": symbols},
        {"decision": _decisions(gates, counted, executed), "gate": counted, "symbol": by_symbol},
        {
            "decision": _decisions(gates, usual, usual[:, 0] * 0.55),
            "gate": usual,
            "symbol": usual.sum(axis=1, keepdims=True) * share,
        },
        _known(rng, scenario),
    )
    return _permuted(rng, scenario, world)


def _volume(clock: NDArray[np.int64], daily: float) -> Array:
    """Decisions an hour, as is to be expected."""
    daytime = 1.0 + 0.5 * np.sin(2 * np.pi * (clock % 24) / 24)
    weekend = np.where(clock // 24 % 7 >= 5, 2 / 3, 1.0)
    return daily / 24 / (19 / 21) * daytime * weekend


def _shares(rng: Generator, clock: NDArray[np.int64], base: Array) -> Array:
    """Hours x names: `base` as it follows the hour and the weekday."""
    phase, weekday = rng.uniform(0, 24, len(base)), rng.normal(0, 0.1, (7, len(base)))
    shares = base * np.exp(0.3 * np.sin(2 * np.pi * (clock[:, None] + phase) / 24) + weekday[clock // 24 % 7])
    scaled: Array = shares / shares.sum(axis=1, keepdims=True)
    return scaled


def _factors(rng: Generator, scenario: Scenario, clock: NDArray[np.int64], names: int) -> Array:
    """Hours x names: what varies, with a mean of 1."""
    factors = np.ones((HOURS, names))
    if scenario.hours:
        factors *= rng.gamma(1 / scenario.hours**2, scenario.hours**2, factors.shape)
    if scenario.bursts:
        begins = rng.poisson(scenario.bursts / 24, factors.shape)
        burst = np.zeros(factors.shape)
        for hour, name in np.argwhere(begins):
            burst[hour : hour + int(rng.integers(1, 9)), name] = 4.0
        factors *= (1.0 + burst) / (1.0 + 4.0 * (1.0 - np.exp(-scenario.bursts / 24 * 4.5)))
    if scenario.days:
        day = clock // 24 - clock[0] // 24
        factors *= np.exp(rng.normal(-(scenario.days**2) / 2, scenario.days, (day[-1] + 1, names)))[day]
    week = np.arange(HOURS) // WEEK
    if scenario.weeks:
        factors *= np.exp(rng.normal(-(scenario.weeks**2) / 2, scenario.weeks, (WEEKS, names)))[week]
    if scenario.drift:
        factors *= np.exp(rng.choice([-1, 1], names) * scenario.drift * (week[:, None] - 2))
    if scenario.wandering:
        kept = np.exp(-1 / 8)
        steps = rng.normal(0, scenario.wandering, factors.shape)
        for hour in range(1, HOURS):
            steps[hour] = kept * steps[hour - 1] + np.sqrt(1 - kept**2) * steps[hour]
        factors *= np.exp(steps - scenario.wandering**2 / 2)
    return factors


def _seldom(rng: Generator, names: int) -> NDArray[np.int64]:
    counts = np.zeros((HOURS, names), dtype=np.int64)
    for hour, name in np.argwhere(rng.poisson(1 / 240, counts.shape)):
        into = counts[hour : hour + int(rng.integers(1, 4)), name]
        into += rng.multinomial(rng.geometric(1 / 10), np.full(len(into), 1 / len(into)))
    return counts


def _decisions(gates: Sequence[str], counts: NDArray, executed: NDArray) -> NDArray:  # type: ignore[type-arg]
    """Hours x decisions."""
    skips = [number for number, gate in enumerate(gates) if gate in SKIPPED]
    errors = [number for number, gate in enumerate(gates) if gate in FAILED]
    skip = counts[:, skips].sum(axis=1) + counts[:, 0] - executed
    error = counts[:, errors].sum(axis=1)
    return np.column_stack([executed, skip, counts.sum(axis=1) - executed - skip - error, error])


def _known(rng: Generator, scenario: Scenario) -> NDArray[np.bool_]:
    known = np.ones(HOURS, dtype=np.bool_)
    if scenario.unknown:
        known &= rng.random(HOURS) >= scenario.unknown
        begin = int(rng.integers(0, 4 * WEEK - 72))
        known[begin : begin + 72] = False
    known[: (4 - scenario.known) * WEEK] = False
    return known


def _permuted(rng: Generator, scenario: Scenario, world: World) -> World:
    if not scenario.permuted:
        return world
    if scenario.permuted == "weeks":
        order = np.repeat(rng.permutation(WEEKS)[:, None], WEEK, axis=1)
    else:
        order = np.argsort(rng.random((WEEKS, WEEK)), axis=0)
    taken = (order * WEEK + np.arange(WEEK)).ravel()
    return replace(world, counts={kind: counts[taken] for kind, counts in world.counts.items()})
