"""The metrics of the governor, by the names of the contract."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry

from connectors.delivery import Delivery, Part
from sinks.governor_metrics import GovernorMetrics
from sinks.values.joins import PermitNote
from tests.support.join_values import NONE, OK, permit
from tests.support.scrape import scrape


def test_the_metrics_of_the_governor() -> None:
    registry = CollectorRegistry()
    metrics = GovernorMetrics("1.2.3", registry)
    made = [
        permit("1", "A", OK, "DOWNSIZE", 0.4, 96),
        permit("2", "B:\n", NONE, "NONE", 1.0, 0),
        permit("3", "A", OK, "DOWNSIZE", 0.5, 90),
    ]
    ids = tuple(b"%d-%d" % (time.time() * 1000 - 3_000, number) for number in range(6))
    note = PermitNote(tuple(made), (time.time() - 3,) * 3, 2, 1)
    metrics.unmerged(1)
    metrics.committed([Part(Delivery("s", "g", "c", "l", "t"), ids, (), note)], 0.01, 0)
    seen = scrape(registry)
    assert {key[1]: value for key, value in seen.items() if key[0] == "p32_plans_total"} == {
        "permit": 2,
        "unmerged": 1,
        "not_execute": 2,
        "incomplete": 1,
    }
    assert seen["p32_eff_apply_total", "DOWNSIZE", "ok"] == 2
    assert seen["p32_eff_apply_total", "NONE", "missing_eff"] == 1
    assert (seen["p32_eff_factor", "A"], seen["p32_eff_factor", "B:�"]) == (0.5, 1.0)
    assert seen["p32_permit_seconds_count",] == 3
    assert 9 <= seen["p32_permit_seconds_sum",] < 60
    assert seen["p32_messages_total",] == 6
