"""Advancing a shared state: by one of many, in one step, and as a repeat that does nothing."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import redis

from connectors.compare_and_set import Transition, compare_and_set
from connectors.errors import RedisDenied, WrongType
from connectors.private_redis import PrivateRedis
from tests.support.users import SecuredRedis

FIRST = Transition("version", "", "v1", {"a": "1", "b": "2"}, [], [{"n": "1"}, {"n": "2", "m": "x"}])
SECOND = Transition("version", "v1", "v2", {"b": "3"}, ["a", "never there"], [{"n": "3"}])


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """An empty Redis whose replies are bytes, as the flow sees them."""
    return server.client()


def content(client: redis.Redis) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The state and the entries."""
    return client.hgetall("state"), [fields for _id, fields in client.xrange("stream")]


def test_steps_follow_each_other(client: redis.Redis, raw: redis.Redis) -> None:
    assert compare_and_set(raw, "state", "stream", FIRST, 10)
    assert content(client) == ({"version": "v1", "a": "1", "b": "2"}, [{"n": "1"}, {"n": "2", "m": "x"}])
    assert compare_and_set(raw, "state", "stream", SECOND, 10)
    assert content(client) == ({"version": "v2", "b": "3"}, [{"n": "1"}, {"n": "2", "m": "x"}, {"n": "3"}])


def test_a_repeat_is_done_already_and_does_nothing(client: redis.Redis, raw: redis.Redis) -> None:
    assert [compare_and_set(raw, "state", "stream", FIRST, 10) for _ in range(3)] == [True] * 3
    assert len(content(client)[1]) == 2


@pytest.mark.parametrize("expected", ["", "v0", "v2"])
def test_who_was_slower_changes_nothing(client: redis.Redis, raw: redis.Redis, expected: str) -> None:
    compare_and_set(raw, "state", "stream", FIRST, 10)
    before = content(client)
    assert not compare_and_set(raw, "state", "stream", replace(SECOND, expected=expected, version="mine"), 10)
    assert content(client) == before


def test_of_many_at_once_one_wins(server: PrivateRedis, client: redis.Redis) -> None:
    won: list[int] = []

    def race(number: int) -> None:
        with server.client() as own:
            for round_ in range(50):
                step = Transition(
                    "version", f"{round_}" if round_ else "", f"{round_}:{number}", {}, [], [{"by": str(number)}]
                )
                if compare_and_set(own, "state", f"stream:{round_}", step, 10):
                    won.append(round_)
                own.hset("state", "version", str(round_ + 1)) if barrier.wait(120) == 0 else None
                barrier.wait(120)

    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=race, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == list(range(50))
    assert [client.xlen(f"stream:{round_}") for round_ in range(50)] == [1] * 50


def test_the_stream_keeps_about_so_many(client: redis.Redis, raw: redis.Redis) -> None:
    compare_and_set(raw, "state", "stream", replace(FIRST, entries=[{"n": str(n)} for n in range(5_000)]), 1_000)
    assert 1_000 <= client.xlen("stream") <= 1_100
    assert client.xrevrange("stream", count=1)[0][1] == {"n": "4999"}


def test_a_large_step_is_taken_whole(client: redis.Redis, raw: redis.Redis) -> None:
    """Past the number of arguments that one command of a script can have."""
    fields = {f"field {number}": "x" for number in range(20_000)}
    assert compare_and_set(raw, "state", "stream", replace(FIRST, put=fields), 10)
    assert client.hlen("state") == 20_001
    assert compare_and_set(raw, "state", "stream", Transition("version", "v1", "v2", {}, list(fields), []), 10)
    assert client.hgetall("state") == {"version": "v2"}


@pytest.mark.parametrize("key", ["state", "stream"])
def test_a_key_of_another_type_stops_it_before_anything_is_done(
    client: redis.Redis, raw: redis.Redis, key: str
) -> None:
    client.set(key, "text")
    with pytest.raises(WrongType, match=f"key {key} is a string"):
        compare_and_set(raw, "state", "stream", FIRST, 10)
    assert client.keys() == [key]


@pytest.mark.parametrize("command", ["hset", "hdel", "xadd"])
def test_a_right_that_is_missing_stops_it_before_anything_is_done(
    server: PrivateRedis, client: redis.Redis, command: str
) -> None:
    compare_and_set(server.client(), "state", "stream", FIRST, 10)
    before = content(client)
    client.acl_setuser("some", enabled=True, nopass=True, keys=["*"], commands=["+@all", f"-{command}"])
    try:
        with server.client(username="some", password="") as limited, pytest.raises(RedisDenied):
            compare_and_set(limited, "state", "stream", SECOND, 10)
    finally:
        client.acl_deluser("some")
    assert content(client) == before


@pytest.mark.parametrize("version", ["6.2", "8.2"])
def test_a_full_redis_takes_it_whole(version: str) -> None:
    with SecuredRedis(version) as full, full.client() as raw, full.client(decode_responses=True) as client:
        compare_and_set(raw, "state", "stream", FIRST, 10)
        client.config_set("maxmemory", "1")
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.set("other", "x")
        assert compare_and_set(raw, "state", "stream", SECOND, 10)
        assert content(client) == ({"version": "v2", "b": "3"}, [{"n": "1"}, {"n": "2", "m": "x"}, {"n": "3"}])
