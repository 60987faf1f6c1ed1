"""The lines of the protocol in docs/statistics.md: what is compared how often, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flows.domain.trend import NO_CLEAR_CHANGE, ShareChange, compare
from tests.simulation.weeks import ALIKE, Plant, Scenario, make

PLANTED = ("p33_permit_denied", "no_position", "duplicate_plan", "kill_score_critical", "action_hold")
SPANS = (6, 24, 168)
"""Hours."""
CLASSES = (0.10, 0.01, 0.0)
"""From which share in the weeks before on a row is of a class."""


@dataclass(frozen=True)
class Line:
    """Comparisons of one sort."""

    scenario: Scenario
    span: int = 24
    daily: int = 1_000
    plant: Plant | None = None


def protocol() -> Iterator[Line]:
    """All lines."""
    for span in SPANS:
        yield from (Line(scenario, span) for scenario in ALIKE)
    for daily in (100, 20_000):
        yield from (Line(scenario, 24, daily) for scenario in ALIKE[:4])
    for span in SPANS:
        yield from (Line(scenario, span, plant=Plant(gate)) for scenario in ALIKE[:5] for gate in PLANTED)
    for daily in (100, 20_000):
        yield from (Line(scenario, 24, daily, Plant(PLANTED[0])) for scenario in ALIKE[:4])


@dataclass
class Tally:
    """What came of the comparisons of a line."""

    comparisons: int = 0
    false: float = 0.0
    """The sum of the false parts of what was reported."""
    found: int = 0
    covered: tuple[list[int], ...] = ()
    """For each of CLASSES how many intervals held the truth, and how many there were."""

    def __post_init__(self) -> None:
        self.covered = self.covered or tuple([0, 0] for _ in CLASSES)

    def __iadd__(self, other: Tally) -> Tally:
        self.comparisons += other.comparisons
        self.false += other.false
        self.found += other.found
        for mine, its in zip(self.covered, other.covered, strict=True):
            mine[:] = [one + more for one, more in zip(mine, its, strict=True)]
        return self

    def add(self, rows: Iterable[ShareChange], truth: dict[tuple[str, str], float], plant: Plant | None) -> None:
        """One comparison.

        :arg truth: by how much the share of each row was to be expected to differ.
        """
        reported = wrong = 0
        found = False
        for row in rows:
            apart = truth[row.kind, row.name]
            if row.low is not None and row.high is not None:
                held = self.covered[next(index for index, least in enumerate(CLASSES) if row.then.share >= least)]
                held[0] += row.low <= apart <= row.high
                held[1] += 1
            if row.verdict == NO_CLEAR_CHANGE:
                continue
            reported += 1
            right = row.difference * apart > 0.0
            wrong += not right
            found |= right and plant is not None and (row.kind, row.name) == ("gate", plant.gate)
        self.comparisons += 1
        self.false += wrong / reported if reported else 0.0
        self.found += found


def run(line: Line, seeds: Iterable[int]) -> Tally:
    """The comparisons of `line` with `seeds`."""
    tally = Tally()
    for seed in seeds:
        world = make(line.scenario, seed, line.daily, line.span, line.plant)
        tally.add(compare(*world.compared(line.span)).rows, world.truth(line.span), line.plant)
    return tally
