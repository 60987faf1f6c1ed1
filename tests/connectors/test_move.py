"""Moving counts on a real Redis: all of them or none, and none is lost on the way."""

from __future__ import annotations

import pytest
import redis

from connectors.errors import RedisDenied, RedisFailure
from connectors.move import Move, Short, move
from connectors.private_redis import PrivateRedis
from tests.chaos.conftest import VERSIONS


@pytest.fixture
def other(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """A client as the connectors have it: replies are bytes."""
    return server.client()


def test_counts_are_moved_and_what_comes_to_0_is_removed(client: redis.Redis, other: redis.Redis) -> None:
    client.hset("from", mapping={"a": 5, "b": 2, "kept": 1})
    client.hset("to", "a", 1)
    assert move(other, [Move("from", "to", "a", 3), Move("from", "to", "b", 2)]) is None
    assert client.hgetall("from") == {"a": "2", "kept": "1"}
    assert client.hgetall("to") == {"a": "4", "b": "2"}


def test_what_is_moved_to_nowhere_is_gone_and_an_empty_hash_with_it(client: redis.Redis, other: redis.Redis) -> None:
    client.hset("from", "a", 2)
    assert move(other, [Move("from", None, "a", 2)]) is None
    assert client.keys() == []


@pytest.mark.parametrize(("held", "found"), [(None, None), ("1", "1"), ("x", "x")])
def test_nothing_is_moved_where_one_field_holds_less(
    client: redis.Redis, other: redis.Redis, held: str | None, found: str | None
) -> None:
    client.hset("from", "a", 5)
    if held is not None:
        client.hset("from", "b", held)
    before = client.hgetall("from")
    assert move(other, [Move("from", "to", "a", 3), Move("from", "to", "b", 2)]) == Short("from", "b", found)
    assert client.hgetall("from") == before
    assert sum(map(int, client.hvals("to"))) == 0


def test_the_target_lives_as_long_as_the_longest_of_its_sources(client: redis.Redis, other: redis.Redis) -> None:
    for name, ttl in (("short", 100), ("long", 5_000)):
        client.hset(name, "a", 2)
        client.expire(name, ttl)
    move(other, [Move("long", "to", "a", 1)])
    move(other, [Move("short", "to", "a", 2)])
    assert 4_000 < client.ttl("to") <= 5_000
    assert client.hgetall("to") == {"a": "3"}
    assert client.ttl("long") > 4_000


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("right", ["hget", "hincrby", "hdel", "pttl", "pexpire", "~from", "~to"])
def test_without_a_right_nothing_is_moved(version: str, right: str) -> None:
    rights = {"+evalsha", "+eval", "+hget", "+hincrby", "+hdel", "+pttl", "+pexpire", "~from", "~to", "+client|setname"}
    with PrivateRedis(VERSIONS[version]) as private, private.client(decode_responses=True) as raw:
        raw.hset("from", "a", 2)
        raw.expire("from", 1_000)
        granted = sorted(rights - {right, f"+{right}"})
        raw.execute_command("ACL", "SETUSER", "mover", "on", ">word", *granted)
        with private.client(username="mover", password="word") as mover, pytest.raises(RedisFailure) as caught:
            move(mover, [Move("from", "to", "a", 2)])
        assert isinstance(caught.value, RedisDenied)
        assert raw.hgetall("from") == {"a": "2"}
        assert sum(map(int, raw.hvals("to"))) == 0


def test_a_key_of_another_type_is_refused(client: redis.Redis, other: redis.Redis) -> None:
    client.hset("from", "a", 2)
    client.set("to", "x")
    with pytest.raises(RedisFailure, match="WRONGTYPE"):
        move(other, [Move("from", "to", "a", 2)])
    assert client.hgetall("from") == {"a": "2"}
