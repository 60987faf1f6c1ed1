"""The Prometheus metrics of `flows.alerts`, by the names of the contract. No label takes an unbounded value."""

from __future__ import annotations

import time
from collections.abc import Sequence

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from connectors.metrics import Metrics
from connectors.notifier import Watcher
from connectors.text import one_line
from sinks.values.alerts import FIRING, SEVERITIES, AlertState, Checked

OUTCOMES = ("sent", "failed", "dead")
"""Of an attempt to notify: it was taken, it was not and will be tried again, it was given up."""

_LONGEST_REASON = 128
"""Characters of a label."""


class AlertMetrics(Metrics, Watcher):
    """Alerts and checks. Counters count what this process did; `p35_alerts_firing` shows what all instances know."""

    def __init__(self, kinds: Sequence[str], version: str, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__("p35_alert", version, registry)
        self._kinds = tuple(kinds)
        self._alerts = Counter(
            "p35_alerts", "Alerts published as firing, by this process", ["kind", "severity"], registry=registry
        )
        self._resolved = Counter(
            "p35_alerts_resolved", "Alerts published as resolved, by this process", ["kind"], registry=registry
        )
        self._firing = Gauge("p35_alerts_firing", "Alerts that fire now", ["kind", "severity"], registry=registry)
        # Names of gates and symbols: no more at a time than fire at once (twenty of a kind, and one for the rest).
        self._since = self.gauge(
            "firing_since_timestamp_seconds",
            "When an alert began to fire; gone when it has ended",
            ["kind", "reason", "severity"],
        )
        self._shown: set[tuple[str, str, str]] = set()
        self._seconds = self.histogram("evaluation_seconds", "Seconds to read, judge and write a check")
        self._last = self.gauge("last_check_timestamp_seconds", "When the last check was")
        self._notifications = self.counter("notifications", "Messages to receivers", ["outcome"])
        self._waiting = self.gauge("notifications_waiting", "Alerts that a receiver has not got yet", ["receiver"])
        for outcome in OUTCOMES:
            self._notifications.labels(outcome)
        for kind in self._kinds:
            self._resolved.labels(kind)
            for severity in SEVERITIES:
                self._alerts.labels(kind, severity)
                self._firing.labels(kind, severity)

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
