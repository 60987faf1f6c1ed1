"""Rebuilding what an App has written: what is put in place, what is refused, and what is left as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import redis

from connectors import App, Append, AppSettings, Count, Delete, Effect, Include, Message, Put, Sum, tumbling
from connectors import rebuild as rebuild_module
from connectors.catching_up import run_until
from connectors.commit import commit
from connectors.delivery import Delivery, Part, Read
from connectors.errors import CannotRebuild
from connectors.private_redis import PrivateRedis
from connectors.rebuild import Rebuilt, _alone, _put_in_place, drop, rebuild
from connectors.testing import run_until_caught_up
from tests.chaos.conftest import VERSIONS

T0 = datetime(2025, 11, 24, 10, tzinfo=UTC)
COUNTERS = "orders:group:shop"
Function = Callable[[Message], Iterable[Effect]]


@pytest.fixture(params=VERSIONS, scope="module")
def versioned_server(request: pytest.FixtureRequest) -> Iterator[PrivateRedis]:
    with PrivateRedis(VERSIONS[request.param]) as one:
        yield one


@pytest.fixture
def raw(versioned_server: PrivateRedis) -> Iterator[redis.Redis]:
    """Replies are text."""
    with versioned_server.client(decode_responses=True) as one:
        one.flushall()
        yield one


@pytest.fixture
def settings(versioned_server: PrivateRedis, raw: redis.Redis) -> AppSettings:
    return AppSettings(redis_url=versioned_server.url, lease_ttl_sec=2)


def count(order: Message) -> Iterator[Effect]:
    yield Count("sums", {order["customer"]: int(order["n"])})


def app_of(function: Function = count, retries: int = 0) -> App:
    app = App("shop")
    app.each("orders", dead_letters="dead", retries=retries)(function)
    return app


def run(app: App, settings: AppSettings) -> None:
    app.bind(settings)
    run_until_caught_up(app)


def fill(raw: redis.Redis, *numbers: object, customer: str = "ann", offset: float = 0.0) -> list[Any]:
    """Entries with these as their n, added one second after another from T0 + offset on; their IDs."""
    at = int((T0.timestamp() + offset) * 1000)
    return [
        raw.xadd("orders", {"customer": customer, "n": str(n)}, id=f"{at + place * 1000}-0")
        for place, n in enumerate(numbers)
    ]


def everything(raw: redis.Redis) -> dict[str, Any]:
    """All that is in Redis, but for what merely shows that a process was there, and a lock."""
    found: dict[str, Any] = {}
    for key in raw.scan_iter():
        if raw.type(key) == "hash":
            passing = {"fenced_total", "seen_at", "instance", "service_start_ts", "version"}
            found[key] = {field: value for field, value in raw.hgetall(key).items() if field not in passing}
        elif raw.type(key) == "stream":
            found[key] = [raw.xrange(key), *(raw.xpending(key, row["name"]) for row in raw.xinfo_groups(key))]
            found[key] += [(row["name"], row["last-delivered-id"]) for row in raw.xinfo_groups(key)]
    return {key: value for key, value in found.items() if not key.endswith(":lock") and ":lease:" not in key}


def nothing_is_left(raw: redis.Redis) -> bool:
    groups = [row["name"] for row in raw.xinfo_groups("orders")]
    return not [key for key in raw.scan_iter() if "rebuild" in key] and groups == ["shop"]


def test_what_was_wrong_is_computed_anew_and_the_flow_goes_on(raw: redis.Redis, settings: AppSettings) -> None:
    def wrong(order: Message) -> Iterator[Effect]:
        yield Count("sums", {order["customer"].upper(): int(order["n"]) * 10})
        yield Put(f"last:{order['n']}", {"by": "the old one"})

    def right(order: Message) -> Iterator[Effect]:
        yield Count("sums", {order["customer"]: int(order["n"])}, ttl=500)
        yield Sum("usd", {"all": Decimal(order["n"]) / 4})
        yield Include("seen", [order["n"]])
        if order["n"] == "3":
            yield Delete("last:1")
        else:
            yield Put(f"last:{order['n']}", {"by": "the new one"}, ttl=500)
            yield Put(f"last:{order['n']}", {"more": "1"})

    fill(raw, 1, 2)
    run(app_of(wrong), settings)
    fill(raw, 3, 4, offset=10)
    app = app_of(right)
    assert rebuild(app, settings) == Rebuilt(replaced=5, deleted=1, pending=0, letters_gone=0, letters_new=0)
    assert nothing_is_left(raw)
    assert raw.hgetall("sums") == {"ann": "10"}
    assert raw.hgetall("usd") == {"all": "2.50"}
    assert raw.smembers("seen") == {"1", "2", "3", "4"}
    assert raw.exists("last:1", "last:3") == 0
    assert raw.hgetall("last:2") == {"by": "the new one", "more": "1"}
    lives = {key: raw.ttl(key) for key in ("sums", "usd", "seen", "last:2", "last:4")}
    assert [key for key, life in lives.items() if 400 < life <= 500] == ["sums", "last:2", "last:4"]
    assert {lives["usd"], lives["seen"]} == {-1}
    last = fill(raw, 5, offset=20)[-1]
    run(app, settings)
    assert raw.hgetall("sums") == {"ann": "15"}
    assert raw.hget(COUNTERS, "last_id") == last
    assert raw.xinfo_groups("orders")[0]["pending"] == 0


def test_from_a_time_on_and_what_it_does_not_write_stays(raw: redis.Redis, settings: AppSettings) -> None:
    def by_customer(order: Message) -> Effect:
        return Count(f"sums:{order['customer']}", {"n": int(order["n"])})

    app = app_of(by_customer)
    fill(raw, 1, 2, customer="bob")
    fill(raw, 4, 8, 16, customer="ann", offset=10)
    run(app, settings)
    since = datetime.fromtimestamp(T0.timestamp() + 11, UTC)
    assert rebuild(app, settings, since) is not None
    assert (raw.hgetall("sums:ann"), raw.hgetall("sums:bob")) == ({"n": "24"}, {"n": "3"})
    # (from now on, that is where the flow began)
    assert rebuild(app, settings) is not None
    assert (raw.hgetall("sums:ann"), raw.hgetall("sums:bob")) == ({"n": "24"}, {"n": "3"})


def test_what_the_running_flow_had_in_flight_is_fenced_and_done_once(raw: redis.Redis, settings: AppSettings) -> None:
    app = app_of()
    fill(raw, *range(5))
    run(app, settings)
    ids = fill(raw, 100, 200, offset=10)
    lease = f"{COUNTERS}:lease:live"
    raw.set(lease, "token")
    raw.xreadgroup("shop", "live:0123abcd.0", {"orders": ">"}, count=2)
    reads = (Read("live:0123abcd.0", 2, ids[1].encode()),)
    delivery = Delivery("orders", "shop", "live", lease, "token", COUNTERS, 1, reads=reads)
    part = Part(delivery, tuple(one.encode() for one in ids), (Count("sums", {"ann": 300}),))
    assert rebuild(app, settings) is not None
    assert raw.hgetall("sums") == {"ann": "310"}
    assert commit(raw_bytes(settings), [part]).refused == [part]
    raw.set(lease, "token")  # (as if it had overlooked that it should hold still)
    assert commit(raw_bytes(settings), [part]).gone == [part]
    fill(raw, 1000, offset=20)
    run(app, settings)
    assert raw.hgetall("sums") == {"ann": "1310"}


def raw_bytes(settings: AppSettings) -> redis.Redis:
    assert settings.redis_url is not None
    return redis.Redis.from_url(settings.redis_url.get_secret_value())


def shadow_run(app: App, settings: AppSettings, done: Callable[[redis.Redis], bool]) -> None:
    """The rebuild's own flow, without what comes after it."""
    app.bind(settings, rebuild=True)
    assert run_until(app, app.service, done, 60)
    app.bind(settings)


