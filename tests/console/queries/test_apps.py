"""Your own App, by its name alone: what `check`, `health` and `lag` say of it."""

from __future__ import annotations

import json
import re

import pytest
import redis
from typer.testing import CliRunner, Result

from connectors.private_redis import PrivateRedis
from connectors.sign import Subscription, sign
from console.app import app as command
from console.cli.check_app import check_app
from console.cli.nagios import CRITICAL, OK, WARNING, CheckLimits
from console.queries.apps import AppState, read_app
from console.queries.groups import Group, Member
from tests.support.flow_process import ROOT

LIMITS = CheckLimits((10, 100), (10, 100), (None, None), (0, 5))
READS = (Subscription("eu", "orders", "dead"), Subscription("us", "orders", "dead"))


def state(
    seen_ago: float | None = 1.0,
    reads: tuple[Subscription, ...] = READS,
    lag: int | None = 0,
    pending: int = 0,
    dead: int = 0,
    alive: bool = True,
) -> AppState:
    """Of an App on two streams, of which the first has what is said here."""
    groups = (
        Group("eu", "orders", 9, "5-0", pending, lag, (Member("a-1", pending, 0.1, alive),)),
        Group("us", "orders", 9, "5-0", 4, 3, (Member("a-1", 4, 0.1, True),)),
    )
    seen = None if seen_ago is None else 1000.0 - seen_ago
    return AppState("orders", 1000.0, seen, "a-1", 900.0, "1", reads, groups, {"dead": dead}, 0)


@pytest.mark.parametrize(
    ("seen", "states"),
    [
        (state(), []),
        (state(pending=6, lag=7), []),
        (state(pending=7), [WARNING]),
        (state(lag=98), [CRITICAL]),
        (state(lag=None), []),
        (state(dead=1), [WARNING]),
        (state(dead=6), [CRITICAL]),
        (state(alive=False), [CRITICAL]),
        (state(seen_ago=31.0, alive=False), [CRITICAL]),
        (state(seen_ago=None), [CRITICAL]),
        (state(reads=(*READS, Subscription("eu", "again"))), [CRITICAL]),
    ],
)
def test_the_judgement(seen: AppState, states: list[int]) -> None:
    assert [problem.state for problem in check_app(seen, LIMITS).problems] == states


def test_dead_letters_may_be_allowed_and_the_data_have_the_limits() -> None:
    look = check_app(state(dead=9, lag=None), CheckLimits((10, None), (10, 100), (None, None), (9, None)))
    assert look.problems == []
    assert look.data == [
        "orders_pending=4;10;;0",
        "orders_lag=U;10;100;0",
        "orders_dead=9;9;;0",
        "orders_consumers=1;;;0",
        "orders_trimmed=0c;;;0",
    ]


def ask(server: PrivateRedis, *arguments: str) -> Result:
    """`quantum` in this process, as the user `default`: no delivered user may read the keys of others' flows."""
    env = {"REDIS_URL": server.url, "REDIS_USERNAME": None, "REDIS_PASSWORD": None}
    return CliRunner().invoke(command, arguments, prog_name="quantum", env=env)


def two_streams(client: redis.Redis) -> None:
    """An App that reads two streams, one of them also through a group of its own; and a group of somebody else's."""
    for stream, group in (("eu", "orders"), ("eu", "again"), ("eu", "other"), ("us", "orders")):
        client.xgroup_create(stream, group, id="0", mkstream=True)
    for number in range(4):
        client.xadd("eu", {"n": number})
    client.xreadgroup("orders", "host-1:0123abcd.0", {"eu": ">"}, count=3)
    for stream, group in (("eu", "orders"), ("eu", "again"), ("us", "orders")):
        client.xgroup_createconsumer(stream, group, "host-1")
        client.set(f"{stream}:group:{group}:lease:host-1", "token", ex=60)
    client.hset("eu:group:orders", "trimmed_total", 7)
    client.xadd("dead\x1b", {"error": "ValueError"})
    reads = [Subscription("eu", "orders", "dead\x1b"), Subscription("us", "orders", "dead\x1b")]
    sign("quantum", "orders", "1.2", [*reads, Subscription("eu", "again")])(client)


def test_what_is_read_of_it(server: PrivateRedis, client: redis.Redis) -> None:
    two_streams(client)
    with server.client() as raw:
        app = read_app(raw, "quantum", "orders")
    assert [(one.stream, one.name, one.pending, one.lag) for one in app.groups] == [
        ("eu", "orders", 3, 1),
        ("us", "orders", 0, 0),
        ("eu", "again", 0, 4),
    ]
    assert (app.alive, app.pending, app.lag, app.dead, app.trimmed_total) == (True, 3, 5, 1, 7)
    assert (app.warnings, app.version) == ((), "1.2")


