"""The metrics of the proposer, by the names of the contract."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from sinks.allocation_metrics import AllocationMetrics
from sinks.values.joins import Proposal
from tests.support.join_values import NONE, OK, loop
from tests.support.scrape import scrape


def test_the_metrics_of_the_proposer() -> None:
    registry = CollectorRegistry()
    metrics = AllocationMetrics("1.2.3", registry)
    made = [Proposal("A", 1.0, 0.7, OK), Proposal("B", 1.0, 1.0, NONE)]
    metrics.published(made)
    metrics.looped(loop(*made, invalid=3))
    seen = scrape(registry)
    assert seen["p29_shadow_loops_total",] == 1
    assert seen["p29_shadow_invalid_total",] == 3
    assert {key[1]: value for key, value in seen.items() if key[0] == "p29_shadow_proposed_total"} == {
        "ok": 1,
        "missing_eff": 1,
        "redis_error": 0,
        "stale_eff": 0,
        "low_conf": 0,
    }
    assert (seen["p29_shadow_multiplier", "A"], seen["p29_shadow_multiplier", "B"]) == (0.7, 1.0)
    assert (seen["p29_shadow_eff_score", "A"], seen["p29_shadow_eff_confidence", "A"]) == (0.2, 0.9)
    assert ("p29_shadow_eff_score", "B") not in seen
    assert seen["p29_shadow_loop_seconds_count",] == 1
    metrics.looped(loop(made[1]))
    assert not [key for key in scrape(registry) if "A" in key[1:]]
