"""Derived values: what a function may give, and how it is written."""

from __future__ import annotations

from typing import Any

import bytewax.operators as op
import pytest
import redis
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main
from bytewax.visualize import to_json

from connectors import App, AppSettings, Count, Delete, Message, Put
from connectors.deriving import derived_by, put
from connectors.private_redis import PrivateRedis

ONE = Put("total", {"n": "1"}, ttl=60)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        (ONE, (ONE,)),
        ([ONE, ONE], (ONE, ONE)),
        ((), None),
        (iter([ONE]), (ONE,)),
        (Delete("a"), (Delete("a"),)),
    ],
)
def test_a_function_gives_what_is_to_be_written_or_nothing(given: Any, expected: Any, raw: redis.Redis) -> None:
    assert derived_by(lambda _client: given)(raw) == expected


@pytest.mark.parametrize("given", [5, [ONE, Count("n", {"a": 1})], "text"])
def test_what_may_not_be_done_twice_is_refused_with_the_name_of_the_function(given: Any, raw: redis.Redis) -> None:
    def total(_client: redis.Redis) -> Any:
        return given

    with pytest.raises(TypeError, match="total gives Put and Delete, which may be done twice, or None, and gave"):
        derived_by(total)(raw)


def test_all_of_it_is_written_in_one_step_and_as_well_twice(raw: redis.Redis) -> None:
    raw.hset("total", mapping={"n": "0", "other": "stays"})
    for _ in range(2):
        put(raw, [ONE, Put("second", {"é": "x"})])
        assert raw.hgetall("total") == {b"n": b"1", b"other": b"stays"}
        assert (raw.ttl("total"), raw.hgetall("second")) == (60, {"é".encode(): b"x"})
    for _ in range(2):
        put(raw, [Delete("total"), Put("total", {"m": "2"}), Delete("second")])
        assert (raw.hgetall("total"), raw.ttl("total"), raw.exists("second")) == ({b"m": b"2"}, -1, 0)
    raw.set("second", "no hash")
    with pytest.raises(redis.ResponseError):
        put(raw, [Put("second", {"n": "2"})])


def test_an_app_derives_beside_its_entries(server: PrivateRedis, raw: redis.Redis) -> None:
    app = App("shop")

    @app.each("orders")
    def count(entry: Message) -> Count:
        return Count("sums", {entry["customer"]: int(entry["n"])})

    @app.every(0.02)
    def total(client: redis.Redis) -> Put | None:
        sums = [int(value) for value in client.hvals("sums")]
        if len(sums) < 2:
            return None
        if client.hexists("total", "n"):
            app.service.lifecycle.stop("all is derived")
        return Put("total", {"n": str(sum(sums))})

    flow, source, sink = Dataflow("shop"), TestingSource([]), TestingSink[Any]([])
    op.output("group_metrics", op.input("group_states", flow, source), sink)
    op.output("count_commit", op.map("count", op.input("count_entries", flow, source), count), sink)
    op.output("total_write", op.input("total", flow, source), sink)
    assert to_json(app) == to_json(flow)

    app.bind(AppSettings(redis_url=server.url))
    for customer, n in (("ann", 5), ("bob", 7)):
        raw.xadd("orders", {"customer": customer, "n": n})
    run_main(app)  # type: ignore[no-untyped-call]
    app.service.lifecycle.reset()
    assert raw.hgetall("total") == {b"n": b"12"}


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), "1"])
def test_an_interval_that_cannot_be(seconds: Any) -> None:
    with pytest.raises(ValueError, match="every needs seconds"):
        App("shop").every(seconds)
