"""Which of the published alerts still fire, and in which order."""

from __future__ import annotations

from console.queries.alerts.published import SeenAlert, still_firing


def seen(reason: str, severity: str, state: str, at: float) -> SeenAlert:
    return SeenAlert(f"id-{reason}", "gate_explosion", reason, "5m", severity, state, reason, 1, 1, 1.0, at)


def test_the_worst_comes_first_so_that_no_newer_one_hides_it() -> None:
    published = [
        seen("worst", "CRITICAL", "firing", 100.0),
        seen("over", "CRITICAL", "firing", 110.0),
        seen("older", "HIGH", "firing", 120.0),
        seen("over", "CRITICAL", "resolved", 130.0),
        seen("newer", "HIGH", "firing", 140.0),
        seen("least", "MEDIUM", "firing", 150.0),
        seen("unheard", "of", "firing", 160.0),
    ]
    assert [one.reason for one in still_firing(published)] == ["worst", "newer", "older", "least", "unheard"]
