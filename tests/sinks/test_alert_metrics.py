"""The metrics of the alerts, by the names of the contract."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from sinks.alert_metrics import AlertMetrics
from sinks.values.alerts import AlertState, Key, Tracked
from tests.support.alert_values import ALERT, KEY, TRACKED, checked


def shown(metrics: AlertMetrics) -> dict[str, float]:
    """What Prometheus sees and is not 0."""
    lines = [line for line in generate_latest(metrics.registry).decode().splitlines() if not line.startswith("#")]
    values = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if "_created" not in line}
    return {name: value for name, value in values.items() if value}


def test_metrics_show_what_was_published_by_us_and_what_fires_anywhere() -> None:
    metrics = AlertMetrics(["gate_explosion", "x"], "1", CollectorRegistry())
    one = checked(AlertState(), AlertState("v1", 50.0, 0, TRACKED), ALERT)
    metrics.checked(one)
    labels = '{kind="gate_explosion",severity="HIGH"}'
    assert f"p35_alerts_total{labels}" not in shown(metrics)
    assert shown(metrics)[f"p35_alerts_firing{labels}"] == 1
    metrics.published(one)
    assert shown(metrics)[f"p35_alerts_total{labels}"] == 1
    metrics.known(AlertState("v2", 51.0))
    assert f"p35_alerts_firing{labels}" not in shown(metrics)
    assert shown(metrics)["p35_alert_last_check_timestamp_seconds"] == 51
    assert shown(metrics)["p35_alert_evaluation_seconds_count"] == 1


def test_what_fires_has_a_series_with_its_reason_until_it_ends() -> None:
    metrics = AlertMetrics(["gate_explosion"], "1", CollectorRegistry())
    name = "p35_alert_firing_since_timestamp_seconds"

    def series() -> dict[str, float]:
        return {labels: value for labels, value in shown(metrics).items() if labels.startswith(name)}

    metrics.known(AlertState("v1", 50.0, 0, TRACKED))
    assert series() == {name + '{kind="gate_explosion",reason="a b: ü",severity="HIGH"}': 100}
    worse = Tracked({"CRITICAL": 160.0}, ALERT.alert_id, "CRITICAL", 100.0, 160.0)
    hostile = Key("gate_explosion", "\x1b[2J" + "x" * 500, "5m")
    metrics.known(AlertState("v2", 160.0, 0, {KEY: worse, hostile: Tracked({}, "id", "MEDIUM", 7.0, 7.0)}))
    assert series() == {
        name + '{kind="gate_explosion",reason="a b: ü",severity="CRITICAL"}': 100,
        name + '{kind="gate_explosion",reason="�[2J' + "x" * 123 + '…",severity="MEDIUM"}': 7,
    }
    metrics.known(AlertState("v3", 220.0, 0, {KEY: Tracked({}, "", "CRITICAL", 0.0, 160.0)}))
    assert series() == {}
