"""An alert, what is remembered of it, and a check that publishes it."""

from __future__ import annotations

from sinks.values.alerts import Alert, AlertState, Checked, Key, Tracked

KEY = Key("gate_explosion", "a b: ü", "5m")
ALERT = Alert("p35_alert_100_a b: ü", KEY, 2, 3, 2 / 3, 100, "HIGH", "firing", "a line")
TRACKED = {
    KEY: Tracked({"HIGH": 99.5}, ALERT.alert_id, "HIGH", 100.0, 100.25),
    Key("x", "y", "5m"): Tracked({"HIGH": 1}),
}


def checked(before: AlertState, after: AlertState, *published: Alert) -> Checked:
    """A check that leads from one state to the other."""
    return Checked(before, after, published, 0.0)
