"""Entries joined with rows of a table."""

from __future__ import annotations

from typing import Any

import bytewax.operators as op
import pytest
import redis
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main
from bytewax.visualize import to_json
from structlog.testing import capture_logs

from connectors import App, AppSettings, Count, JoinTable, MemoryLookup, Message, Part, Row, each_joined, lookup_join
from connectors import source as source_module
from connectors.joining import UnreadableRow
from connectors.lookup_result import Failed, Found, Missing
from connectors.private_redis import PrivateRedis
from connectors.testing import batch, message, run_until_caught_up
from connectors.waiting_lookup import WaitingLookup
from tests.support.services import service

FORECAST = JoinTable("forecast", key="place")


def count(entry: Message, row: Row) -> Count:
    return Count("sky", {row.get("sky", "unknown"): int(entry["n"])})


def test_a_row_is_there_or_missing_or_unreadable_and_each_reads_otherwise() -> None:
    there = Row("k", Found({b"sky": b"grey", "é".encode(): b"\xff"}))
    assert dict(there) == {"sky": "grey", "é": "�"}
    assert (there.missing, there.unreadable) == (False, "")
    missing = Row("k", Missing())
    assert (dict(missing), missing.missing, missing.unreadable) == ({}, True, "")
    with pytest.raises(KeyError):
        missing["sky"]
    unreadable = Row("k", Failed("of another type"))
    assert (unreadable.missing, unreadable.unreadable) == (False, "of another type")
    uses: list[Any] = [lambda: unreadable["sky"], lambda: unreadable.get("sky"), lambda: "sky" in unreadable]
    for use in [*uses, lambda: dict(unreadable), lambda: bool(unreadable), lambda: list(unreadable.items())]:
        with pytest.raises(UnreadableRow, match="row 'k': of another type"):
            use()


def joined_by_hand(entries: Any, dead_letters: str | None = "dead") -> list[Part]:
    rows = MemoryLookup({"forecast:oslo": Found({b"sky": b"grey"}), "forecast:rome": Failed("denied")}, at=0.0)
    flow, out = Dataflow("test"), list[Part]()
    joined = lookup_join("join", op.input("in", flow, TestingSource(entries)), FORECAST.keys, rows)
    op.output("out", op.map("count", joined, each_joined(count, FORECAST, dead_letters)), TestingSink(out))
    run_main(flow)  # type: ignore[no-untyped-call]
    return out


def test_by_hand_each_entry_meets_its_row_and_the_rest_are_dead_letters() -> None:
    places = [{"place": "oslo", "n": "1"}, {"place": "paris", "n": "2"}, {"place": "rome", "n": "3"}, {"n": "4"}]
    with capture_logs():
        (part,) = joined_by_hand([batch(*places)])
    assert part.effects[:2] == (Count("sky", {"grey": 1}), Count("sky", {"unknown": 2}))
    errors = [letter.fields["error"] for letter in part.effects[2:]]  # type: ignore[union-attr]
    assert errors == [
        "UnreadableRow: row 'forecast:rome': denied",
        "ValueError: no field 'place', by which table 'forecast' is joined",
    ]


def test_a_value_that_is_no_text_names_a_key_of_those_bytes() -> None:
    odd = message({"place": "x", "n": "1"})
    odd.raw[1] = b"\xff"
    row = FORECAST.row(odd, {"forecast:\udcff": Found({b"sky": b"odd"})})
    assert row["sky"] == "odd"


@pytest.mark.parametrize(("name", "key"), [("", "k"), ("t", ""), ("t", None)])
def test_a_table_that_cannot_be(name: Any, key: Any) -> None:
    with pytest.raises(ValueError, match="a table has a name and a key"):
        App("shop").table(name, key=key)


def test_an_app_joins_each_entry_with_the_whole_hash_that_it_names(server: PrivateRedis, raw: redis.Redis) -> None:
    app = App("shop")
    app.each("orders", join=app.table("forecast", key="place"), dead_letters="dead")(count)
    flow, source, sink = Dataflow("shop"), TestingSource([]), TestingSink[Any]([])
    op.output("group_metrics", op.input("group_states", flow, source), sink)
    entries = op.input("count_entries", flow, source)
    joined = lookup_join("count_join", entries, FORECAST.keys, MemoryLookup({}, 0.0))
    op.output("count_commit", op.map("count", joined, count), sink)
    assert to_json(app) == to_json(flow)

    raw.hset("forecast:oslo", mapping={"sky": "grey", "more": "x"})
    raw.set("forecast:rome", "no hash")
    for place, n in (("oslo", 1), ("paris", 2), ("rome", 4), ("oslo", 8)):
        raw.xadd("orders", {"place": place, "n": n})
    app.bind(AppSettings(redis_url=server.url))
    run_until_caught_up(app)
    assert raw.hgetall("sky") == {b"grey": b"9", b"unknown": b"2"}
    ((_id, letter),) = raw.xrange("dead")
    assert letter[b"error"].startswith(b"UnreadableRow: row 'forecast:rome': WRONGTYPE")


def test_a_redis_that_is_away_is_waited_for_and_no_row_is_made_up(server: PrivateRedis, raw: redis.Redis) -> None:
    raw.hset("forecast:oslo", "sky", "grey")
    one = service(server.url)
    table = WaitingLookup(one, "forecast")
    raw.config_set("requirepass", "secret")  # (denied, and not by one key)
    raw.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    one.outage.up("another part")
    attempts: list[float] = []

    def wait(seconds: float) -> bool:
        attempts.append(seconds)
        if len(attempts) == 3:
            raw.config_set("requirepass", "")
        return False

    one.lifecycle.wait = wait  # type: ignore[method-assign]
    found, _at = table(["forecast:oslo", "forecast:paris"])
    assert found == {"forecast:oslo": Found({b"sky": b"grey"}), "forecast:paris": Missing()}
    assert len(attempts) == 3


def test_who_has_no_right_to_the_table_waits(server: PrivateRedis, raw: redis.Redis) -> None:
    one = service(server.url)
    table = WaitingLookup(one, "forecast")
    one.outage.up("another part")
    raw.execute_command("ACL", "SETUSER", "default", "-hgetall")
    try:
        one.lifecycle.wait = lambda _seconds: bool(  # type: ignore[method-assign]
            raw.execute_command("ACL", "SETUSER", "default", "+hgetall") != b"OK"
        )
        assert table(["forecast:oslo"])[0] == {"forecast:oslo": Missing()}
    finally:
        raw.execute_command("ACL", "SETUSER", "default", "+@all")


def test_a_stop_while_redis_is_away_leaves_the_entries_pending(
    server: PrivateRedis, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "DRAIN_SECONDS", 0.0)
    app = App("shop")
    app.each("orders", join=app.table("forecast", key="place"), dead_letters="dead")(count)
    app.bind(AppSettings(redis_url=server.url, lease_ttl_sec=0.5))
    raw.xadd("orders", {"place": "oslo", "n": 1})
    raw.execute_command("ACL", "SETUSER", "default", "-hgetall")
    try:
        with pytest.raises(TimeoutError):
            run_until_caught_up(app, seconds=1.0)
    finally:
        raw.execute_command("ACL", "SETUSER", "default", "+@all")
    assert (raw.exists("sky"), raw.exists("dead"), raw.xpending("orders", "shop")["pending"]) == (0, 0, 1)
    app.bind(AppSettings(redis_url=server.url, lease_ttl_sec=0.5))
    run_until_caught_up(app)
    assert raw.hgetall("sky") == {b"unknown": b"1"}
