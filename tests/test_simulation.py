"""The simulation in small: what is promised of `quantum trend` is so, and a method that is wrong would be seen.

`make simulate` is the full one (docs/statistics.md).
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from flows.domain import trend
from tests.simulation import page
from tests.simulation.lines import Line, Tally, protocol, run
from tests.simulation.weeks import ALIKE, HOURS, WEEK, Plant, Scenario, World, make

SEEDS = range(1, 11)
HOURLY = next(scenario for scenario in ALIKE if scenario.name == "hours")
CALM = next(scenario for scenario in ALIKE if scenario.name == "calm")


def naive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take decisions for independent."""
    sides = trend._sides
    monkeypatch.setattr(
        trend, "_sides", lambda *given: sides(*given)._replace(dispersion=1.0, sureness=1e6, days=trend.Scatter())
    )


def covered(tally: Tally) -> float:
    held, of = (sum(numbers) for numbers in zip(*tally.covered, strict=True))
    return held / of


def test_weeks_that_do_not_differ_are_left_alone_where_a_naive_method_cries_wolf(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = run(Line(HOURLY), SEEDS)
    assert found.false <= 2
    assert covered(found) > 0.93
    naive(monkeypatch)
    found = run(Line(HOURLY), SEEDS)
    assert found.false >= 7
    assert covered(found) < 0.85


def test_a_planted_change_is_found_and_its_size_is_told() -> None:
    found = run(Line(CALM, span=168, plant=Plant("no_position")), SEEDS)
    assert found.found >= 8
    assert found.false <= 1
    assert covered(found) > 0.93


@pytest.mark.parametrize("scenario", ALIKE, ids=lambda scenario: scenario.name)
def test_weeks_that_do_not_differ_have_no_true_difference(scenario: Scenario) -> None:
    world = make(scenario, 1)
    assert set(world.truth(24).values()) == {0.0}
    assert [set(counts.sum(axis=1) - world.counts["gate"].sum(axis=1)) for counts in world.counts.values()] == [{0}] * 3


def test_a_plant_is_a_change_of_one_gate_at_the_expense_of_none() -> None:
    truth = make(CALM, 1, span=24, plant=Plant("no_position")).truth(24)
    share = make(CALM, 1).expected["gate"][HOURS - 24 :]
    wanted = 0.3 * share[:, 2].sum() / share.sum()
    changed = {name: apart for (kind, name), apart in truth.items() if kind == "gate" and apart}
    assert changed == {"no_position": pytest.approx(wanted), "none": pytest.approx(-wanted)}


def world_of(scenario: Scenario) -> World:
    return make(replace(scenario, name=""), 1)


def test_scenarios_vary_as_they_say() -> None:
    calm, hourly = (world_of(one).counts["gate"] / world_of(one).expected["gate"] for one in (CALM, HOURLY))
    busy = world_of(CALM).expected["gate"] > 5
    assert hourly[busy].std() > 1.5 * calm[busy].std()
    doubled = world_of(Scenario("", traffic=2.0)).counts["gate"].sum(axis=1)
    assert doubled[-WEEK:].sum() == pytest.approx(2 * doubled[:-WEEK].sum() / 4, rel=0.05)
    assert not world_of(Scenario("", known=2)).known[: 2 * WEEK].any()
    assert 0.1 < 1 - world_of(Scenario("", unknown=0.15)).known.mean() < 0.35


def test_the_page_shows_what_came_of_the_protocol() -> None:
    found = json.loads(page.DATA.read_text("utf-8"))
    lines = [(line.scenario.name, line.span, line.daily, line.plant and line.plant.gate) for line in protocol()]
    assert [(one["scenario"], one["span"], one["daily"], one["planted"]) for one in found] == lines
    assert page.PAGE.read_text("utf-8") == page.rendered(found)
