"""The read model on a real Redis: what was written, and whatever else may lie there."""

from __future__ import annotations

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from connectors.errors import RedisAway, WrongType
from connectors.private_redis import PrivateRedis, free_port
from console.queries.status import read_last_executions, read_status


def test_an_empty_redis_reads_as_nothing(client: redis.Redis) -> None:
    status = read_status(client, "quantum")
    assert (status.processed_total, status.lag, status.last_ts) == (0, None, None)
    assert read_last_executions(client, "quantum") == {}


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
    client.hset("quantum:p35:status", mapping={"processed_total": "", "lag": "nan", "last_ts": "inf"})
    client.hset("quantum:p35:symbol:last_seen", mapping={"BTCUSDT": "5", "ETHUSDT": "soon", "SOLUSDT": "7"})
    client.hset("quantum:p35:symbol:last_execute", mapping={"BTCUSDT": "4.5", "SOLUSDT": "?"})
    status = read_status(client, "quantum")
    assert (status.processed_total, status.lag, status.last_ts) == (0, None, None)
    assert read_last_executions(client, "quantum") == {"BTCUSDT": (5.0, 4.5), "SOLUSDT": (7.0, None)}


def test_names_that_are_not_utf8_are_read_all_the_same(server: PrivateRedis, client: redis.Redis) -> None:
    client.hset("quantum:p35:symbol:last_seen", b"\xff\xfe", "1")
    with server.client() as bytes_client:
        assert read_last_executions(bytes_client, "quantum") == {"\ufffd\ufffd": (1.0, None)}


def test_a_key_of_another_type_is_named_as_the_error_it_is(client: redis.Redis) -> None:
    client.set("quantum:p35:status", "?")
    with pytest.raises(WrongType):
        read_status(client, "quantum")


def test_a_redis_that_is_away_is_away() -> None:
    with redis.Redis(port=free_port(), retry=Retry(NoBackoff(), 0)) as nobody, pytest.raises(RedisAway):
        read_status(nobody, "quantum")
