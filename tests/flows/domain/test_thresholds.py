"""Thresholds: how much a share matters, to its very limit."""

from __future__ import annotations

import pytest

from flows.domain.thresholds import Severity, Thresholds

NORMAL, ATTENTION, SERIOUS, CRITICAL = Severity


@pytest.mark.parametrize(
    ("share", "severity"),
    [
        (0.0, NORMAL),
        (0.399, NORMAL),
        (0.40, ATTENTION),
        (0.599, ATTENTION),
        (0.60, SERIOUS),
        (0.799, SERIOUS),
        (0.80, CRITICAL),
        (1.0, CRITICAL),
    ],
)
def test_a_gate_matters_from_its_share_on(share: float, severity: Severity) -> None:
    assert Thresholds().gate_severity(share) == severity


@pytest.mark.parametrize(
    ("decision", "limit", "severity"),
    [("SKIP", 0.70, ATTENTION), ("BLOCKED", 0.40, SERIOUS), ("ERROR", 0.10, CRITICAL), ("UNKNOWN", 0.05, ATTENTION)],
)
def test_a_decision_matters_above_its_share(decision: str, limit: float, severity: Severity) -> None:
    found = [Thresholds().decision_severity(decision, share) for share in (0.0, limit, limit + 0.001, 1.0)]
    assert found == [NORMAL, NORMAL, severity, severity]


def test_execute_matters_below_its_share() -> None:
    found = [Thresholds().decision_severity("EXECUTE", share) for share in (0.0, 0.199, 0.20, 1.0)]
    assert found == [SERIOUS, SERIOUS, NORMAL, NORMAL]


def test_they_can_be_set() -> None:
    mine = Thresholds(gate_medium=0.1, gate_high=0.2, gate_critical=0.3, execute_low=0.5, skip_high=0.9)
    assert [mine.gate_severity(share) for share in (0.09, 0.1, 0.2, 0.3)] == [NORMAL, ATTENTION, SERIOUS, CRITICAL]
    assert mine.decision_severity("EXECUTE", 0.4) == SERIOUS
    assert mine.decision_severity("SKIP", 0.8) == NORMAL
