"""Settings of the thresholds: their defaults, how they reach the rules, and their order."""

from __future__ import annotations

from dataclasses import fields

import pytest

from connectors.errors import SettingsError
from connectors.settings import load
from flows.domain.thresholds import Thresholds
from flows.settings.thresholds import ThresholdSettings

NAMES = {
    "P35_ALERT_MIN_TOTAL": "min_total",
    "P35_ALERT_THRESHOLD_MEDIUM": "gate_medium",
    "P35_ALERT_THRESHOLD_HIGH": "gate_high",
    "P35_ALERT_THRESHOLD_CRITICAL": "gate_critical",
    "P35_ALERT_EXECUTE_LOW": "execute_low",
    "P35_ALERT_SKIP_HIGH": "skip_high",
    "P35_ALERT_SKIP_SEVERE": "skip_severe",
    "P35_ALERT_BLOCKED_HIGH": "blocked_high",
    "P35_ALERT_ERROR_HIGH": "error_high",
    "P35_ALERT_HYSTERESIS": "hysteresis",
    "P35_ALERT_SHIFT": "shift",
    "P35_ALERT_SHIFT_Q": "shift_q",
    "P35_ALERT_MAX_LAG": "max_lag",
}
"""Variable -> the threshold that it sets."""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No threshold of the tester's own."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_are_those_of_the_domain() -> None:
    assert load(ThresholdSettings).thresholds == Thresholds()


def test_each_variable_sets_its_own_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    # (In the order of the table, so that those that must not be below another are above it.)
    wanted = {
        name: 50 + place
        if name.endswith(("TOTAL", "LAG"))
        else round(0.2 + place / 100, 2) / (100 if "_Q" in name else 1)
        for place, name in enumerate(NAMES)
    }
    for name, value in wanted.items():
        monkeypatch.setenv(name, str(value))
    thresholds = load(ThresholdSettings).thresholds
    assert {name: getattr(thresholds, field) for name, field in NAMES.items()} == wanted
    assert {one.name for one in fields(Thresholds)} - set(NAMES.values()) == {"unknown_high"}


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("P35_ALERT_THRESHOLD_HIGH", "0.39", "P35_ALERT_THRESHOLD_MEDIUM=0.4"),
        ("P35_ALERT_THRESHOLD_CRITICAL", "0.59", "P35_ALERT_THRESHOLD_HIGH=0.6"),
        ("P35_ALERT_SKIP_SEVERE", "0.69", "P35_ALERT_SKIP_HIGH=0.7"),
    ],
)
def test_what_is_worse_must_not_come_sooner(monkeypatch: pytest.MonkeyPatch, name: str, value: str, other: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"setting {name}='{value}' is wrong: must not be below {other} "):
        load(ThresholdSettings)
