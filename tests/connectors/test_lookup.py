"""The lookup join: on a real Redis, and what becomes of items when that does not answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import bytewax.operators as op
import pytest
import redis
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main
from structlog.testing import capture_logs

from connectors.lifecycle import Lifecycle
from connectors.lookup import TIMEOUT, HashLookup, Joined, Lookup, MemoryLookup, lookup_join
from connectors.lookup_result import Failed, Found, Missing
from connectors.private_redis import PrivateRedis
from connectors.service import Service
from connectors.settings import RedisSettings
from tests.support.services import service

FIELDS = (b"a", b"b")


@pytest.fixture
def table(server: PrivateRedis) -> HashLookup:
    return HashLookup(service(server.url), "table", FIELDS)


def run(items: list[list[str]], table: Lookup, batch: int = 10) -> list[Joined[list[str]]]:
    """Join `items`, each of which asks for the keys that it holds."""
    flow = Dataflow("test")
    out: list[Joined[list[str]]] = []
    joined = lookup_join("join", op.input("in", flow, TestingSource(items, batch)), lambda item: item, table)
    op.output("out", joined, TestingSink(out))
    run_main(flow)  # type: ignore[no-untyped-call]
    return out


def test_each_item_meets_what_is_there(client: redis.Redis, table: HashLookup) -> None:
    client.hset("full", mapping={"a": "1", "b": "2", "c": "3"})
    client.hset("half", mapping={"b": ""})
    client.hset("other", mapping={"c": "3"})
    client.set("text", "x")
    before = time.time()
    joined = run([["full", "half"], ["other", "none", "text", "full"], []], table)
    assert [one.item for one in joined] == [["full", "half"], ["other", "none", "text", "full"], []]
    found = joined[0].found
    assert found["full"] == Found({b"a": b"1", b"b": b"2"})
    assert found["half"] == Found({b"b": b""})
    assert (found["other"], found["none"]) == (Missing(), Missing())
    assert isinstance(found["text"], Failed)
    assert "wrong kind of value" in found["text"].cause
    assert all(before <= one.at <= time.time() for one in joined)


def test_bytes_that_are_no_text_are_looked_up_as_they_are(client: redis.Redis, table: HashLookup) -> None:
    client.hset(b"\xff", mapping={"a": b"\xfe"})
    found, _at = table([b"\xff".decode("utf-8", "surrogateescape")])
    assert list(found.values()) == [Found({b"a": b"\xfe"})]


def test_a_batch_is_one_look_and_names_each_key_once(client: redis.Redis) -> None:
    asked: list[list[str]] = []

    def table(keys: list[str]) -> tuple[dict[str, Missing], float]:
        asked.append(list(keys))
        return dict.fromkeys(keys, Missing()), 1.0

    run([["a", "b"], ["b", "c"], ["d"]], table, batch=2)  # type: ignore[arg-type]
    assert asked == [["a", "b", "c"], ["d"]]


def test_one_pipelined_read_a_batch(client: redis.Redis, table: HashLookup) -> None:
    table(["warm", "up"])
    client.config_resetstat()
    table([f"k{number}" for number in range(100)])
    stats = client.info("commandstats")
    assert stats["cmdstat_hmget"]["calls"] == 100
    assert set(stats) <= {"cmdstat_hmget", "cmdstat_info", "cmdstat_config|resetstat"}


def test_a_redis_that_is_away_fails_every_key_and_is_told_of_once() -> None:
    with PrivateRedis() as server:
        table = HashLookup(service(server.url), "table", FIELDS)
        with server.client() as raw:
            raw.hset("k", "a", "1")
        assert table(["k"])[0] == {"k": Found({b"a": b"1"})}
        server.kill()
        with capture_logs() as logs:
            for _ in range(3):
                found, _at = table(["k", "l"])
                assert {key: type(one) for key, one in found.items()} == {"k": Failed, "l": Failed}
            server.start()
            assert table(["k"])[0] == {"k": Missing()}
    assert [line["event"] for line in logs] == ["lookup failed; continuing without it", "lookups work again"]


@pytest.fixture
def deaf() -> Iterator[str]:
    """The URL of someone who accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def test_a_redis_that_hangs_is_not_waited_for(deaf: str) -> None:
    table = HashLookup(service(deaf), "table", FIELDS)
    limits = table._client.connection_pool.connection_kwargs
    assert (limits["socket_timeout"], limits["socket_connect_timeout"]) == (TIMEOUT, TIMEOUT)
    found, _at = table(["k"])
    assert isinstance(found["k"], Failed)


def test_a_frozen_redis_does_not_answer_the_read_and_later_does() -> None:
    with PrivateRedis() as server:
        table = HashLookup(service(server.url), "table", FIELDS)
        assert table(["k"])[0] == {"k": Missing()}
        server.freeze()
        assert isinstance(table(["k"])[0]["k"], Failed)
        server.thaw()
        assert table(["k"])[0] == {"k": Missing()}


def test_keys_that_fail_alone_are_named_when_that_begins_and_when_it_ends(
    client: redis.Redis, table: HashLookup
) -> None:
    with capture_logs() as logs:
        for step in ("fine", "wrong", "wrong", "fine"):
            client.delete("a\x1b")
            client.set("a\x1b", "x") if step == "wrong" else client.hset("a\x1b", "a", "1")
            table(["a\x1b", "b"])
            table(["b"])
    assert [(line["log_level"], line["which"].partition(":")[0]) for line in logs] == [
        ("warning", "a�"),
        ("info", "a�"),
    ]


def test_a_right_that_is_missing_fails_the_key_alone(client: redis.Redis, server: PrivateRedis) -> None:
    client.execute_command("ACL", "SETUSER", "half", "reset", "on", ">pass", "~mine*", "+@all")
    client.hset("mine", "a", "1")
    try:
        settings = RedisSettings(redis_url=server.url, redis_username="half", redis_password="pass")
        table = HashLookup(Service.create(settings, "test", None, Lifecycle()), "table", FIELDS)
        found, _at = table(["mine", "theirs"])
        assert found["mine"] == Found({b"a": b"1"})
        assert isinstance(found["theirs"], Failed)
        assert "denies" in found["theirs"].cause
    finally:
        client.execute_command("ACL", "DELUSER", "half")


def test_a_lookup_in_memory_knows_what_it_was_given() -> None:
    table = MemoryLookup({"k": Found({b"a": b"1"})}, 5.0)
    assert table(["k", "l"]) == ({"k": Found({b"a": b"1"}), "l": Missing()}, 5.0)
