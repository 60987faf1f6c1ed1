"""The Prometheus metrics of `flows.governor`, by the names of the contract. No label takes an unbounded value."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from prometheus_client import REGISTRY, CollectorRegistry

from connectors.delivery import Part
from connectors.labelled_gauge import LabelledGauge
from connectors.metrics import ConsumerMetrics
from connectors.text import one_line
from sinks import proofs
from sinks.values.joins import PermitNote

NOT_EXECUTE, INCOMPLETE, PERMIT, UNMERGED = OUTCOMES = ("not_execute", "incomplete", "permit", "unmerged")
"""What became of a plan: it is not to be carried out, lacks its plan_id or symbol, got its permit, or could not be
given one, because something else lies under the key."""

KEEP_SECONDS = 3_600.0
"""A symbol without a plan for so long is gone, and loses its series."""


class GovernorMetrics(ConsumerMetrics):
    """What any consumer has, and plans, hints and latency."""

    def __init__(self, version: str, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__("p32", version, registry)
        self._applied = self.counter("eff_apply", "Plans judged, by what their permits say", ["action", "reason"])
        self._plans = self.counter("plans", "Plans acknowledged, by what became of them", ["outcome"])
        self._seconds = self.histogram("permit_seconds", "Seconds from the plan's stream ID to its permit")
        self._factor = LabelledGauge(
            f"{self.namespace}_eff_factor", "Factor of the newest permit", "symbol", registry, keep=KEEP_SECONDS
        )
        self._unmerged = 0
        self._unmerged_lock = threading.Lock()
        for outcome in OUTCOMES:
            self._plans.labels(outcome)

    def unmerged(self, keys: int) -> None:
        """So many of the permits that `committed` tells of next could not be given."""
        with self._unmerged_lock:
            self._unmerged += keys

    def committed(self, parts: Sequence[Part], seconds: float, overflow: int) -> None:
        """Count them by their notes, which are each a PermitNote."""
        super().committed(parts, seconds, overflow)
        now = time.time()
        for part in parts:
            note = part.note
            assert isinstance(note, PermitNote)
            given = len(note.permits) - self._take_unmerged(len(note.permits))
            counts = (given, len(note.permits) - given, note.not_execute, note.incomplete)
            for outcome, count in zip((PERMIT, UNMERGED, NOT_EXECUTE, INCOMPLETE), counts, strict=True):
                self._plans.labels(outcome).inc(count)
            for permit, published_at in zip(note.permits, note.published_at, strict=True):
                self._applied.labels(permit.action, permit.efficiency.reason).inc()
                if not proofs.is_symbol(permit.plan.symbol):  # (the series outlives the symbol by an hour)
                    self._factor.set(one_line(permit.plan.symbol, 64), permit.factor)
                self._seconds.observe(max(now - published_at, 0.0))

    def _take_unmerged(self, most: int) -> int:
        """How many of the next `most` permits could not be given."""
        with self._unmerged_lock:
            taken = min(self._unmerged, most)
            self._unmerged -= taken
        return taken
