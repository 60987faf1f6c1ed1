"""Flows on a quiet stream live, and every command says so: at the start, after a restart, in a group made anew."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from connectors.private_redis import PrivateRedis
from tests.chaos.conftest import VERSIONS
from tests.deploy.test_proofs import QUICK, UNITS, command, summary
from tests.support import recount, users
from tests.support.flow_process import FlowProcess
from tests.support.quantum import answer, quantum
from tests.support.recount import GROUP, STREAM
from tests.support.waiting import wait_for

PLANS = "quantum:stream:apply.plan"
SOON = {"LEASE_TTL_SEC": "1"}


@pytest.fixture(params=VERSIONS)
def quiet(request: pytest.FixtureRequest) -> Iterator[PrivateRedis]:
    with users.SecuredRedis(VERSIONS[request.param]) as server:
        yield server


@pytest.fixture
def raw(quiet: PrivateRedis) -> Iterator[redis.Redis]:
    with quiet.client(decode_responses=True) as one:
        yield one


@pytest.fixture
def start(quiet: PrivateRedis) -> Iterator[FlowProcess.Factory]:
    with FlowProcess.factory(quiet.url, users.LOGIN) as factory:
        yield factory


def consumers(url: str, stream: str) -> list[dict[str, Any]]:
    """Those of the only group of `stream`, as `quantum lag` shows them."""
    (members,) = [one["consumers"] for one in answer(url, "lag")["groups"] if one["stream"] == stream]
    assert isinstance(members, list)
    return members


def wait_until_in(raw: redis.Redis, stream: str, flow: FlowProcess, group: str = GROUP) -> None:
    """Until `flow` alone is in its group, as Redis has it."""
    wait_for(
        lambda: (
            raw.exists(stream)
            and any(row["name"] == group for row in raw.xinfo_groups(stream))
            and [name.rpartition("-")[2] for name in recount.consumers(raw, stream, group)] == [str(flow.pid)]
        ),
        "the flow in its group, and nobody else",
    )


def assert_it_lives(url: str) -> None:
    said = answer(url, "why")
    assert (said["verdict"], said["warnings"]) == ("Not trading: no decisions arrive", [])
    assert answer(url, "health")["running"] is True
    done = quantum(url, "check")
    assert (done.returncode, done.stdout.partition(" | ")[0]) == (0, "P35 OK - flows.p35 is running, and keeps up")
    assert " consumers=1;" in done.stdout
    (member,) = consumers(url, STREAM)
    assert (member["alive"], member["pending"]) == (True, 0)


def test_p35_lives_while_nothing_comes(quiet: PrivateRedis, raw: redis.Redis, start: FlowProcess.Factory) -> None:
    flow = start(**SOON)
    wait_until_in(raw, STREAM, flow)
    assert_it_lives(quiet.url)
    flow.kill()
    flow = start(**SOON)
    wait_until_in(raw, STREAM, flow)
    assert_it_lives(quiet.url)
    raw.xgroup_destroy(STREAM, GROUP)
    wait_until_in(raw, STREAM, flow)
    assert_it_lives(quiet.url)
    assert flow.stop() == 0
    assert quantum(quiet.url, "check").returncode == 2


def test_the_governor_lives_while_nothing_comes(
    quiet: PrivateRedis, raw: redis.Redis, start: FlowProcess.Factory
) -> None:
    login = users.login("quantum-governor")
    flow = start(module="flows.governor", **SOON, **login)
    wait_until_in(raw, PLANS, flow, "p31_governor")
    flow.kill()
    flow = start(module="flows.governor", **SOON, **login)
    wait_until_in(raw, PLANS, flow, "p31_governor")
    (member,) = consumers(quiet.url, PLANS)
    assert member["alive"] is True


def test_all_are_proved_on_quiet_streams(quiet: PrivateRedis, raw: redis.Redis, start: FlowProcess.Factory) -> None:
    for flow in UNITS:
        start(module=f"flows.{flow}", **QUICK[flow])
    signs = [f"quantum:flow:{flow}" for flow in UNITS]
    wait_for(lambda: raw.exists("quantum:p35:alerts:state", *signs) == 1 + len(UNITS), "the first check, and all flows")
    wait_for(lambda: raw.hexists("quantum:p35:status", "version"), "the first status")
    with ThreadPoolExecutor() as side_by_side:
        proofs = list(side_by_side.map(lambda flow: command(quiet.url, flow, **QUICK[flow]), UNITS))
    assert [done.stdout for done in proofs if not summary(done.stdout)[0]] == []
    assert summary(proofs[0].stdout)[2] >= 14
