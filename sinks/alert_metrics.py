"""The Prometheus metrics of `flows.alerts`, by the names of the contract. No label takes an unbounded value."""

from __future__ import annotations

import time
from collections.abc import Sequence

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from connectors.metrics import SECONDS_BUCKETS
from connectors.notifier import Watcher
from connectors.outage import Outage
from connectors.text import one_line
from sinks.values.alerts import FIRING, SEVERITIES, AlertState, Checked

OUTCOMES = ("sent", "failed", "dead")
"""Of an attempt to notify: it was taken, it was not and will be tried again, it was given up."""

_LONGEST_REASON = 128
"""Characters of a label."""


class AlertMetrics(Watcher):
    """Alerts and checks. Counters count what this process did; `p35_alerts_firing` shows what all instances know."""

    def __init__(self, kinds: Sequence[str], version: str, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        self._kinds = tuple(kinds)
        self._alerts = Counter(
            "p35_alerts", "Alerts published as firing, by this process", ["kind", "severity"], registry=registry
        )
        self._resolved = Counter(
            "p35_alerts_resolved", "Alerts published as resolved, by this process", ["kind"], registry=registry
        )
        self._firing = Gauge("p35_alerts_firing", "Alerts that fire now", ["kind", "severity"], registry=registry)
        # Names of gates and symbols: no more at a time than fire at once (twenty of a kind, and one for the rest).
        self._since = Gauge(
            "p35_alert_firing_since_timestamp_seconds",
            "When an alert began to fire; gone when it has ended",
            ["kind", "reason", "severity"],
            registry=registry,
        )
        self._shown: set[tuple[str, str, str]] = set()
        self._seconds = Histogram(
            "p35_alert_evaluation_seconds",
            "Seconds to read, judge and write a check",
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._last = Gauge("p35_alert_last_check_timestamp_seconds", "When the last check was", registry=registry)
        self._notifications = Counter(
            "p35_alert_notifications", "Messages to receivers", ["outcome"], registry=registry
        )
        self._waiting = Gauge(
            "p35_alert_notifications_waiting", "Alerts that a receiver has not got yet", ["receiver"], registry=registry
        )
        self._redis_up = Gauge("p35_alert_redis_up", "1 while Redis answers", registry=registry)
        Gauge("p35_alert_build_info", "Always 1", ["version"], registry=registry).labels(version).set(1)
        for outcome in OUTCOMES:
            self._notifications.labels(outcome)
        for kind in self._kinds:
            self._resolved.labels(kind)
            for severity in SEVERITIES:
                self._alerts.labels(kind, severity)
                self._firing.labels(kind, severity)

    def watch(self, outage: Outage) -> None:
        """Show what `outage` knows of Redis."""
        self._redis_up.set_function(lambda: float(outage.redis_up))

    def published(self, checked: Checked) -> None:
        """What `checked` led to was published by this process."""
        for alert in checked.alerts:
            if alert.state == FIRING:
                self._alerts.labels(alert.key.kind, alert.severity).inc()
            else:
                self._resolved.labels(alert.key.kind).inc()

    def checked(self, checked: Checked) -> None:
        """A check is over; what it found is what any other instance found."""
        self._seconds.observe(time.monotonic() - checked.started)
        self.known(checked.after)

    def known(self, state: AlertState) -> None:
        """Show `state`, which this process or another has written."""
        self._last.set(state.checked_at or 0)
        firing = dict.fromkeys(((kind, severity) for kind in self._kinds for severity in SEVERITIES), 0)
        since: dict[tuple[str, str, str], float] = {}
        for key, tracked in state.tracked.items():
            if tracked.firing and (key.kind, tracked.severity) in firing:
                firing[key.kind, tracked.severity] += 1
                since[key.kind, one_line(key.reason, _LONGEST_REASON), tracked.severity] = tracked.started_at
        for labels, count in firing.items():
            self._firing.labels(*labels).set(count)
        for gone in self._shown - since.keys():
            self._since.remove(*gone)
        for series, started_at in since.items():
            self._since.labels(*series).set(started_at)
        self._shown = set(since)

    def notified(self, outcome: str) -> None:
        """A message had this outcome: one of OUTCOMES."""
        self._notifications.labels(outcome).inc()

    def waiting(self, receiver: str, entries: int) -> None:
        """So many alerts wait for the receiver with this number."""
        self._waiting.labels(receiver).set(entries)
