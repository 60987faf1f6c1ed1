"""Mistakes in your own flow: the process ends at once, and its log names the line to fix."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from connectors.private_redis import PrivateRedis
from tests.support.flow_process import FlowProcess
from tests.support.waiting import wait_for

FLOW = """
import bytewax.operators as op
from bytewax.dataflow import Dataflow

from connectors.commit import CommitSink
from connectors.delivery import Part
from connectors.effects import Append, Count
from connectors.group_config import GroupConfig
from connectors.service import Service
from connectors.settings import RedisSettings
from connectors.source import ConsumerGroupSource
from connectors.start import start


def pass_on(batch):
    ids = tuple(entry.id for entry in batch.entries)
    {mistake}


def flow():
    service = Service.create(start(RedisSettings, "orders"), "orders")
    flow = Dataflow("orders")
    batches = op.input("in", flow, ConsumerGroupSource(service, GroupConfig("orders", "g"{group})))
    parts = op.map("pass_on", batches, pass_on)
    {between}
    op.output("commit", parts, CommitSink(service))
    return flow
"""

FINE = "return Part(batch.delivery, ids, ())"

Run = Callable[..., FlowProcess]


@pytest.fixture
def run(client: redis.Redis, flows: FlowProcess.Factory, tmp_path: Path) -> Run:
    """Runs a flow with a mistake, on a Redis with one entry."""
    client.xadd("orders", {"usd": "5"})

    def one(mistake: str = FINE, group: str = "", between: str = "", **env: str) -> FlowProcess:
        (tmp_path / "orders.py").write_text(FLOW.format(mistake=mistake, group=group, between=between), "utf-8")
        return flows(module="orders", PYTHONPATH=str(tmp_path), **env)

    return one


def test_an_effect_that_redis_would_refuse_names_its_line(client: redis.Redis, run: Run) -> None:
    flow = run('return Part(batch.delivery, ids, (Append("out", {"usd": None}),))')
    assert flow.wait() != 0
    assert "Append 'out': field 'usd' cannot be None, it must be text" in flow.log()
    assert "at='orders.py:17 pass_on'" in flow.log()
    assert "waiting for Redis" not in flow.log()
    assert client.xpending("orders", "g")["pending"] == 1


@pytest.mark.parametrize("group", [', start="latest"', ", lease_ttl=0"])
def test_a_group_that_cannot_be_is_no_outage(run: Run, group: str) -> None:
    flow = run(group=group)
    assert flow.wait() != 0
    assert "of group 'g' must be" in flow.log()
    assert "at='orders.py:23 flow'" in flow.log()
    assert "waiting for Redis" not in flow.log()


def test_what_redis_refuses_for_ever_is_one_line_and_no_outage(server: PrivateRedis, run: Run) -> None:
    flow = run(REDIS_URL=f"{server.url.rpartition('/')[0]}/9999")
    assert flow.wait() == 70
    assert "DB index is out of range" in flow.log()
    assert "waiting for Redis" not in flow.log()
    assert "Traceback" not in flow.log()


def test_a_function_that_returns_nothing_is_named(client: redis.Redis, run: Run) -> None:
    flow = run("Part(batch.delivery, ids, ())", between='parts = op.merge("all", parts)')
    assert flow.wait() != 0
    said = (
        "step orders.commit commits Part values, and pass_on (orders.py:15) gave it None: does it return what it makes?"
    )
    assert said in flow.log()
    assert client.xpending("orders", "g")["pending"] == 1


def test_a_step_that_keeps_state_behind_the_source_is_named_at_the_start(client: redis.Redis, run: Run) -> None:
    keep = """keyed = op.key_on("key", parts, lambda part: "")
    parts = op.map("unkey", op.stateful_map("sums", keyed, add), lambda pair: pair[1])"""
    flow = run(f"{FINE}\n\n\ndef add(state, part):\n    return (state or 0) + 1, part", between=keep, LOG_FORMAT="json")
    wait_for(lambda: client.hget("orders:group:g", "last_id"), "the commit")
    assert flow.stop() == 0
    warned = [line for line in map(json.loads, flow.log().splitlines()) if line["level"] == "warning"]
    assert [line["step"] for line in warned] == ["orders.sums"]
    assert "keeps state in memory" in warned[0]["event"]


def test_a_flow_that_keeps_none_is_warned_of_nothing(client: redis.Redis, run: Run) -> None:
    flow = run()
    wait_for(lambda: client.hget("orders:group:g", "last_id"), "the commit")
    assert flow.stop() == 0
    assert "warning" not in flow.log()
