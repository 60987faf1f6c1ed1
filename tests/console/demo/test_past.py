"""The weeks before the demo: made up, and as exact as if `flows.history` had kept them."""

from __future__ import annotations

import time
from collections import Counter

import pytest
import redis

from connectors.private_redis import PrivateRedis
from console.audit.history import HistoryAudit
from console.demo.past import CHANGED, days_of, made_up
from console.demo.past_writer import write_past
from console.demo.simulator import CYCLE_SECONDS, EXPLOSIONS, TICK, Simulator, usual_mix
from console.demo.tour import changes
from console.queries.trend import ask_trend
from flows.domain.decisions import gate_of, kind_of
from sinks.values.history import DAY, HOUR, RollUp
from tests.support.history_world import Instance

NOW = 1_770_219_090.0
"""2026-02-04 15:31:30 UTC."""

MINUTE = int(NOW // 60)


@pytest.fixture(scope="module")
def hours() -> list[RollUp]:
    return list(made_up(35, 50, NOW))


def test_it_reaches_from_midnight_before_five_weeks_to_the_last_whole_minute(hours: list[RollUp]) -> None:
    assert [one.start for one in hours] == list(range((MINUTE // DAY - 35) * DAY, MINUTE, HOUR))
    assert {(one.minutes, one.parts) for one in hours[:-1]} == {(60, (1 << 60) - 1)}
    assert (hours[-1].minutes, hours[-1].parts) == (31, (1 << 31) - 1)
    assert max(one.updated_ts for one in hours) == NOW


def test_each_hour_adds_up_and_each_day_is_the_sum_of_its_hours(hours: list[RollUp]) -> None:
    for one in hours:
        total = sum(one.decisions.values())
        assert total == sum(one.gates.values()) == sum(one.symbol_decisions.values()) == sum(one.symbol_gates.values())
    days = list(days_of(hours))
    assert len(days) == 36
    for day in days:
        parts = [one for one in hours if day.start <= one.start < day.start + DAY]
        sums: Counter[str] = Counter()
        for part in parts:
            sums.update(part.gates)
        assert (day.gates, day.minutes) == (dict(sums), sum(part.minutes for part in parts))


def test_an_hour_is_the_same_whenever_it_is_made_up(hours: list[RollUp]) -> None:
    later = {one.start: one for one in made_up(35, 50, NOW + 5 * 86_400)}
    assert [later[one.start] for one in hours[5 * 24 : -25]] == hours[5 * 24 : -25]
    other = next(iter(made_up(36, 50, NOW)))
    assert other.gates != hours[0].gates


def test_what_happens_in_it_is_what_the_simulator_publishes() -> None:
    simulator, seen = Simulator(1, 400), Counter[tuple[str, str]]()
    explodes = gate_of(EXPLOSIONS[0])
    for tick in range(round(32 / TICK), round(CYCLE_SECONDS / TICK)):
        for entry in simulator.entries(tick, NOW):
            kind = kind_of({name.encode(): value.encode() for name, value in entry.items()})
            seen[kind.decision, gate_of(kind.reason)] += 1
    total = seen.total()
    mix = usual_mix()
    assert sum(mix.values()) == pytest.approx(1.0)
    assert set(seen) == set(mix)
    assert explodes in {gate for _decision, gate in mix}
    for kind, share in mix.items():
        assert abs(seen[kind] / total - share) < 5 * (share * (1 - share) / total) ** 0.5, kind


def test_one_gate_is_changed_and_no_other(hours: list[RollUp]) -> None:
    def shares(some: list[RollUp]) -> dict[str, float]:
        sums: Counter[str] = Counter()
        for one in some:
            sums.update(one.gates)
        return {gate: count / sums.total() for gate, count in sums.items()}

    now, before = shares(hours[-25:]), shares(hours[:-25])
    ratios = {gate: now[gate] / before[gate] for gate in before}
    assert ratios.pop(CHANGED) == pytest.approx(3.0, rel=0.25)
    assert all(0.75 < ratio < 1.25 for ratio in ratios.values()), ratios


def test_a_rate_of_nearly_nothing_leaves_hours_unknown() -> None:
    rare = list(made_up(35, 0.0001, NOW))
    assert 0 < len(rare) < 841
    assert all(0 < one.minutes <= sum(one.decisions.values()) for one in rare)


def test_flows_history_has_nothing_to_add_and_trend_finds_what_was_planted(
    server: PrivateRedis, client: redis.Redis
) -> None:
    now = float(client.time()[0])
    with server.client() as raw:
        write_past(raw, "quantum", 35, 50, now)
        assert HistoryAudit(raw, "quantum").run().differences == []
        before = {key: raw.hgetall(key) for key in raw.scan_iter("quantum:p35:*", 1_000)}
        assert Instance(server.url).turn() == 0
        assert {key: raw.hgetall(key) for key in before} == before
        hour = f"quantum:p35:hour:{_name(now - 100 * 3600)}"
        assert 0 <= 3_024_000 - 99 * 3600 - raw.ttl(hour) <= 3_700
        said = list(changes(ask_trend(raw, "quantum", 24, 4, now)))
    assert said[0] == "The last 24 hours against the 4 weeks before, which are made up (quantum trend)"
    assert said[1].startswith(f"  {CHANGED}   rose: 1.")
    assert max(map(len, said)) <= 80


def _name(seconds: float) -> str:
    return time.strftime("%Y%m%d%H", time.gmtime(seconds))
