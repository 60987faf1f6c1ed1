"""The Prometheus metrics of `flows.allocation`, by the names of the contract. No label takes an unbounded value."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from prometheus_client import REGISTRY, CollectorRegistry

from connectors.labelled_gauge import LabelledGauge
from connectors.metrics import Metrics
from sinks.values.joins import REASONS, Proposal, Proposals


class AllocationMetrics(Metrics):
    """Loops, and what they propose. A symbol that is gone loses its series."""

    def __init__(self, version: str, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__("p29_shadow", version, registry)
        self._loops = self.counter("loops", "Loops that were written")
        self._proposed = self.counter("proposed", "Proposals that this process has written, by reason", ["reason"])
        self._invalid = self.counter("invalid", "Targets that could not be used, again in each loop")
        self._loop_seconds = self.histogram("loop_seconds", "Seconds to read, join and write one loop")
        self._multiplier = self._series("multiplier", "Multiplier of the newest proposal")
        self._score = self._series("eff_score", "Efficiency score of the newest proposal, 0 to 1")
        self._confidence = self._series("eff_confidence", "Confidence in that score")
        for reason in REASONS:
            self._proposed.labels(reason)

    def _series(self, name: str, text: str) -> LabelledGauge:
        return LabelledGauge(f"{self.namespace}_{name}", text, "symbol", self.registry)

    def published(self, proposals: Sequence[Proposal]) -> None:
        """Count `proposals`, which have just been written."""
        for reason, count in Counter(one.efficiency.reason for one in proposals).items():
            self._proposed.labels(reason).inc(count)

    def looped(self, loop: Proposals) -> None:
        """Count `loop`, which has just been written, and show its symbols and no others.

        (Also where another instance has written it first: what they propose is the same.)
        """
        self._loops.inc()
        self._invalid.inc(loop.invalid)
        self._loop_seconds.observe(time.monotonic() - loop.started)
        pairs = [(one.symbol, one.efficiency) for one in loop.proposals]
        self._multiplier.replace({one.symbol: one.multiplier for one in loop.proposals})
        self._score.replace({symbol: known.score for symbol, known in pairs if known.score is not None})
        self._confidence.replace({symbol: known.confidence for symbol, known in pairs if known.confidence is not None})