def test_check_looks_at_an_app_and_at_no_flow_of_ours(server: PrivateRedis, client: redis.Redis) -> None:
    two_streams(client)
    done = ask(server, "check", "--flow", "orders", "--warn-dead", "1")
    text, _, data = done.stdout.partition(" | ")
    assert (done.exit_code, text) == (OK, "APP OK - orders is running, and keeps up")
    assert data.startswith("orders_pending=3;1000;10000;0 orders_lag=5;")
    assert "orders_trimmed=7c" in data
    assert "processed=" not in data
    done = ask(server, "check", "--flow", "orders")
    assert (done.exit_code, done.stdout.partition(" | ")[0]) == (WARNING, "APP WARNING - 1 dead letter of orders")
    client.delete("us:group:orders:lease:host-1")
    client.xgroup_destroy("eu", "again")
    done = ask(server, "check", "--flow", "orders")
    assert done.exit_code == CRITICAL
    assert "nobody reads us as orders: it has no consumer that lives; nobody reads eu as again" in done.stdout
    client.hincrbyfloat("quantum:flow:orders", "seen_at", -60)
    assert "orders is not running, last seen 1 min ago" in ask(server, "check", "--flow", "orders").stdout


def test_check_looks_at_an_app_beside_a_flow_of_ours(server: PrivateRedis, client: redis.Redis) -> None:
    two_streams(client)
    done = ask(server, "check", "--flow", "orders", "--flow", "p35")
    assert done.exit_code == CRITICAL
    assert done.stdout.startswith("P35 CRITICAL - flows.p35 has no consumer group here")
    assert "processed=0c" in done.stdout
    assert "orders_dead=1;0;;0" in done.stdout


def test_one_that_never_ran_is_critical_and_what_cannot_be_a_name_is_refused(
    server: PrivateRedis, client: redis.Redis
) -> None:
    done = ask(server, "check", "--flow", "order")
    assert (done.exit_code, done.stdout.count("\n")) == (CRITICAL, 1)
    assert done.stdout.startswith("APP CRITICAL - order never ran here: is this its name, its Redis, and KEY_PREFIX")
    for arguments in (("check", "--flow", "no name"), ("health", "--flow", "*"), ("lag", "--flow", "*")):
        assert ask(server, *arguments).exit_code == 2


def test_what_an_app_says_of_itself_may_be_anything(server: PrivateRedis, client: redis.Redis) -> None:
    evil = "\x1b[2J"
    client.set("a string", "1")
    for reads in ("", "{", "[" * 100_000, '[1, {"stream": 1, "group": "g"}, {"stream": ""}]', "nan"):
        client.hset("quantum:flow:orders", mapping={"reads": reads, "seen_at": evil, "instance": evil, "version": evil})
        assert ask(server, "check", "--flow", "orders").exit_code == CRITICAL
    client.hset("quantum:flow:orders", mapping={"reads": '[{"stream": "s\\u001b", "group": "g"}]', "seen_at": "1"})
    for arguments in (("check",), ("health",), ("lag",)):
        done = ask(server, *arguments, "--flow", "orders")
        assert done.exit_code in (0, 2, 3)
        assert done.stdout.replace("\n", "").isprintable()
    client.hset("quantum:flow:orders", "reads", '[{"stream": "a string", "group": "g"}]')
    done = ask(server, "check", "--flow", "orders")
    assert (done.exit_code, done.stdout.startswith("APP UNKNOWN - Redis at 127.0.0.1:")) == (3, True)


def test_health_and_lag_of_an_app(server: PrivateRedis, client: redis.Redis) -> None:
    two_streams(client)
    done = ask(server, "health", "--flow", "orders")
    assert done.exit_code == 0
    assert done.stdout.startswith("orders is running\nservice     version 1.2, started ")
    assert done.stdout.replace("\n", "").isprintable()
    for line in (
        "stream      eu: length 4",
        "group       orders: pending 3, lag 1, up to ID ",
        "consumer    host-1: alive, pending 3",
        "dead        1 in dead",
        "lost        7 (deleted",
    ):
        assert f"\n{line}" in done.stdout
    said = json.loads(ask(server, "health", "--flow", "orders", "--json").stdout)
    assert (said["query"], said["running"], said["warnings"], said["trimmed_total"]) == ("health", True, [], 7)
    assert said["dead_letters"] == [{"key": "dead\x1b", "count": 1}]
    page = (ROOT / "docs/console.md").read_text("utf-8")
    rows = re.findall(r"^\| `health --flow\.?([a-z._]*)` \| (.*) \|$", page, re.MULTILINE)
    assert [name for name, _ in rows] == ["", "app", "groups", "groups.consumers", "dead_letters"]
    for name, keys in rows:
        value = said
        for part in name.split(".") if name else ():
            value = value[part][0] if isinstance(value[part], list) else value[part]
        assert set(value) == set(re.findall("`([a-z_]+)`", keys)), name
    lag = json.loads(ask(server, "lag", "--flow", "orders", "--json").stdout)
    assert [set(one) for one in lag["groups"]] == [set(one) for one in said["groups"]]
    assert [(one["stream"], one["group"]) for one in lag["groups"]] == [
        ("eu", "orders"),
        ("us", "orders"),
        ("eu", "again"),
    ]
    assert ask(server, "lag", "--flow", "unknown").exit_code == 3


def test_a_redis_that_is_away_is_unknown() -> None:
    env = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    done = CliRunner().invoke(command, ["check", "--flow", "orders"], prog_name="quantum", env=env)
    assert (done.exit_code, done.stdout.startswith("APP UNKNOWN - Redis at 127.0.0.1:1/0")) == (3, True)
