"""What the console asks, it asks as the user `quantum-console` of `deploy/redis`: with no right to change anything."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from connectors.connection import connect
from connectors.private_redis import PrivateRedis
from connectors.settings import RedisSettings, load
from console.queries import status
from tests.chaos.conftest import VERSIONS
from tests.support import quantum, recount, users
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.forked import run
from tests.support.recount import GROUP, STATUS, STREAM
from tests.support.waiting import wait_for
from tests.test_users import SERVERS

USER = "quantum-console"
LOGIN = {"redis_username": USER, "redis_password": users.password(USER)}


@pytest.fixture(scope="module", params=SERVERS, ids=lambda pair: "-".join(pair))
def counted(request: pytest.FixtureRequest) -> Iterator[PrivateRedis]:
    """A server on which a flow has counted some entries, lost some, and left others unread and pending."""
    version, name = request.param
    with users.SecuredRedis(VERSIONS[version], name) as server, server.client(socket_timeout=20) as raw:
        with FlowProcess.factory(server.url, users.LOGIN) as start:
            publish(raw)
            flow = start(SNAPSHOT_INTERVAL_SEC="0.2", STATUS_INTERVAL_SEC="0.2")
            recount.wait_until_counted(raw, raw.xlen(STREAM))
            wait_for(
                lambda: sum(map(int, raw.hvals("quantum:p35:decision:counts:1h"))) == raw.xlen(STREAM), "a snapshot"
            )
            wait_for(lambda: raw.hexists(STATUS, "pending_estimate"), "the status")
            assert flow.stop() == 0
        raw.xtrim(STREAM, maxlen=300, approximate=False)
        publish(raw)
        raw.xreadgroup(GROUP, "somebody", {STREAM: ">"}, count=3)
        alert_id = raw.xadd("quantum:p35:alerts", {"state": "resolved"})
        raw.xgroup_create("quantum:p35:alerts", "notify-1", "0")
        raw.xreadgroup("notify-1", "notifier", {"quantum:p35:alerts": ">"})
        raw.xadd("quantum:p35:alerts:sent", {"receiver": "1", "entries": alert_id})
        raw.acl_log_reset()
        yield server


def publish(raw: redis.Redis) -> None:
    """Add the samples, as of now."""
    (now, _) = raw.time()
    pipeline = raw.pipeline(transaction=False)
    for row in recount.samples():
        pipeline.xadd(STREAM, row | {"timestamp": str(now)})  # type: ignore[arg-type]
    pipeline.execute()


def verify(server: PrivateRedis) -> dict[str, Any]:
    """What `quantum verify --json` says to this user, and `status`, that of the process."""
    env = {"REDIS_URL": server.url} | {name.upper(): value for name, value in LOGIN.items()}
    told = run("console", ["verify", "--json"], ROOT, env)
    assert told.stderr == ""
    return {**json.loads(told.stdout), "status": told.returncode}


def assert_nothing_denied_or_changed(server: PrivateRedis, asked: Callable[[], None]) -> None:
    """After `asked`, Redis has refused this user nothing, and has as many changes behind it as before."""
    with server.client() as raw:
        before = raw.info("persistence")["rdb_changes_since_last_save"]
        asked()
        assert [row for row in raw.acl_log() if row["username"] == USER] == []
        assert raw.info("persistence")["rdb_changes_since_last_save"] == before


def test_verify_finds_what_is_exact_and_what_is_not(counted: PrivateRedis) -> None:
    def asked() -> None:
        found = verify(counted)
        assert (found["status"], found["messages"], found["pending"]) == (0, 300, 3)

    assert_nothing_denied_or_changed(counted, asked)
    with counted.client() as raw:
        raw.hincrby(STATUS, "processed_total", -1)
        found = verify(counted)
        raw.hincrby(STATUS, "processed_total", 1)
    assert found["status"] == 1


def test_everything_that_the_console_reads(counted: PrivateRedis) -> None:
    def asked() -> None:
        # (Another client than the console's would ask for more rights when it connects.)
        with connect(load(RedisSettings, redis_url=counted.url, **LOGIN)) as one:
            assert status.read_status(one, "quantum").processed_total == 400
            assert status.read_last_executions(one, "quantum")

    assert_nothing_denied_or_changed(counted, asked)


def test_every_command_may_ask_all_that_it_asks(counted: PrivateRedis) -> None:
    commands = ("why -w 1h", "symbols", "symbols BTCUSDT", "share", "drift 0", "health", "all", "watch", "lag", "check")
    more = (
        "explain p33_permit_denied --live -s BTCUSDT",
        "tail --no-follow",
        "tail -n 0 --no-follow",
        "report",
        "history --by minute --symbol btcusdt",
        "trend",
        "verify",
        "alerts",
    )

    def asked() -> None:
        for command in (*commands, *more):
            done = quantum.here(counted.url, *command.split())
            expected = {"drift 0": 1, "check": 2, "alerts": 3, "trend": 3}.get(command, 0)
            assert done.exit_code == expected, (command, done.stderr)

    assert_nothing_denied_or_changed(counted, asked)


def test_the_user_may_call_nothing_that_writes(counted: PrivateRedis) -> None:
    with counted.client(decode_responses=True) as raw:
        writes = {command.lower() for command in raw.acl_cat("write")}
    for name in (users.EVERY_VERSION, users.FROM_7):
        allowed = set(re.findall(r"\+(\S+)", users.lines(name)[USER]))
        assert allowed
        assert not {one for one in allowed if one in writes or one.partition("|")[0] in writes}
