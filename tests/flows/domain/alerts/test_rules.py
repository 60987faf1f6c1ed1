"""The rules: what each finds in a view, to the very limit."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.group_state import GroupState
from flows.domain.alerts.life import Event
from flows.domain.alerts.message import alert
from flows.domain.alerts.rules import KINDS, RULES, find
from flows.domain.alerts.view import View, view_of
from flows.settings.alerts import AlertsSettings
from sinks.values.alerts import AlertState, Key
from tests.support.alert_views import NOW, counts, reading, shares

SETTINGS = AlertsSettings()


def found(view: View, settings: AlertsSettings = SETTINGS) -> set[tuple[str, str, str, float]]:
    """Kind, reason, severity and seconds of all that has reached its threshold."""
    return {
        (key.kind, key.reason, one.severity, one.lasts)
        for key, all_ in find(view, settings.thresholds).items()
        for one in all_
        if one.reached
    }


@pytest.mark.parametrize(
    ("stopped", "severities"),
    [
        (399, ()),
        (400, ("MEDIUM",)),
        (599, ("MEDIUM",)),
        (600, ("MEDIUM", "HIGH")),
        (799, ("MEDIUM", "HIGH")),
        (800, ("MEDIUM", "HIGH", "CRITICAL")),
        (1000, ("MEDIUM", "HIGH", "CRITICAL")),
    ],
)
def test_a_gate_explodes_at_its_very_share(stopped: int, severities: tuple[str, ...]) -> None:
    reasons = {"gate:a": stopped - 1, "gate": 1, "none": 1000 - stopped}
    view = view_of(reading({4: counts({"EXECUTE": 1000}, reasons), 5: counts({"EXECUTE": 9}, {"gate": 9})}))
    assert found(view) == {("gate_explosion", "gate", severity, 0) for severity in severities}


def test_none_is_no_gate() -> None:
    assert found(view_of(reading({0: counts({"EXECUTE": 1000}, {"none": 1000})}))) == set()


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ({"EXECUTE": 200, "BLOCKED": 400, "SKIP": 400}, set()),
        ({"EXECUTE": 199, "BLOCKED": 400, "SKIP": 401}, {("execute_low", "EXECUTE", "HIGH", 900)}),
        ({"EXECUTE": 300, "SKIP": 700}, set()),
        ({"EXECUTE": 299, "SKIP": 701}, {("skip_high", "SKIP", "MEDIUM", 900)}),
        ({"EXECUTE": 200, "SKIP": 800}, {("skip_high", "SKIP", "MEDIUM", 900)}),
        (
            {"EXECUTE": 199, "SKIP": 801},
            {
                ("execute_low", "EXECUTE", "HIGH", 900),
                ("skip_high", "SKIP", "MEDIUM", 900),
                ("skip_high", "SKIP", "HIGH", 300),
            },
        ),
        ({"EXECUTE": 600, "BLOCKED": 400}, set()),
        ({"EXECUTE": 599, "BLOCKED": 401}, {("blocked_high", "BLOCKED", "HIGH", 900)}),
        ({"EXECUTE": 900, "ERROR": 100}, set()),
        ({"EXECUTE": 899, "ERROR": 101}, {("error_high", "ERROR", "CRITICAL", 300)}),
        ({"EXECUTE": 30, "SKIP": 30, "BLOCKED": 15, "ERROR": 4, "UNKNOWN": 21}, set()),
    ],
)
def test_decisions_are_too_many_or_too_few_beyond_their_very_share(
    decisions: dict[str, int], expected: set[Any]
) -> None:
    assert found(shares(**decisions)) == expected


def test_a_window_with_too_few_decisions_says_nothing() -> None:
    quiet = counts({"ERROR": 99}, {"gate": 99})
    assert found(view_of(reading({0: quiet}, {"BTCUSDT": NOW}))) == set()
    busy = counts({"ERROR": 100}, {"gate": 100})
    kinds = {kind for kind, *_ in found(view_of(reading({0: busy}, {"BTCUSDT": NOW})))}
    assert kinds == {"gate_explosion", "execute_low", "error_high", "symbol_stuck"}


@pytest.mark.parametrize(
    ("seen", "executed", "since"),
    [
        (0, 899, ()),
        (0, 900, (NOW - 900,)),
        (899, 901, (NOW - 901,)),
        (900, 1000, ()),
        (0, 1799, (NOW - 1799,)),
        (0, 1801, (None,)),  # it may have been away meanwhile
        (0, None, (None,)),
        (-200, None, (None,)),  # its publisher's clock is ahead
        (0, -200, ()),
    ],
)
def test_a_symbol_is_stuck(seen: float, executed: float | None, since: tuple[float | None, ...]) -> None:
    last_execute = {} if executed is None else {"SOLUSDT": NOW - executed}
    view = view_of(reading({0: counts({"EXECUTE": 100})}, {"SOLUSDT": NOW - seen}, last_execute))
    conditions = find(view, SETTINGS.thresholds).get(Key("symbol_stuck", "SOLUSDT", "15m"), ())
    assert tuple(one.since for one in conditions) == since
    assert all((one.severity, one.lasts) == ("MEDIUM", 900) for one in conditions)


@pytest.mark.parametrize(
    ("group", "length", "reasons"),
    [
        (GroupState(1000, 1000, 1), 5000, set()),
        (GroupState(0, 1001, 1), 5000, {"lag"}),
        (GroupState(1001, 0, 1), 5000, {"pending"}),
        (GroupState(1001, None, 1), 5000, {"pending"}),  # Redis 6.2
        (GroupState(0, None, 1), 5000, set()),
        (None, 1001, {"lag"}),  # P3.5 has never run
        (None, 0, set()),
    ],
)
def test_the_consumer_is_behind(group: GroupState | None, length: int, reasons: set[str]) -> None:
    expected = {("consumer_behind", reason, "HIGH", 0) for reason in reasons}
    assert found(view_of(reading(group=group, length=length))) == expected


def test_entries_that_were_trimmed_unread_are_told_once() -> None:
    trimmed = {("consumer_behind", "trimmed", "HIGH", 0)}
    assert found(view_of(reading(trimmed=7))) == set()  # the first check ever knows nothing of when
    assert found(view_of(reading(trimmed=7, state=AlertState("1", NOW - 60, 7)))) == set()
    assert found(view_of(reading(trimmed=8, state=AlertState("1", NOW - 60, 7)))) == trimmed
    assert found(view_of(reading(trimmed=0, state=AlertState("1", NOW - 60, 7)))) == set()


def test_thresholds_come_from_the_settings() -> None:
    view = view_of(reading({0: counts({"EXECUTE": 5, "SKIP": 5}, {"gate": 3, "none": 7})}))
    strict = AlertsSettings(
        p35_alert_min_total=10,
        p35_alert_threshold_medium=0.1,
        p35_alert_threshold_high=0.2,
        p35_alert_threshold_critical=0.3,
        p35_alert_execute_low=0.6,
        p35_alert_skip_high=0.4,
        p35_alert_skip_severe=0.5,
    )
    expected = {("gate_explosion", severity) for severity in ("MEDIUM", "HIGH", "CRITICAL")}
    expected |= {("execute_low", "HIGH"), ("skip_high", "MEDIUM")}
    assert {(kind, severity) for kind, _, severity, _ in found(view, strict)} == expected


def test_rows_of_one_kind_differ_in_severity_and_share_a_window() -> None:
    """What is remembered of an alert tells its conditions apart by their severity."""
    assert {rule.kind for rule in RULES} == set(KINDS)
    for kind in KINDS:
        assert len({rule.window for rule in RULES if rule.kind == kind}) == 1
    for conditions in find(shares(SKIP=85, ERROR=15), SETTINGS.thresholds).values():
        assert len({one.severity for one in conditions}) == len(conditions)


def said(kind: str, reason: str, window: str, view: View, state: str = "firing", lasted: float = 0.0) -> str:
    """The message of an alert."""
    return alert(view, Event(Key(kind, reason, window), state, "id", "HIGH", lasted)).message
