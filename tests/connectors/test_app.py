"""A whole program in a few lines: the dataflow that one would write by hand, and nothing of it before it runs."""

from __future__ import annotations

from collections import Counter as Collector
from collections.abc import Iterator
from typing import Any

import bytewax.operators as op
import pytest
import redis
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink
from bytewax.testing import TestingSink, TestingSource
from bytewax.visualize import to_json

from connectors import App, AppSettings, Count, Message, RedisSettings
from connectors.errors import SettingsError
from connectors.private_redis import PrivateRedis
from connectors.sign import Subscription, subscriptions
from connectors.testing import run_until_caught_up

CUSTOMERS = ["ann", "bob", "cid"]


def count(entry: Message) -> Iterator[Count]:
    yield Count("sums", {entry["customer"]: int(entry["n"])})


@pytest.fixture
def settings(server: PrivateRedis, raw: redis.Redis) -> AppSettings:
    return AppSettings(redis_url=server.url, read_batch=7)


def fill(raw: redis.Redis, streams: list[str], rounds: int) -> dict[bytes, bytes]:
    """Entries for each stream; what their sums are."""
    for number in range(rounds):
        for stream in streams:
            raw.xadd(stream, {"customer": CUSTOMERS[number % 3], "n": number})
    return {
        customer.encode(): b"%d" % (sum(n for n in range(rounds) if n % 3 == place) * len(streams))
        for place, customer in enumerate(CUSTOMERS)
    }


def test_it_is_the_dataflow_that_one_would_write_by_hand() -> None:
    app = App("shop")
    app.each("orders")(count)

    @app.each(["a.b", "c"], dead_letters="dead")
    def others(entry: Message) -> tuple[()]:
        return ()

    source: Any = TestingSource([])
    sink: DynamicSink[Any] = TestingSink([])
    flow = Dataflow("shop")
    op.output("group_metrics", op.input("group_states", flow, source), sink)
    op.output("count_commit", op.map("count", op.input("count_entries", flow, source), count), sink)
    both = op.merge(
        "others_all", op.input("others_entries_1", flow, source), op.input("others_entries_2", flow, source)
    )
    op.output("others_commit", op.map("others", both, others), sink)
    assert to_json(app) == to_json(flow)


def test_what_is_decorated_stays_a_function() -> None:
    assert App("shop").each("orders")(count) is count


def test_more_steps_can_be_added_to_it(settings: AppSettings, raw: redis.Redis) -> None:
    app, seen = App("shop"), list[int]()
    app.each("orders")(count)
    op.output(
        "seen", op.map("more", op.input("numbers", app, TestingSource([1, 2])), lambda one: one * 2), TestingSink(seen)
    )
    app.bind(settings)
    sums = fill(raw, ["orders"], 5)
    run_until_caught_up(app)
    assert (raw.hgetall("sums"), seen) == (sums, [2, 4])


def test_until_it_runs_no_setting_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_PORT", "six")
    app = App("shop")
    app.each("orders")(count)
    assert "count_entries" in to_json(app)
    with pytest.raises(SettingsError, match="REDIS_PORT='six' is wrong"):
        app.settings  # noqa: B018
    monkeypatch.setenv("REDIS_PORT", "6")
    monkeypatch.setenv("LEASE_TTL_SEC", "7")
    assert app.settings.redis_port == 6
    assert [(group.stream, group.group, group.lease_ttl) for group in app.groups] == [("orders", "shop", 7.0)]


def test_several_streams_are_counted_once_each_and_a_second_run_goes_on(
    settings: AppSettings, raw: redis.Redis
) -> None:
    streams, app = ["a", "b", "c"], App("shop")
    app.each(streams)(count)
    for _ in range(2):
        app.bind(settings)
        fill(raw, streams, 30)
        run_until_caught_up(app)
    sums = fill(raw, [], 0)
    for number in range(30):
        place = CUSTOMERS[number % 3].encode()
        sums[place] = b"%d" % (int(sums[place]) + 6 * number)
    assert raw.hgetall("sums") == sums
    for stream in streams:
        assert raw.xpending(stream, "shop")["pending"] == 0


