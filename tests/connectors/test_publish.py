"""Publishing rows on a real Redis: entry and hash together, once a turn, whoever repeats it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import redis

from connectors.errors import RedisFailure
from connectors.private_redis import PrivateRedis
from connectors.publish import Outlet
from connectors.publish import publish as publish_rows

OUTLET = Outlet("out", 100, 50, ("name", "size"), "stamp")
ROWS = [("row:a", ("a", "1")), ("row:b", ("b", ""))]


Publish = Callable[..., str]


@pytest.fixture
def raw(client: redis.Redis) -> redis.Redis:
    return client


@pytest.fixture
def publish(server: PrivateRedis) -> Iterator[Publish]:
    """`publish` on the private Redis, with a client as the connectors have it."""
    with server.client() as one:
        yield partial(publish_rows, one)


def test_entry_and_hash_are_written(raw: redis.Redis, publish: Publish) -> None:
    assert publish(OUTLET, ROWS, "20.5", 20) == "PP"
    assert [fields for _, fields in raw.xrange("out")] == [{"name": "a", "size": "1"}, {"name": "b", "size": ""}]
    assert raw.hgetall("row:a") == {"name": "a", "size": "1", "stamp": "20.5"}
    assert raw.hgetall("row:b") == {"name": "b", "size": "", "stamp": "20.5"}
    assert 0 < raw.ttl("row:a") <= 50


@pytest.mark.parametrize(
    ("stamp", "turn", "expected"),
    [("20.5", 20, "SS"), ("29", 20, "SS"), ("19", 10, "SS"), ("30", 30, "PP"), ("21", 20.6, "PP")],
)
def test_a_row_is_published_once_a_turn(
    raw: redis.Redis, publish: Publish, stamp: str, turn: float, expected: str
) -> None:
    publish(OUTLET, ROWS, "20.5", 20)
    assert publish(OUTLET, [(key, ("new", "new")) for key, _ in ROWS], stamp, turn) == expected
    published = expected == "PP"
    assert raw.xlen("out") == (4 if published else 2)
    assert raw.hget("row:a", "stamp") == (stamp if published else "20.5")


@pytest.mark.parametrize("junk", ["", "text", "9e99", "nan", "71"])
def test_a_stamp_that_cannot_be_is_no_obstacle(raw: redis.Redis, publish: Publish, junk: str) -> None:
    raw.hset("row:a", mapping={"stamp": junk, "other": "kept"})
    assert publish(OUTLET, ROWS[:1], "20", 20) == "P"
    assert raw.hgetall("row:a") == {"name": "a", "size": "1", "stamp": "20", "other": "kept"}


def test_a_key_of_another_type_is_left_alone_with_its_row(raw: redis.Redis, publish: Publish) -> None:
    raw.set("row:a", "x")
    assert publish(OUTLET, ROWS, "20", 20) == "WP"
    assert raw.get("row:a") == "x"
    assert [fields["name"] for _, fields in raw.xrange("out")] == ["b"]


def test_a_stream_of_another_type_is_an_error_before_anything_is_written(raw: redis.Redis, publish: Publish) -> None:
    raw.set("out", "x")
    with pytest.raises(RedisFailure, match="out is a string and must be a stream"):
        publish(OUTLET, ROWS, "20", 20)
    assert raw.keys() == ["out"]


def test_the_stream_is_bounded(raw: redis.Redis, publish: Publish) -> None:
    for turn in range(20):
        publish(OUTLET, [(f"row:{number}", ("a", "1")) for number in range(50)], str(turn), turn)
    assert 100 <= raw.xlen("out") < 300
