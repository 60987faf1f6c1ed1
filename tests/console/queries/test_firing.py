"""What fires, in which order, and when that is old."""

from __future__ import annotations

from console.queries.alerts.firing import firing_of
from sinks.values.alerts import AlertState, Key, Tracked


def tracked(severity: str, since: float, alert_id: str = "id") -> Tracked:
    return Tracked({severity: since}, alert_id, severity, since, since)


def test_the_worst_comes_first_so_that_no_newer_one_hides_it() -> None:
    said = {
        "least": tracked("MEDIUM", 150.0),
        "newer": tracked("HIGH", 140.0),
        "over": tracked("CRITICAL", 110.0, ""),
        "older": tracked("HIGH", 120.0),
        "worst": tracked("CRITICAL", 100.0),
    }
    firing = firing_of(
        AlertState("", 200.0, None, {Key("gate_explosion", name, "5m"): one for name, one in said.items()})
    )
    assert [one.reason for one in firing.alerts] == ["worst", "older", "newer", "least"]
    assert [firing.old(now) for now in (200.0, 500.0, 501.0)] == [False, False, True]
