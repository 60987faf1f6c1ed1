"""Hysteresis: what has reached a threshold ends only well behind it, and what is only near it begins nothing."""

from __future__ import annotations

from typing import Any

import pytest

from flows.domain.alerts.check import judge
from flows.domain.alerts.rules import find
from flows.domain.alerts.view import View, view_of
from flows.settings.alerts import AlertsSettings
from sinks.values.alerts import AlertState
from tests.support.alert_views import NOW, counts, reading, shares


def near(view: View, hysteresis: float = 0.05, **settings: Any) -> set[tuple[str, str]]:
    """Kind and severity of all that is only near its threshold."""
    rules = AlertsSettings(p35_alert_hysteresis=hysteresis, **settings)
    return {
        (key.kind, one.severity)
        for key, all_ in find(view, rules.thresholds).items()
        for one in all_
        if not one.reached
    }


@pytest.mark.parametrize(
    ("thousandths", "hysteresis", "severities"),
    [
        (350, 0.05, set()),
        (351, 0.05, {"MEDIUM"}),
        (399, 0.05, {"MEDIUM"}),
        (400, 0.05, set()),
        (550, 0.05, set()),
        (551, 0.05, {"HIGH"}),
        (600, 0.05, set()),
        (750, 0.05, set()),
        (751, 0.05, {"CRITICAL"}),
        (399, 0.0, set()),
        (400, 0.0, set()),
        (599, 0.0, set()),
        (100, 0.5, {"MEDIUM"}),
        (101, 0.5, {"MEDIUM", "HIGH"}),
        (301, 0.5, {"MEDIUM", "HIGH", "CRITICAL"}),
    ],
)
def test_a_gate_is_near_within_the_hysteresis(thousandths: int, hysteresis: float, severities: set[str]) -> None:
    reasons = {"gate": thousandths, "none": 1000 - thousandths}
    view = view_of(reading({0: counts({"EXECUTE": 1000}, reasons)}))
    assert near(view, hysteresis) == {("gate_explosion", severity) for severity in severities}


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ({"EXECUTE": 250, "UNKNOWN": 750}, set()),
        ({"EXECUTE": 249, "UNKNOWN": 751}, {("execute_low", "HIGH")}),
        ({"EXECUTE": 200, "UNKNOWN": 800}, {("execute_low", "HIGH")}),
        ({"EXECUTE": 350, "SKIP": 650}, set()),
        ({"EXECUTE": 349, "SKIP": 651}, {("skip_high", "MEDIUM")}),
        ({"EXECUTE": 300, "SKIP": 700}, {("skip_high", "MEDIUM")}),
        ({"EXECUTE": 250, "SKIP": 750}, set()),
        ({"EXECUTE": 249, "SKIP": 751}, {("execute_low", "HIGH"), ("skip_high", "HIGH")}),
        ({"EXECUTE": 650, "BLOCKED": 350}, set()),
        ({"EXECUTE": 649, "BLOCKED": 351}, {("blocked_high", "HIGH")}),
        ({"EXECUTE": 600, "BLOCKED": 400}, {("blocked_high", "HIGH")}),
        ({"EXECUTE": 950, "ERROR": 50}, set()),
        ({"EXECUTE": 949, "ERROR": 51}, {("error_high", "CRITICAL")}),
        ({"EXECUTE": 900, "ERROR": 100}, {("error_high", "CRITICAL")}),
        ({"EXECUTE": 899, "ERROR": 101}, set()),
        ({"ERROR": 6, "EXECUTE": 40}, set()),  # too few to tell: what fires ends
    ],
)
def test_a_decision_is_near_within_the_hysteresis(decisions: dict[str, int], expected: set[tuple[str, str]]) -> None:
    assert near(shares(**decisions)) == expected
    assert near(shares(**decisions), hysteresis=0.0) == set()


def test_where_a_threshold_is_narrower_than_the_hysteresis_it_ends_with_nothing_or_with_all() -> None:
    assert near(shares(EXECUTE=999, ERROR=1), p35_alert_error_high=0.03) == {("error_high", "CRITICAL")}
    assert near(shares(EXECUTE=1000), p35_alert_error_high=0.03) == set()
    assert near(shares(EXECUTE=999, UNKNOWN=1), p35_alert_execute_low=0.97) == {("execute_low", "HIGH")}
    assert near(shares(EXECUTE=1000), p35_alert_execute_low=0.97) == set()


def told(percents: list[int], **settings: Any) -> list[list[str]]:
    """What is published at checks a minute apart, at each of which a gate stops so many percent of 1,000 decisions."""
    state, published = AlertState(), []
    for number, percent in enumerate(percents):
        reasons = {"gate": percent * 10, "none": 1000 - percent * 10}
        now = NOW + 60 * number
        minutes = {0: counts({"EXECUTE": 1000}, reasons)}
        checked = judge(reading(minutes, state=state, now=now), AlertsSettings(**settings).terms, str)
        assert checked is not None
        published.append([f"{one.state} {one.severity}" for one in checked.alerts])
        state = checked.after
    return published


def test_39_percent_after_41_resolves_nothing() -> None:
    assert told([39, 41, 39, 36, 41, 39, 35, 39]) == [[], ["firing MEDIUM"], [], [], [], [], ["resolved MEDIUM"], []]
    assert told([41, 39], p35_alert_hysteresis=0) == [["firing MEDIUM"], ["resolved MEDIUM"]]


def test_an_explosion_that_grows_ends_behind_the_threshold_at_which_it_began() -> None:
    """Whoever is above 60 % is above 40 %, too: it ends at 35 %, however severe it was, and says nothing in between."""
    rise = [["firing MEDIUM"], ["firing HIGH"], ["firing CRITICAL"]]
    assert told([41, 65, 90, 65, 58, 81, 41, 36, 35]) == [*rise, [], [], [], [], [], ["resolved CRITICAL"]]
    assert told([90, 36, 34]) == [["firing CRITICAL"], [], ["resolved CRITICAL"]]


def test_what_is_only_near_a_worse_threshold_is_not_worse() -> None:
    assert told([41, 59, 59, 60, 59, 79, 80]) == [
        ["firing MEDIUM"],
        [],
        [],
        ["firing HIGH"],
        [],
        [],
        ["firing CRITICAL"],
    ]


def test_the_bounds_of_the_setting() -> None:
    assert AlertsSettings().p35_alert_hysteresis == 0.05
    for wrong in (-0.01, 0.51):
        with pytest.raises(ValueError, match="p35_alert_hysteresis"):
            AlertsSettings(p35_alert_hysteresis=wrong)
