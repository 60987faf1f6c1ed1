"""Where a rebuild can be done: in a slot of Redis Cluster, as a user with few rights, and alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from connectors import App, AppSettings, Count, Message
from connectors.catching_up import CaughtUp, run_until
from connectors.errors import CannotRebuild, RedisDenied
from connectors.private_redis import PrivateRedis
from connectors.rebuild import _alone, drop, rebuild
from connectors.testing import run_until_caught_up
from tests.chaos.conftest import VERSIONS
from tests.support.waiting import wait_for

PAGE = (Path(__file__).resolve().parents[2] / "docs/writing-a-flow.md").read_text("utf-8")
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
    return AppSettings(redis_url=server.url.replace("//", f"//{user}"), lease_ttl_sec=0.5)


@pytest.fixture(params=VERSIONS)
def versioned(request: pytest.FixtureRequest) -> str:
    """Which program of a server."""
    return VERSIONS[request.param]


def test_in_redis_cluster_all_keys_lie_in_the_slot_of_their_tag(versioned: str) -> None:
    with PrivateRedis(versioned, **{"cluster-enabled": "yes"}) as server, server.client(decode_responses=True) as raw:
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


def test_what_a_drop_finds_is_thrown_away_by_whoever_is_alone(server: PrivateRedis, client: redis.Redis) -> None:
    app, settings = app_of(), settings_of(server)
    client.xadd("orders", {"customer": "ann", "n": "1"})
    app.bind(settings, rebuild=True)
    assert run_until(app, app.service, CaughtUp(app.groups), 60)
    app.bind(settings)
    with _alone(app, app.groups[0]), pytest.raises(CannotRebuild, match="another rebuild of App shop is at work"):
        drop(app, settings)
    assert client.hgetall("sums:rebuild") == {"ann": "1"}
    assert drop(app, settings) == 1
    assert not client.exists("sums:rebuild")