@pytest.mark.parametrize("joined", [False, True])
def test_an_entry_that_fails_is_tried_again_alone(settings: AppSettings, raw: redis.Redis, *, joined: bool) -> None:
    app, seen = App("shop"), Collector[str]()

    def fickle(entry: Message, *row: object) -> Count:
        seen[entry["n"]] += 1
        if entry["n"] == "3" or (entry["n"] == "2" and seen["2"] < 2):
            raise ValueError("not now")
        return Count("sums", {entry["customer"]: int(entry["n"])})

    table = app.table("t", key="customer") if joined else None
    app.each("orders", join=table, dead_letters="dead", retries=1)(fickle)
    with pytest.raises(ValueError, match="retries is a number from 0"):
        app.each("others", join=table, retries=-1)(count if table is None else fickle)
    app.bind(settings)
    for n in range(1, 6):
        raw.xadd("orders", {"customer": "ann", "n": n})
    run_until_caught_up(app)
    assert raw.hget("sums", "ann") == b"%d" % (1 + 2 + 4 + 5)
    assert seen == {"1": 1, "2": 2, "3": 2, "4": 1, "5": 1}
    assert raw.xlen("dead") == 1


def test_bound_anew_all_of_it_is_made_anew(settings: AppSettings) -> None:
    app = App("shop")
    app.each("orders", join=app.table("t", key="k"))(lambda entry, row: count(entry))
    app.every(1)(print)
    for _ in range(2):
        app.bind(settings)
        assert {
            id(part._service if hasattr(part, "_service") else part.service)
            for part in (late() for late in app._late_parts)
        } == {id(app.service)}


def test_groups_metrics_and_signs_of_life_bear_its_name(settings: AppSettings, raw: redis.Redis) -> None:
    app = App("my-shop", version="1.2")
    app.each(["a", "b"], dead_letters="dead")(count)
    app.bind(settings)
    fill(raw, ["a", "b"], 10)
    run_until_caught_up(app)
    value = app._process().metrics.registry.get_sample_value
    assert value("my_shop_messages_total") == 20
    assert value("my_shop_build_info", {"version": "1.2"}) == 1
    assert value("my_shop_redis_up") == 1
    for stream in ("a", "b"):
        assert raw.hget(f"{stream}:group:my-shop", "group_name") == b"my-shop"
    known = raw.hgetall("quantum:flow:my-shop")
    assert known[b"version"] == b"1.2"
    assert float(known[b"seen_at"]) > 0
    assert subscriptions(known[b"reads"].decode()) == tuple(
        Subscription(stream, "my-shop", "dead") for stream in ("a", "b")
    )


def test_a_stream_may_be_read_twice_by_groups_of_their_own_only(settings: AppSettings, raw: redis.Redis) -> None:
    app = App("shop")
    app.each("orders")(count)

    def again(entry: Message) -> Count:
        return Count("seen", {"n": 1})

    with pytest.raises(ValueError, match=r"App 'shop' reads stream 'orders' twice as group 'shop'.*another group"):
        app.each(["others", "orders"])(again)
    with pytest.raises(ValueError, match="reads stream 'others' twice"):
        app.each(["others", "others"])(again)
    app.each("orders", group="again")(again)
    app.bind(settings)
    fill(raw, ["orders"], 10)
    run_until_caught_up(app)
    assert raw.hget("seen", "n") == b"10"
    assert sum(map(int, raw.hvals("sums"))) == sum(range(10))


@pytest.mark.parametrize("name", ["", "a.b", "1", "a b", None, "x" * 65])
def test_a_name_that_cannot_be(name: Any) -> None:
    with pytest.raises(ValueError, match="an App is named by a letter"):
        App(name)


@pytest.mark.parametrize("streams", [[], "", [""], [5], count, 5])
def test_streams_that_cannot_be(streams: Any) -> None:
    with pytest.raises(ValueError, match=r"needs a stream|stream of a group must be its name"):
        App("shop").each(streams)


def test_a_function_that_cannot_be_called_so_is_refused_and_makes_no_dead_letters() -> None:
    app = App("shop")
    with pytest.raises(ValueError, match=r"count is given an entry and a row: too many positional arguments"):
        app.each("orders", join=app.table("t", key="k"))(count)
    with pytest.raises(ValueError, match="join takes a table of the App, not 't'"):
        app.each("orders", join="t")  # type: ignore[arg-type]

    def two(entry: Message, row: object) -> tuple[()]:
        return ()

    with pytest.raises(ValueError, match=r"two is given an entry: missing a required argument: 'row'"):
        app.each("orders")(two)
    with pytest.raises(ValueError, match="two is given a client: missing a required"):
        app.every(1)(two)
    assert app.substeps == []


def test_settings_that_are_none() -> None:
    for settings in (RedisSettings, AppSettings(), None):
        with pytest.raises(ValueError, match="settings of App 'shop' are a subclass of AppSettings"):
            App("shop", settings=settings)  # type: ignore[arg-type]
