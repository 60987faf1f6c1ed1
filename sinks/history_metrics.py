"""The Prometheus metrics of `flows.history`. No label takes an unbounded value."""

from __future__ import annotations

import time

from prometheus_client import REGISTRY, CollectorRegistry

from connectors.metrics import Metrics
from sinks.values.history import DAY, HOUR, Replacement, Replacements

SPANS = {HOUR: "hour", DAY: "day"}

LATE_SECONDS = 120
"""After its end; a rewrite until then is no repair: counts are still coming in."""


class HistoryMetrics(Metrics):
    """Passes, and what they write. Counters count what this process did; the gauges show what Redis has."""

    def __init__(self, version: str, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__("p35_history", version, registry)
        self._written = self.counter("written", "Hours and days that this process has written", ["span"])
        self._repaired = self.counter(
            "repaired", "Hours and days that this process has rewritten after their end: counts came late", ["span"]
        )
        self._last_hour = self.gauge(
            "last_hour_timestamp_seconds", "When the newest hour begins that has ended and is written"
        )
        self._last_pass = self.gauge("last_pass_timestamp_seconds", "When the last pass over the hours was")
        self._pass_seconds = self.histogram("pass_seconds", "Seconds to look at the hours, add up and write")
        for span in SPANS.values():
            self._written.labels(span)
            self._repaired.labels(span)

    def written(self, one: Replacement, now: float) -> None:
        """Count `one`, which was written just now.

        :arg now: epoch seconds.
        """
        span = SPANS[one.after.length]
        self._written.labels(span).inc()
        if one.before is not None and now >= (one.after.start + one.after.length) * 60 + LATE_SECONDS:
            self._repaired.labels(span).inc()

    def hours(self, done: Replacements) -> None:
        """A pass over the hours is over."""
        self._pass_seconds.observe(time.monotonic() - done.started)
        self._last_pass.set(done.now)
        if done.newest is not None:
            self._last_hour.set(done.newest * 60)
