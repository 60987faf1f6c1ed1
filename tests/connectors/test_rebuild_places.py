"""Where and when a rebuild can be done: in a slot of Redis Cluster, as a user with few rights, alone, and caught up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis

from connectors import App, AppSettings, Count, GroupConfig, Message
from connectors.catching_up import run_until
from connectors.errors import CannotRebuild, RedisDenied
from connectors.private_redis import PrivateRedis
from connectors.rebuild import _CaughtUp, drop, rebuild
from connectors.testing import run_until_caught_up
from tests.chaos.conftest import VERSIONS
from tests.support.waiting import wait_for

PAGE = (Path(__file__).resolve().parents[2] / "docs/flow-reference.md").read_text("utf-8")
FLOW = [
    *("client|setname", "select", "multi", "exec", "time", "evalsha", "eval", "type", "exists", "get", "set", "del"),
    *("hget", "hmget", "hlen", "hset", "hdel", "hincrby", "expire", "pexpire", "xread", "xreadgroup", "xack", "xadd"),
    *("xpending", "xclaim", "xlen", "xinfo|stream", "xinfo|groups", "xinfo|consumers", "xgroup|create"),
    *("xgroup|createconsumer", "xgroup|setid", "xgroup|delconsumer"),
]
"""The commands of the flow below."""


def app_of(tag: str = "") -> App:
    app = App("shop")

    @app.each(f"{tag}orders", dead_letters=f"{tag}dead")
    def count(order: Message) -> Iterator[Count]:
        yield Count(f"{tag}sums", {order["customer"]: int(order["n"])}, ttl=500)

    return app


def settings_of(server: PrivateRedis, user: str = "") -> AppSettings:
    return AppSettings(redis_url=server.url.replace("//", f"//{user}"), lease_ttl_sec=5)


@pytest.fixture(params=VERSIONS)
def versioned(request: pytest.FixtureRequest) -> str:
    """Which program of a server."""
    return VERSIONS[request.param]


def test_in_redis_cluster_all_keys_lie_in_the_slot_of_their_tag(versioned: str) -> None:
    with PrivateRedis(versioned, cluster_enabled="yes") as server, server.client(decode_responses=True) as raw:
        raw.execute_command("CLUSTER", "ADDSLOTS", *range(16_384))
        wait_for(lambda: "cluster_state:ok" in str(raw.execute_command("CLUSTER", "INFO")), "the cluster")
        for n in ("1", "x", "2"):
            raw.xadd("{o}orders", {"customer": "ann", "n": n})
        app = app_of("{o}")
        app.bind(settings_of(server))
        run_until_caught_up(app)
        raw.hset("{o}sums", "ann", "99")
        assert rebuild(app, settings_of(server)) is not None
        assert (raw.hgetall("{o}sums"), raw.xlen("{o}dead")) == ({"ann": "3"}, 1)


def test_a_user_needs_the_rights_that_the_docs_name_and_no_more(versioned: str) -> None:
    (named,) = re.findall(r"needs for it, beside those of the flow: (.*?)\.\n\n", PAGE, re.DOTALL)
    more = [word for word in re.findall(r"`([a-z|]+)`", named) if word not in FLOW]
    keys = ["orders", "orders:*", "sums", "sums:rebuild", "dead", "dead:rebuild"]
    with PrivateRedis(versioned) as server, server.client(decode_responses=True) as raw:
        for n in ("1", "x", "2"):
            raw.xadd("orders", {"customer": "ann", "n": n})
        for missing in ("", *more):
            rights = [f"+{word}" for word in (*FLOW, *more) if word != missing]
            raw.execute_command("ACL", "SETUSER", "me", "reset", "on", ">pass", *(f"~{key}" for key in keys), *rights)
            app, settings = app_of(), settings_of(server, "me:pass@")
            if missing:
                with pytest.raises(RedisDenied):
                    rebuild(app, settings)
                assert raw.hget("orders:group:shop", "held_until") is None, missing
            else:
                app.bind(settings)
                run_until_caught_up(app)
                assert rebuild(app, settings) is not None
            assert (raw.hgetall("sums"), raw.xlen("dead")) == ({"ann": "3"}, 1), missing


def test_a_flow_that_began_with_what_came_then_is_computed_anew_from_there(
    server: PrivateRedis, client: redis.Redis
) -> None:
    app, settings = App("shop"), settings_of(server)
    app.each("orders", start="$")(lambda order: Count("sums", {"n": int(order["n"])}))
    client.xgroup_create("orders", "shop", client.xadd("orders", {"n": 1}))
    client.xadd("orders", {"n": 2})
    with pytest.raises(CannotRebuild, match="where group shop of stream orders began is not known: pass --from"):
        rebuild(app, settings)
    client.xgroup_destroy("orders", "shop")
    for n in (4, 8):
        app.bind(settings)
        run_until_caught_up(app)
        client.xadd("orders", {"n": n})
    assert rebuild(app, settings) is not None
    assert client.hgetall("sums") == {"n": str(4 + 8)}


def test_a_rebuild_whose_lock_is_gone_ends(server: PrivateRedis, client: redis.Redis) -> None:
    """One that hung, and wakes when another was begun."""
    app, settings = app_of(), settings_of(server)
    client.xadd("orders", {"customer": "ann", "n": "1"})
    app.bind(settings)
    run_until_caught_up(app)
    group = app.groups[0]
    app.bind(settings, rebuild=True)

    def stolen(order: Message) -> Iterator[Count]:
        client.set("orders:group:shop:rebuild:lock", "another", px=700)
        yield Count("sums", {order["customer"]: 5})

    other = App("shop")
    other.each("orders", dead_letters="dead")(stolen)
    with pytest.raises(CannotRebuild, match="the lock of this rebuild is gone"):
        rebuild(other, settings)
    assert client.hgetall("sums") == {"ann": "1"}
    assert client.hexists(group.counters, "held_until") is False
    assert drop(app, settings) == 1


def test_nothing_is_derived_before_it_is_in_place(server: PrivateRedis, client: redis.Redis) -> None:
    app, settings, calls = app_of(), settings_of(server), list[int]()
    app.every(0.01)(lambda _client: calls.append(1))
    client.xadd("orders", {"customer": "ann", "n": 1})
    assert rebuild(app, settings) is not None
    assert calls == []
    app.bind(settings)
    assert run_until(app, app.service, lambda _client: bool(calls), 60)


def test_the_running_flow_holds_still_when_the_rebuild_has_caught_up_and_not_for_long(
    raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = GroupConfig("orders", "shop")
    raw.set("lock", "token")
    done = _CaughtUp([group], SimpleNamespace(key="lock", token="token"))  # type: ignore[arg-type]
    for name in ("shop", "shop:rebuild"):
        raw.xgroup_create("orders", name, "0", mkstream=True)

    def commit_one(name: str) -> None:
        ((_stream, ((entry, _fields),)),) = raw.xreadgroup(name, "host-1:0123abcd.0", {"orders": ">"}, count=1)
        raw.xack("orders", name, entry)
        raw.hset(f"orders:group:{name}", "last_id", entry)

    def look() -> tuple[bool, bool, bool]:
        """Whether it is done, the flow holds still, and has its lease."""
        if not held():
            raw.set("orders:group:shop:lease:host-1", "theirs")
        return done(raw), held(), bool(raw.exists("orders:group:shop:lease:host-1"))

    def held() -> bool:
        until = raw.hget(group.counters, "held_until")
        return until is not None and 0 < int(until) - raw.time()[0] <= 20

    for n in (1, 2):
        raw.xadd("orders", {"n": n})
    assert look() == (False, False, True)
    commit_one("shop:rebuild")
    for _ in range(2):
        commit_one("shop")
    assert look() == (False, False, True)
    commit_one("shop:rebuild")
    assert look() == (False, True, False)
    raw.xadd("orders", {"n": 3})
    commit_one("shop")  # (one that overlooked it)
    assert look() == (False, True, False)
    monkeypatch.setattr("connectors.rebuild.LONGEST_WAIT_SECONDS", 0.0)
    assert look() == (False, False, False)
    commit_one("shop:rebuild")
    assert look() == (False, True, False)
    assert look() == (True, True, False)
