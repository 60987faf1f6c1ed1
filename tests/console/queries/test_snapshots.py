"""The read model on a real Redis: what was written, and whatever else may lie there."""

from __future__ import annotations

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from connectors.errors import RedisAway, WrongType
from connectors.private_redis import PrivateRedis, free_port
from console.queries.snapshots import Ranked, read_last_executions, read_overview, read_status, read_window
from sinks.values.counts import DECISIONS, WINDOWS


def test_an_empty_redis_reads_as_nothing(client: redis.Redis) -> None:
    overview = read_overview(client, "quantum")
    assert list(overview.windows) == list(WINDOWS)
    for window in overview.windows.values():
        assert dict(window.decisions) == dict.fromkeys(DECISIONS, 0)
        assert (window.total, window.reasons, window.gates, window.share_of("EXECUTE")) == (0, (), (), 0)
    assert overview.unknown == ()
    assert (overview.status.processed_total, overview.status.lag, overview.status.last_ts) == (0, None, None)
    assert read_last_executions(client, "quantum") == {}


def test_a_window_is_read_as_it_was_written(client: redis.Redis) -> None:
    client.hset("q:p35:decision:counts:5m", mapping={"EXECUTE": "30", "BLOCKED": "70"})
    client.zadd("q:p35:reason:top:5m", {"none": 30, "b:2": 20, "a:1": 20, "b:1": 30})
    client.zadd("q:p35:gate:top:5m", {"none": 30, "b": 50, "a": 20})
    client.zadd("q:p35:unknown_decision:top:5m", {"MAYBE": 3})
    overview = read_overview(client, "q")
    window = overview.windows["5m"]
    assert window == read_window(client, "q", "5m")
    assert (window.total, window.share_of("EXECUTE"), window.share(70)) == (100, 0.3, 0.7)
    assert window.reasons == (Ranked("b:1", 30), Ranked("none", 30), Ranked("a:1", 20), Ranked("b:2", 20))
    assert window.gates == (Ranked("b", 50), Ranked("a", 20)), "none is no gate"
    assert overview.unknown == (Ranked("MAYBE", 3),)
    assert overview.windows["1h"].total == 0


def test_the_status_is_read_and_an_absent_lag_is_unknown(client: redis.Redis) -> None:
    written = {"processed_total": "7", "pending_estimate": "2", "last_ts": "1769929020.5", "last_id": "5-0"}
    for name, value in written.items():
        client.hset("quantum:p35:status", name, value)
    status = read_status(client, "quantum")
    assert (status.processed_total, status.pending, status.last_ts, status.last_id) == (7, 2, 1769929020.5, "5-0")
    assert (status.lag, status.late_total, status.version, status.consumer_name) == (None, 0, None, None)
    client.hset("quantum:p35:status", "lag", 0)
    assert read_status(client, "quantum").lag == 0


def test_numbers_that_cannot_be_read_are_missing(client: redis.Redis) -> None:
    client.hset("quantum:p35:decision:counts:1m", mapping={"EXECUTE": "many", "SKIP": "-1", "ERROR": "4", "HALT": "9"})
    client.zadd("quantum:p35:gate:top:1m", {"endless": float("inf"), "fine": 2})
    client.hset("quantum:p35:status", mapping={"processed_total": "", "lag": "nan", "last_ts": "inf"})
    client.hset("quantum:p35:symbol:last_seen", mapping={"BTCUSDT": "5", "ETHUSDT": "soon", "SOLUSDT": "7"})
    client.hset("quantum:p35:symbol:last_execute", mapping={"BTCUSDT": "4.5", "SOLUSDT": "?"})
    overview = read_overview(client, "quantum")
    assert overview.windows["1m"].total == overview.windows["1m"].decisions["ERROR"] == 4
    assert overview.windows["1m"].gates == (Ranked("fine", 2),)
    assert (overview.status.processed_total, overview.status.lag, overview.status.last_ts) == (0, None, None)
    assert read_last_executions(client, "quantum") == {"BTCUSDT": (5.0, 4.5), "SOLUSDT": (7.0, None)}


def test_names_that_are_not_utf8_are_read_all_the_same(server: PrivateRedis, client: redis.Redis) -> None:
    client.zadd("quantum:p35:reason:top:1m", {b"\xff\xfe": 1})
    with server.client() as bytes_client:
        (ranked,) = read_window(bytes_client, "quantum", "1m").reasons
    assert ranked == Ranked("��", 1)


def test_a_key_of_another_type_is_named_as_the_error_it_is(client: redis.Redis) -> None:
    client.set("quantum:p35:status", "?")
    with pytest.raises(WrongType):
        read_overview(client, "quantum")


def test_a_redis_that_is_away_is_away() -> None:
    with redis.Redis(port=free_port(), retry=Retry(NoBackoff(), 0)) as nobody, pytest.raises(RedisAway):
        read_status(nobody, "quantum")
