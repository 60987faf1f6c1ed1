"""The Prometheus metrics of `flows.p35`, by the names of the contract. No label takes an unbounded value."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from prometheus_client import REGISTRY, CollectorRegistry

from connectors.delivery import Part
from connectors.metrics import ConsumerMetrics
from sinks.values.counts import DECISIONS, WINDOWS, CountNote, Snapshot, Snapshots

NO_GATE, OTHER_GATE = "none", "other"


class P35Metrics(ConsumerMetrics):
    """What any consumer has, and decisions, windows and snapshots.

    :arg gates: those that get a series of their own; all others share one.
    """

    def __init__(self, version: str, gates: Collection[str] = (), registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__("p35", version, registry)
        self._gates = frozenset(gates)
        decisions = self.counter("decisions", "Messages counted, by decision", ["decision"])
        self._decisions = {decision: decisions.labels(decision) for decision in DECISIONS}
        self._late = self.counter("late", "Messages counted for a minute that was over")
        self._skewed = self.counter("skewed", "Messages whose timestamp was unusable")
        self._symbols_dropped = self.counter(
            "symbols_dropped", "Symbols that had no room in symbol:last_seen or symbol:last_execute"
        )
        self._snapshot_seconds = self.histogram("snapshot_seconds", "Seconds to compute and write all snapshots")
        self._last_message = self.gauge("last_message_timestamp_seconds", "Event time of the newest message counted")
        self._window = self.gauge("window_decisions", "Decisions in a rolling window", ["window", "decision"])
        self._window_gates = self.gauge(
            "window_gates",
            "Decisions in a rolling window, by gate; other: any that is not well known",
            ["window", "gate"],
        )
        self._newest = 0.0

    def committed(self, parts: Sequence[Part], seconds: float, overflow: int) -> None:
        """Count them by their notes, which are each a CountNote."""
        super().committed(parts, seconds, overflow)
        for part in parts:
            note = part.note
            assert isinstance(note, CountNote)
            for decision, count in note.decisions.items():
                self._decisions[decision].inc(count)
            self._late.inc(note.late)
            self._skewed.inc(note.skewed)
            self._newest = max(self._newest, note.newest)
            self._last_message.set(self._newest)

    def dropped(self, fields: int) -> None:
        """Count them."""
        self._symbols_dropped.inc(fields)

    def snapshots(self, snapshots: Snapshots) -> None:
        """Show `snapshots`, which have just been written."""
        self._snapshot_seconds.observe(time.monotonic() - snapshots.started)
        for window in WINDOWS:
            for decision in DECISIONS:
                count = snapshots.windows[window].decisions.get(decision, 0)
                self._window.labels(window, decision).set(count)
            for gate, count in self._by_gate(snapshots.windows[window]).items():
                self._window_gates.labels(window, gate).set(count)

    def _by_gate(self, window: Snapshot) -> dict[str, int]:
        """Gate -> decisions; those of all gates together are those of the window."""
        counts = dict.fromkeys((NO_GATE, *self._gates), 0)
        counts |= {gate: count for gate, count in window.top_gates if gate in counts}
        return {**counts, OTHER_GATE: sum(window.decisions.values()) - sum(counts.values())}
