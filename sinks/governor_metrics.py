"""The Prometheus metrics of `flows.governor`, by the names of the contract. No label takes an unbounded value."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from prometheus_client import REGISTRY, CollectorRegistry

from connectors.delivery import Part
from connectors.labelled_gauge import Series
from connectors.metrics import ConsumerMetrics
from connectors.outage import Outage
from connectors.stream_id import milliseconds
from connectors.text import one_line
from sinks import proofs
from sinks.values.joins import Permit

NOT_EXECUTE, INCOMPLETE, PERMIT, UNMERGED = OUTCOMES = ("not_execute", "incomplete", "permit", "unmerged")
"""What became of a plan: it is not to be carried out, lacks its plan_id or symbol, got its permit, or could not be
given one, because something else lies under the key."""

KEEP_SECONDS = 3_600.0
"""A symbol without a plan for so long is gone, and loses its series."""


class GovernorMetrics(ConsumerMetrics):
    """What any consumer has, and plans, hints and latency."""

    def __init__(self, version: str, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__("p32", registry)
        self._applied = self.counter("eff_apply", "Plans judged, by what their permits say", ["action", "reason"])
        self._plans = self.counter("plans", "Plans acknowledged, by what became of them", ["outcome"])
        self._seconds = self.histogram("permit_seconds", "Seconds from the plan's stream ID to its permit")
        self._factor = Series(
            f"{self.namespace}_eff_factor", "Factor of the newest permit", "symbol", registry, keep=KEEP_SECONDS
        )
        self._unmerged = 0
        self._unmerged_lock = threading.Lock()
        self._redis_up = self.gauge("redis_up", "1 while Redis answers")
        self.gauge("build_info", "Always 1", ["version"]).labels(version).set(1)
        for outcome in OUTCOMES:
            self._plans.labels(outcome)

    def watch(self, outage: Outage) -> None:
        """Show what `outage` knows of Redis."""
        self._redis_up.set_function(lambda: float(outage.redis_up))

    def unmerged(self, keys: int) -> None:
        """So many of the permits that `committed` tells of next could not be given."""
        with self._unmerged_lock:
            self._unmerged += keys

    def committed(self, parts: Sequence[Part], seconds: float, overflow: int) -> None:
        """Count them by their tags, as `tags` makes them."""
        super().committed(parts, seconds, overflow)
        now = time.time()
        for part in parts:
            for tag, value in part.tags:
                kind, _, rest = tag.partition(":")
                if kind == "plans":
                    self._count_plans(rest, int(value))
                elif kind == "apply":
                    action, _, reason = rest.partition(":")
                    self._applied.labels(action, reason).inc(value)
                elif kind == "factor":
                    self._factor.set(rest, value)
                else:
                    self._seconds.observe(max(now - value, 0.0))

    def _count_plans(self, outcome: str, count: int) -> None:
        if outcome == PERMIT:
            with self._unmerged_lock:
                unmerged = min(self._unmerged, count)
                self._unmerged -= unmerged
            self._plans.labels(UNMERGED).inc(unmerged)
            count -= unmerged
        self._plans.labels(outcome).inc(count)


def tags(outcomes: Mapping[str, int], permits: Sequence[Permit], ids: Sequence[bytes]) -> tuple[tuple[str, float], ...]:
    """What `GovernorMetrics` wants to know of a part.

    :arg outcomes: how many plans of the part came to which of OUTCOMES.
    :arg ids: the stream ID of the plan of each of `permits`.
    """
    applied = Counter(f"apply:{permit.action}:{permit.efficiency.reason}" for permit in permits)
    # (A series outlives its symbol by an hour: one for a proof would be shown when all else of it is gone.)
    real = [permit for permit in permits if not proofs.is_symbol(permit.plan.symbol)]
    factors = {f"factor:{one_line(permit.plan.symbol, 64)}": permit.factor for permit in real}
    return (
        *((f"plans:{outcome}", count) for outcome, count in outcomes.items()),
        *applied.items(),
        *factors.items(),
        *(("since", milliseconds(one) / 1000) for one in ids),
    )
