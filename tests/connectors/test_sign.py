"""Signs of life: what a flow leaves, and when it is alive by it."""

from __future__ import annotations

import os
import socket

import pytest
import redis

from connectors.private_redis import PrivateRedis
from connectors.sign import ALIVE_SECONDS, is_alive, sign

NOW = 1_769_929_020.0


def test_a_sign_says_who_works_and_when_by_the_clock_of_redis(client: redis.Redis) -> None:
    before = client.time()
    sign("q", "p35", "1.2.3")(client)
    left = client.hgetall("q:flow:p35")
    after = client.time()
    assert before[0] + before[1] / 1e6 - 0.001 <= float(left.pop("seen_at")) <= after[0] + after[1] / 1e6 + 0.001
    assert int(left.pop("service_start_ts")) > 0
    assert left == {"instance": f"{socket.gethostname()}-{os.getpid()}", "version": "1.2.3"}
    assert client.ttl("q:flow:p35") == -1


@pytest.mark.parametrize("version", ["6.2", "8.2"])
def test_a_full_redis_refuses_no_sign(version: str) -> None:
    with PrivateRedis(version=version) as server, server.client(decode_responses=True) as client:
        client.config_set("maxmemory", 1)
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.hset("q:flow:p35", "seen_at", 1)
        for process in ("1", "2"):  # the first makes the hash, the second finds it
            sign("q", "p35", process)(client)
            assert client.hget("q:flow:p35", "version") == process


@pytest.mark.parametrize(
    ("ago", "alive"),
    [(0, True), (ALIVE_SECONDS, True), (ALIVE_SECONDS + 0.5, False), (-ALIVE_SECONDS, True), (-3_600, False)],
)
def test_a_flow_is_alive_for_half_a_minute_after_its_last_sign(ago: float, alive: bool) -> None:
    assert is_alive(NOW - ago, NOW) == alive


def test_a_flow_that_never_left_a_sign_is_not() -> None:
    assert not is_alive(None, NOW)
