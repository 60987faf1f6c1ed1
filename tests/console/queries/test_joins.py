"""The joins as the console reads and shows them, and the market that the demo makes up for them."""

from __future__ import annotations

import pytest
import redis
from rich.cells import cell_len

from connectors.errors import WrongType
from connectors.lookup_result import Found, Missing
from connectors.private_redis import PrivateRedis
from console.demo.join_lines import permit_line, proposed_line
from console.demo.market import PLANS_A_SECOND, Market
from console.demo.simulator import SYMBOLS
from console.queries.joins import Joins, Permitted, Proposed, read_joins
from flows.domain.efficiency import judge
from sinks.values.joins import REASONS

STARTED = 1_769_929_020.0
PROPOSED, PLANS = "quantum:stream:allocation.target.proposed", "quantum:stream:apply.plan"


def test_the_newest_proposals_and_permits_are_read(client: redis.Redis, server: PrivateRedis) -> None:
    for multiplier in ("1.1000", "1.2000"):
        for symbol in ("B", "A"):
            row = {"symbol": symbol, "base_target": "10.00", "proposed_target": "12.00", "multiplier": multiplier}
            client.xadd(PROPOSED, {**row, "reason": "ok"})
    client.xadd(PROPOSED, {"symbol": "C", "base_target": "nan", "proposed_target": "x"})
    for number in range(4):
        client.xadd(PLANS, {"plan_id": f"p{number}", "symbol": f"S{number}"})
    client.xadd(PLANS, {"symbol": "without"})
    permit = {"eff_action": "DOWNSIZE", "downsize_factor": "0.4444", "extra_cooldown_sec": "96", "eff_reason": "ok"}
    client.hset("quantum:permit:p0", mapping=permit)
    client.hset("quantum:permit:p2", mapping={"eff_action": "\x1b"})
    client.set("quantum:permit:p3", "{}")
    client.set("quantum:permit:p1", '{"eff_action": "NONE", "downsize_factor": 1.0000, "extra_cooldown_sec": 0}')
    client.xadd(PLANS, {"plan_id": "other", "symbol": "S"})
    client.rpush("quantum:permit:other", "neither hash nor JSON")
    with server.client() as raw:
        found = read_joins(raw, "quantum")
    assert found.proposed == (
        Proposed("A", 10.0, 12.0, 1.2, "ok"),
        Proposed("B", 10.0, 12.0, 1.2, "ok"),
        Proposed("C", None, None, None, ""),
    )
    assert found.permits == (
        Permitted("p2", "S2", "\x1b", None, None, ""),
        Permitted("p1", "S1", "NONE", 1.0, 0.0, ""),
        Permitted("p0", "S0", "DOWNSIZE", 0.4444, 96.0, "ok"),
    )


def test_proposals_may_lie_in_another_stream(client: redis.Redis, server: PrivateRedis) -> None:
    client.xadd("elsewhere", {"symbol": "A", "base_target": "1", "proposed_target": "2", "multiplier": "2"})
    with server.client() as raw:
        (one,) = read_joins(raw, "quantum", "elsewhere").proposed
    assert (one.symbol, one.proposed_target) == ("A", 2.0)


def test_nothing_there_reads_as_nothing(client: redis.Redis, server: PrivateRedis) -> None:
    with server.client() as raw:
        assert read_joins(raw, "quantum") == Joins()
        client.set(PLANS, "x")
        with pytest.raises(WrongType):
            read_joins(raw, "quantum")


def test_lines_say_what_matters() -> None:
    line = proposed_line(Proposed("BTCUSDT", 1000.0, 1400.0, 1.4, "ok"), 50)
    assert line.split() == ["BTCUSDT", "1,000", "→", "1,400", "x1.40", "ok"]
    assert "->" in proposed_line(Proposed("BTCUSDT", 1000.0, 1400.0, 1.4, "ok"), 44, ascii_only=True)
    downsized = permit_line(Permitted("p", "BTCUSDT", "DOWNSIZE", 0.4444, 96.0, "ok"), 32)
    assert downsized.split() == ["BTCUSDT", "x0.44", "+96", "s"]
    assert permit_line(Permitted("p", "S", "NONE", 1.0, 0.0, "low_conf"), 32).split() == ["S", "x1.00", "low_conf"]


@pytest.mark.parametrize("name", ["A", "漢字" * 30, "\x1b[2J", ""])
@pytest.mark.parametrize("number", [None, 0.0, 1e15])
def test_lines_are_as_wide_as_asked_and_safe(name: str, number: float | None) -> None:
    for line, width in (
        (proposed_line(Proposed(name, number, 1.0, 1.5, name), 45), 45),
        (permit_line(Permitted(name, name, "DOWNSIZE", number, 1.0, name), 32), 32),
    ):
        assert line.isprintable()
        if number != 1e15:
            assert cell_len(line) == width


def test_equal_markets_are_equal_and_show_every_reason() -> None:
    market, seen = Market(35), set()
    assert market.plans(3, STARTED) == Market(35).plans(3, STARTED) != Market(36).plans(3, STARTED)
    for second in range(60):
        for symbol in SYMBOLS:
            row = market.efficiency(symbol, second, STARTED + second)
            assert row == Market(35).efficiency(symbol, second, STARTED + second)
            found = Missing() if row is None else Found({name.encode(): value.encode() for name, value in row.items()})
            seen.add(judge(found, STARTED + second, 600, 0.65).reason)
    assert seen == set(REASONS) - {"redis_error"}
    assert all(float(market.target(symbol, STARTED)["target_usd"]) > 0 for symbol in SYMBOLS)
    plans = [plan for second in range(60) for plan in market.plans(second, STARTED)]
    assert len(plans) == 60 * PLANS_A_SECOND
    assert len({plan["plan_id"] for plan in plans}) == len(plans)
    assert {plan["decision"] for plan in plans} == {"EXECUTE", "SKIP", "BLOCKED"}
