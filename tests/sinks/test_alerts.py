"""Alerts in a real Redis: what a check reads, and what it writes."""

from __future__ import annotations

import pytest
import redis

from connectors.private_redis import PrivateRedis
from sinks import alerts
from sinks.values.alerts import AlertState, Counts, Tracked
from tests.support.alert_values import ALERT, KEY, TRACKED, checked

NOW = 1_769_929_250.0


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """An empty Redis whose replies are bytes, as the flow sees them."""
    return server.client()


def test_the_state_is_read_as_it_was_written(raw: redis.Redis) -> None:
    state = AlertState("v1", 12.25, 7, TRACKED)
    assert alerts.write(raw, "quantum", checked(AlertState(), state, ALERT))
    assert alerts.read(raw, "quantum").state == state
    following = AlertState("v2", 72.0, 8, {KEY: Tracked(published_at=100.25)})
    assert alerts.write(raw, "quantum", checked(state, following))
    assert alerts.read(raw, "quantum").state == following


def test_an_alert_has_the_fields_of_the_contract(client: redis.Redis, raw: redis.Redis) -> None:
    alerts.write(raw, "quantum", checked(AlertState(), AlertState("v1"), ALERT))
    ((_id, fields),) = client.xrange("quantum:p35:alerts")
    assert fields == {
        "alert_id": "p35_alert_100_a b: ü",
        "kind": "gate_explosion",
        "reason": "a b: ü",
        "window": "5m",
        "score": "2",
        "total": "3",
        "share": "0.667",
        "severity": "HIGH",
        "state": "firing",
        "timestamp": "100",
        "message": "a line",
    }


def test_who_was_slower_publishes_nothing(client: redis.Redis, raw: redis.Redis) -> None:
    alerts.write(raw, "quantum", checked(AlertState(), AlertState("v1"), ALERT))
    assert not alerts.write(raw, "quantum", checked(AlertState(), AlertState("v2"), ALERT))
    assert client.xlen("quantum:p35:alerts") == 1
    assert alerts.read(raw, "quantum").state.version == "v1"


def test_a_check_reads_a_quarter_of_an_hour_symbols_and_the_group(client: redis.Redis, raw: redis.Redis) -> None:
    for minute, name in ((29_498_806, "202602010646"), (29_498_820, "202602010700"), (29_498_805, "202602010645")):
        assert minute * 60 <= NOW
        client.hset(f"quantum:p35:bucket:{name}", mapping={"decision:SKIP": 2, "reason:a:x": 2})
    client.hset("quantum:p35:bucket:202602010700", mapping={"symbol_decision:A:B:SKIP": 2, "symbol_reason:BTC:a:x": 1})
    client.hset("quantum:p35:symbol:last_seen", mapping={"BTC": "17.5", "broken": "x", "worse": "inf"})
    client.hset("quantum:p35:symbol:last_execute", "BTC", "16")
    client.hset("quantum:p35:status", "trimmed_total", 3)
    client.xgroup_create("quantum:stream:apply.result", "p35_decision_intel", "0", mkstream=True)
    for _ in range(3):
        client.xadd("quantum:stream:apply.result", {"f": "v"})
    client.xreadgroup("p35_decision_intel", "me", {"quantum:stream:apply.result": ">"}, count=1)
    seen = alerts.read(raw, "quantum", NOW)
    assert seen.minutes == {
        29_498_806: Counts({"SKIP": 2}, {"a:x": 2}),
        29_498_820: Counts({"SKIP": 2}, {"a:x": 2}, {}, {("A:B", "SKIP"): 2}, {("BTC", "a:x"): 1}),
    }
    assert (seen.last_seen, seen.last_execute) == ({"BTC": 17.5}, {"BTC": 16.0})
    assert seen.group is not None
    assert (seen.group.pending, seen.group.lag, seen.stream_length, seen.trimmed_total) == (1, 2, 3, 3)


def test_an_empty_redis_is_read_as_nothing(client: redis.Redis, raw: redis.Redis) -> None:
    seen = alerts.read(raw, "quantum")
    assert (seen.minutes, seen.last_seen, seen.group, seen.stream_length, seen.trimmed_total) == ({}, {}, None, 0, 0)
    assert seen.state == AlertState()
    assert abs(seen.now - client.time()[0]) < 5
