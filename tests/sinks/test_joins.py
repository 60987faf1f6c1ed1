"""What the sinks of the joins write, and the metrics of both flows, by the names of the contract."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
import redis
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from connectors.delivery import Delivery, Part
from connectors.private_redis import PrivateRedis
from sinks import governor_metrics, permits, proposals
from sinks.allocation_metrics import AllocationMetrics
from sinks.governor_metrics import GovernorMetrics
from sinks.proposals import ProposalWriter
from sinks.values.joins import Efficiency, Permit, Plan, Proposal, Proposals

OK = Efficiency(0.2, 0.9, "ok")
STALE = Efficiency(0.2, 0.9, "stale_eff")
NONE = Efficiency(None, None, "missing_eff")
PREFIX = "quantum:allocation:target:proposed:"


def scrape(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    """What Prometheus sees: name and values of labels (by their names) -> value."""
    return {
        (sample.name, *(value for _label, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
        if not sample.name.endswith(("_created", "_bucket"))
    }


def loop(*made: Proposal, at: float = 20.0, invalid: int = 0) -> Proposals:
    return Proposals(at, at, made, invalid, time.monotonic())


@pytest.mark.parametrize(
    ("proposal", "expected"),
    [
        (Proposal("S", 1000.0, 0.7, OK), "20 S 1000.00 700.00 0.7000 0.2000 0.900 0 ok shadow"),
        (Proposal("S", 0.005, 1.0, STALE), "20 S 0.01 0.01 1.0000 0.2000 0.900 1 stale_eff shadow"),
        (Proposal("S", 1e15, 1.5, NONE), f"20 S {10**15}.00 {15 * 10**14}.00 1.5000 - - 0 missing_eff shadow"),
    ],
)
def test_a_row_has_the_decimals_of_the_contract(proposal: Proposal, expected: str) -> None:
    assert [value or "-" for value in proposals.row(proposal, "20")] == expected.split()
    assert len(proposals.FIELDS) == len(expected.split())


def test_a_repeated_write_tells_of_nothing_twice(client: redis.Redis, server: PrivateRedis) -> None:
    told: list[str] = []
    writer = ProposalWriter("quantum", proposals.outlet("out", 600), lambda made: told.extend(m.symbol for m in made))
    made = [Proposal(f"S{number}", 1.0, 1.0, OK) for number in range(1_200)]
    with server.client() as raw:
        writer(raw, loop(*made[:700]))
        writer(raw, loop(*made))
    assert told == [one.symbol for one in made]
    assert client.xlen("out") == 1_200


def test_a_key_of_another_type_is_told_of_once(client: redis.Redis, server: PrivateRedis) -> None:
    client.set(f"{PREFIX}A", "x")
    writer = ProposalWriter("quantum", proposals.outlet("out", 600))
    with server.client() as raw, capture_logs() as logs:
        for at in (20.0, 30.0):
            writer(raw, loop(Proposal("A", 1.0, 1.0, OK), Proposal("B", 1.0, 1.0, OK), at=at))
        client.delete(f"{PREFIX}A")
        writer(raw, loop(Proposal("A", 1.0, 1.0, OK), at=40.0))
    assert [line["event"] for line in logs] == ["not usable until mended", "mended, or gone"]
    assert [fields["symbol"] for _, fields in client.xrange("out")] == ["B", "B", "A"]


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


def permit(plan_id: str, symbol: str, known: Efficiency, action: str, factor: float, cooldown: int) -> Permit:
    return Permit(Plan(plan_id, symbol, "OPEN"), known, action, factor, cooldown, 20.0)


def test_a_permit_has_the_decimals_of_the_contract() -> None:
    effect = permits.effect("quantum", permit("p", "S", NONE, "NONE", 1.0, 0), json=True)
    assert (effect.key, effect.ttl, effect.json) == ("quantum:permit:p", 60, True)
    assert effect.fields["eff_score"] is effect.fields["eff_confidence"] is None
    assert str(effect.fields["downsize_factor"]) == str(effect.fields["eff_factor"]) == "1.0000"
    third = permits.effect("quantum", permit("p", "S", OK, "DOWNSIZE", 1 / 3, 96), json=False)
    assert third.fields["downsize_factor"] == Decimal("0.3333")
    assert str(third.fields["eff_confidence"]) == "0.900"
    assert str(third.beside["created_at"]) == "20.000"


def test_the_metrics_of_the_governor() -> None:
    registry = CollectorRegistry()
    metrics = GovernorMetrics("1.2.3", registry)
    made = [
        permit("1", "A", OK, "DOWNSIZE", 0.4, 96),
        permit("2", "B:\n", NONE, "NONE", 1.0, 0),
        permit("3", "A", OK, "DOWNSIZE", 0.5, 90),
    ]
    ids = tuple(b"%d-%d" % (time.time() * 1000 - 3_000, number) for number in range(6))
    tags = governor_metrics.tags({"permit": 3, "not_execute": 2, "incomplete": 1}, made, ids[:3])
    metrics.unmerged(1)
    metrics.committed([Part(Delivery("s", "g", "c", "l", "t"), ids, (), tags)], 0.01, 0)
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