def test_the_swap_is_refused_while_the_running_flow_is_ahead(raw: redis.Redis, settings: AppSettings) -> None:
    """An entry that only the running flow has counted could be in a key which the rebuild never wrote."""
    app = app_of()
    fill(raw, 1, 2)
    run(app, settings)
    shadow_run(app, settings, lambda client: client.hget("sums:rebuild", "ann") == b"3")
    fill(raw, 4, offset=10)
    run(app, settings)
    before = everything(raw)
    with _alone(app, app.groups[0]) as (client, lock):
        assert _put_in_place(client, lock, app.groups, app.dead_letters) is None
        assert everything(raw) == before
        lock.token, token = "another", lock.token
        with pytest.raises(CannotRebuild, match="the lock of this rebuild is gone"):
            _put_in_place(client, lock, app.groups, app.dead_letters)
        lock.token = token
        assert everything(raw) == before
    assert rebuild(app, settings) is not None
    assert raw.hgetall("sums") == {"ann": "7"}


def test_the_swap_is_refused_when_something_was_written_in_between(
    raw: redis.Redis, settings: AppSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_of()
    fill(raw, 1, 2)
    shadow_run(app, settings, lambda client: client.hget("sums:rebuild", "ann") == b"3")
    swap = rebuild_module._swap

    def late(*given: Any) -> Any:
        raw.hset(f"{COUNTERS}:rebuild:keys", "another", "0")
        return swap(*given)

    with _alone(app, app.groups[0]) as (client, lock):
        with monkeypatch.context() as patch:
            patch.setattr(rebuild_module, "_swap", late)
            assert _put_in_place(client, lock, app.groups, app.dead_letters) is None
        assert raw.hgetall("sums:rebuild") == {"ann": "3"}
        assert _put_in_place(client, lock, app.groups, app.dead_letters) == Rebuilt(1, 1, 0, 0, 0)


def test_entries_that_wait_for_another_attempt_go_on_waiting(raw: redis.Redis, settings: AppSettings) -> None:
    failing = True

    def fickle(order: Message) -> Effect:
        if failing and order["n"] in ("2", "8"):
            raise RuntimeError("not now")
        return Count("sums", {order["customer"]: int(order["n"])})

    app = app_of(fickle, retries=50)
    ids = fill(raw, 1, 2, 4, 8)
    shadow_run(app, settings, lambda client: client.hget("sums:rebuild", "ann") == b"5")
    raw.xdel("orders", ids[1])
    # (The running flow has come so far, its group is gone, and it was asked to hold still.)
    raw.hset(COUNTERS, mapping={"last_id": ids[0], "held_until": raw.time()[0] + 20, "group_generation": "4"})
    with _alone(app, app.groups[0]) as (client, lock):
        done = _put_in_place(client, lock, app.groups, app.dead_letters)
    assert done == Rebuilt(replaced=1, deleted=0, pending=1, letters_gone=0, letters_new=0)
    assert raw.xpending("orders", "shop")["min"] == ids[3]
    wanted = {"trimmed_total": "1", "last_id": ids[3], "held_until": None, "group_generation": "5", "group_start": "0"}
    assert dict(zip(wanted, raw.hmget(COUNTERS, list(wanted)), strict=True)) == wanted
    failing = False
    run(app, settings)
    assert raw.hgetall("sums") == {"ann": "13"}


def test_dead_letters_of_what_is_processed_anew_give_way(raw: redis.Redis, settings: AppSettings) -> None:
    app = app_of()
    old = fill(raw, "a", "b", 4)
    fill(raw, "c", "d", 8, offset=100)
    run(app, settings)
    assert raw.xlen("dead") == 4
    raw.xadd("dead", {"stream": "orders", "group": "another", "id": old[0]})
    raw.xadd("dead", {"stream": "orders", "group": "shop", "id": "no ID"})
    raw.xdel("orders", raw.xrange("orders")[4][0])  # (d is gone: nothing else knows of it any more)

    def copes(order: Message) -> Effect:
        return Count("sums", {order["customer"]: int(order["n"], 13)})

    def kept() -> list[tuple[str, str]]:
        return [(row["group"], row["id"]) for _id, row in raw.xrange("dead")]

    before = kept()
    since = datetime.fromtimestamp(T0.timestamp() + 1, UTC)
    done = rebuild(app_of(copes), settings, since)
    assert (done.letters_gone, done.letters_new) == (2, 0) if done else False
    assert kept() == [before[0], before[3], *before[4:]]
    assert raw.hgetall("sums") == {"ann": str(11 + 4 + 12 + 8)}
    done = rebuild(app_of(), settings, since)
    assert (done.letters_gone, done.letters_new) == (0, 2) if done else False
    assert kept()[-2:] == [("shop", old[1]), ("shop", raw.xrange("orders")[3][0])]


def test_dropped_it_leaves_no_trace(raw: redis.Redis, settings: AppSettings) -> None:
    app = app_of()
    fill(raw, 1, "x")
    run(app, settings)
    before = everything(raw)
    shadow_run(app, settings, lambda client: client.xlen("dead:rebuild") == 1)
    assert drop(app, settings) == 1
    assert nothing_is_left(raw)
    assert everything(raw) == before
    assert drop(app, settings) == 0


def test_one_at_a_time(raw: redis.Redis, settings: AppSettings) -> None:
    app = app_of()
    fill(raw, 1)
    raw.set(f"{COUNTERS}:rebuild:lock", "another")
    with pytest.raises(CannotRebuild, match="another rebuild of App shop is running"):
        drop(app, settings)
    raw.pexpire(f"{COUNTERS}:rebuild:lock", 100)
    assert rebuild(app, settings) is not None
    assert raw.hgetall("sums") == {"ann": "1"}


def test_begun_from_elsewhere_it_is_refused_until_it_is_dropped(raw: redis.Redis, settings: AppSettings) -> None:
    app = app_of()
    fill(raw, 1, 2)
    run(app, settings)
    shadow_run(app, settings, lambda client: client.hget("sums:rebuild", "ann") == b"3")
    with pytest.raises(CannotRebuild, match="group shop:rebuild of stream orders began with the oldest entry"):
        rebuild(app, settings, T0)
    assert drop(app, settings) == 1
    assert rebuild(app, settings, datetime.fromtimestamp(T0.timestamp() + 1, UTC)) is not None
    assert raw.hgetall("sums") == {"ann": "2"}


def test_what_is_gone_from_the_stream_is_not_forgotten_unnoticed(raw: redis.Redis, settings: AppSettings) -> None:
    app = app_of()
    fill(raw, 1, 2, 4)
    run(app, settings)
    raw.xtrim("orders", 2, approximate=False)
    if "entries-added" in raw.xinfo_stream("orders"):
        with pytest.raises(CannotRebuild, match="1 entries are gone from stream orders; pass --from"):
            rebuild(app, settings)
        assert raw.hgetall("sums") == {"ann": "7"}
        shadow_run(app, settings, lambda client: client.hget("sums:rebuild", "ann") == b"6")
        fill(raw, 8, 16, 32, offset=10)
        raw.xtrim("orders", 1, approximate=False)
        with pytest.raises(CannotRebuild, match="2 entries were gone from stream orders before they could be read"):
            rebuild(app, settings)
        assert raw.hgetall("sums") == {"ann": "7"}
        drop(app, settings)
    assert rebuild(app, settings, T0) is not None
    assert raw.hget("sums", "ann") in ("6", "32")


def test_what_can_be_done_once_is_refused_and_nothing_is_put_in_place(raw: redis.Redis, settings: AppSettings) -> None:
    fill(raw, 1)
    appends = app_of(lambda order: [*count(order), Append("out", {"n": order["n"]})])
    run(appends, settings)
    with pytest.raises(CannotRebuild, match="Append 'out' cannot be rebuilt"):
        rebuild(appends, settings)
    assert (raw.hgetall("sums"), raw.xlen("out")) == ({"ann": "1"}, 1)
    windowed = App("pages")
    windowed.windows("views", tumbling(10))
    windowed.each("orders")(count)
    for app, reason in ((windowed, "App pages counts in windows 'views'"), (App("idle"), "App idle reads no stream")):
        with pytest.raises(CannotRebuild, match=reason):
            rebuild(app, settings)


def test_several_streams_are_swapped_together(raw: redis.Redis, settings: AppSettings) -> None:
    app = App("shop")
    app.each(["orders", "others"])(count)
    app.each("orders", group="second")(lambda order: Count("seconds", {"n": 1}))
    fill(raw, 1, 2)
    raw.xadd("others", {"customer": "ann", "n": "4"})
    run(app, settings)
    raw.hincrby("sums", "ann", 100)
    raw.delete("seconds")
    assert rebuild(app, settings) is not None
    assert (raw.hgetall("sums"), raw.hgetall("seconds")) == ({"ann": "7"}, {"n": "2"})
    assert {row["name"] for row in raw.xinfo_groups("orders")} == {"shop", "second"}
