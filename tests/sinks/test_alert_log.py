"""The log of alerts: a line when one fires, escalates and ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from sinks.alert_log import log_published
from sinks.values.alerts import AlertState, Tracked
from tests.support.alert_values import ALERT, KEY, TRACKED, checked

QUIET = AlertState("1")
COOLING = AlertState("1", 1.0, 0, {KEY: Tracked({}, "", "HIGH", 0.0, 1.0)})
FIRING = AlertState("1", 1.0, 0, TRACKED)


@pytest.mark.parametrize(
    ("before", "changes", "event", "level"),
    [
        (QUIET, {}, "alert fires", "warning"),
        (COOLING, {}, "alert fires", "warning"),
        (FIRING, {"severity": "CRITICAL"}, "alert escalates", "warning"),
        (FIRING, {"state": "resolved"}, "alert ends", "info"),
    ],
)
def test_each_turn_of_an_alert_is_a_line(before: AlertState, changes: dict[str, str], event: str, level: str) -> None:
    with capture_logs() as logs:
        log_published(checked(before, AlertState("2"), replace(ALERT, **changes)))
    (line,) = logs
    assert (line["event"], line["log_level"]) == (event, level)
    assert (line["kind"], line["reason"], line["window"], line["alert_id"]) == (*KEY, ALERT.alert_id)
    assert line.get("was") == ("HIGH" if event == "alert escalates" else None)


def test_a_check_that_published_nothing_says_nothing() -> None:
    with capture_logs() as logs:
        log_published(checked(QUIET, FIRING))
    assert logs == []
