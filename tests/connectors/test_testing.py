"""What tests of your own flow use."""

from __future__ import annotations

from collections.abc import Iterator

import bytewax.operators as op
import pytest
import redis
from bytewax.dataflow import Dataflow

from connectors import Append, CommitSink, ConsumerGroupSource, Count, Effect, GroupConfig, Message, Service, each
from connectors import source as source_module
from connectors.errors import RedisDenied
from connectors.private_redis import PrivateRedis
from connectors.testing import batch, message, run_until_caught_up
from tests.support.services import service

GROUP = GroupConfig("orders", "g")


def count(order: Message) -> Iterator[Effect]:
    yield Count("sums", {order["customer"]: int(order["n"])})


def flow_of(one: Service, *, drop: bool = False) -> Dataflow:
    flow = Dataflow("orders")
    batches = op.input("in", flow, ConsumerGroupSource(one, GROUP, max_batch=10))
    parts = op.map("count", batches, each(count))
    op.output("commit", op.filter("some", parts, lambda _part: not drop), CommitSink(one))
    return flow


@pytest.fixture
def one(server: PrivateRedis, raw: redis.Redis) -> Service:
    return service(server.url)


def test_entries_and_batches_are_made_by_hand() -> None:
    order = message({"customer": "ann", "n": "5"}, b"1764000000500-0", "orders")
    assert (list(count(order)), order.time, order.stream) == ([Count("sums", {"ann": 5})], 1764000000.5, "orders")
    made = batch({"customer": "ann", "n": "5"}, {"customer": "bob", "n": "é"})
    assert [entry.id for entry in made.entries] == [b"1-0", b"2-0"]
    part = each(lambda one: Append("out", dict(one)))(made)
    assert part.ids == (b"1-0", b"2-0")
    assert part.effects[1] == Append("out", {"customer": "bob", "n": "é"})
    assert part.delivery.entries == 2
    assert batch().entries == []


def test_a_run_ends_when_all_is_read_and_committed_and_another_may_follow(one: Service, raw: redis.Redis) -> None:
    for expected in (b"30", b"60"):
        for _ in range(30):
            raw.xadd("orders", {"customer": "ann", "n": "1"})
        run_until_caught_up(flow_of(one), one, GROUP)
        assert raw.hget("sums", "ann") == expected
        assert raw.xpending("orders", "g")["pending"] == 0
    assert raw.xinfo_consumers("orders", "g") == []


def test_a_run_that_does_not_catch_up_says_so(one: Service, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "DRAIN_SECONDS", 0.0)
    raw.xadd("orders", {"customer": "ann", "n": "1"})
    with pytest.raises(TimeoutError, match=r"not all is read and committed after 0\.5 s"):
        run_until_caught_up(flow_of(one, drop=True), one, GROUP, seconds=0.5)
    assert not one.lifecycle.stopping


def test_what_ends_a_run_is_told(one: Service, raw: redis.Redis) -> None:
    raw.hset("orders:group:g", mapping={"group_stream": "another", "group_name": "g"})
    with pytest.raises(RuntimeError, match="the flow ended with status 78"):
        run_until_caught_up(flow_of(one), one, GROUP)
    raw.delete("orders:group:g")
    raw.xadd("orders", {"customer": "ann", "n": "one"})
    with pytest.raises(ValueError, match="invalid literal"):
        run_until_caught_up(flow_of(one), one, GROUP)


def test_a_run_that_may_not_look_says_so_at_once(server: PrivateRedis, raw: redis.Redis) -> None:
    rights = ["~*", "+@all", "-xrevrange"]
    raw.execute_command("ACL", "SETUSER", "narrow", "reset", "on", ">secret", *rights)
    try:
        one = service(f"redis://narrow:secret@127.0.0.1:{server.port}/0")
        with pytest.raises(RedisDenied, match="denies this user"):
            run_until_caught_up(flow_of(one), one, GROUP)
    finally:
        raw.execute_command("ACL", "DELUSER", "narrow")
