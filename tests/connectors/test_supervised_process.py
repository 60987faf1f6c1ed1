"""A flow as systemd would start it: when it says that it is ready, alive, in trouble, and stopping."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from connectors.private_redis import PrivateRedis
from tests.support.flow_process import FlowProcess
from tests.support.notify_socket import NotifySocket
from tests.support.waiting import wait_for

STREAM, GROUP = "quantum:stream:apply.result", "p35_decision_intel"

PERIOD = 0.8
"""Seconds of silence that the supervisor of these tests bears."""

WATCHDOG = {"WATCHDOG_USEC": str(round(PERIOD * 1e6))}

HANGING = """
import time
from pathlib import Path
import bytewax.operators as op
from bytewax.dataflow import Dataflow
from connectors.commit import CommitSink
from connectors.delivery import Part
from connectors.group_config import GroupConfig
from connectors.service import Service
from connectors.settings import RedisSettings
from connectors.source import ConsumerGroupSource
from connectors.start import start

def step(batch):
    if b"hang" in batch.entries[-1].fields:
        Path("{marker}").touch()
        time.sleep(1000)
    return Part(batch.delivery, tuple(entry.id for entry in batch.entries), ())

def flow():
    service = Service.create(start(RedisSettings, "hanging"), "hanging")
    flow = Dataflow("hanging")
    config = GroupConfig("s", "g", counters="counters", lease_prefix="lease:")
    batches = op.input("in", flow, ConsumerGroupSource(service, config))
    op.output("out", op.map("step", batches, step), CommitSink(service))
    return flow
"""


@pytest.fixture
def ears(tmp_path: Path) -> Iterator[NotifySocket]:
    with NotifySocket(tmp_path) as one:
        yield one


def alive(ears: NotifySocket) -> int:
    """How many signs of life have come."""
    return ears.messages.count("WATCHDOG=1")


def test_ready_comes_with_the_group_and_stopping_with_the_end(
    client: redis.Redis, flows: FlowProcess.Factory, ears: NotifySocket
) -> None:
    client.set(STREAM, "in the way")
    flow = flows(NOTIFY_SOCKET=ears.name, SNAPSHOT_INTERVAL_SEC="0.1", STATUS_INTERVAL_SEC="0.1")
    wait_for(lambda: any(STREAM in line for line in ears.statuses()), "the trouble")
    wait_for(lambda: any(m.startswith("EXTEND_TIMEOUT_USEC=") for m in ears.messages), "a plea for time")
    assert "READY=1" not in ears.messages
    client.delete(STREAM)
    wait_for(lambda: "READY=1" in ears.messages, "ready")
    assert [group["name"] for group in client.xinfo_groups(STREAM)] == [GROUP]
    for fields in ({"decision": "EXECUTE"}, *[{"decision": "BLOCKED", "error": "why:x"}] * 9):
        client.xadd(STREAM, fields)
    wait_for(
        lambda: ears.statuses()[-1] == "not trading: 10% of 10 decisions executed in 5m, why stopped 90%", "it", 20
    )
    assert flow.stop() == 0
    assert ears.messages[-1] == "STOPPING=1"
    assert (ears.messages.count("READY=1"), ears.messages.count("STOPPING=1")) == (1, 1)
    assert alive(ears) == 0  # nobody asked for signs of life


def test_a_flow_that_waits_for_redis_is_alive_and_asks_for_time(flows: FlowProcess.Factory, ears: NotifySocket) -> None:
    with PrivateRedis() as late:
        late.kill()
        flow = flows(REDIS_URL=late.url, REDIS_USERNAME="", REDIS_PASSWORD="", NOTIFY_SOCKET=ears.name, **WATCHDOG)
        wait_for(lambda: ears.statuses(), "the trouble")
        assert ears.statuses()[0].startswith("waiting for Redis at 127.0.0.1:")
        assert alive(ears) == 0
        late.start()
        wait_for(lambda: alive(ears) > 2, "signs of life")
        late.kill()
        wait_for(lambda: ears.statuses()[-1].startswith("waiting for Redis"), "the trouble")
        before = alive(ears)
        wait_for(lambda: alive(ears) > before, "a sign of life without Redis")
        assert flow.stop() == 0


def test_a_frozen_process_gives_no_sign_of_life_until_it_goes_on(
    client: redis.Redis, flows: FlowProcess.Factory, ears: NotifySocket
) -> None:
    flow = flows(NOTIFY_SOCKET=ears.name, **WATCHDOG)
    wait_for(lambda: alive(ears) > 1, "signs of life")
    flow.send(signal.SIGSTOP)
    before = alive(ears)
    time.sleep(2 * PERIOD)
    assert alive(ears) <= before + 1  # (one may have been under way)
    flow.send(signal.SIGCONT)
    wait_for(lambda: alive(ears) > before + 1, "signs of life again")
    assert flow.stop() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_step_that_hangs_silences_the_process(
    client: redis.Redis, flows: FlowProcess.Factory, ears: NotifySocket, tmp_path: Path, workers: str
) -> None:
    marker = tmp_path / "hangs"
    (tmp_path / "hanging.py").write_text(HANGING.replace("{marker}", str(marker)), "utf-8")
    flow = flows("-w", workers, module="hanging", PYTHONPATH=str(tmp_path), NOTIFY_SOCKET=ears.name, **WATCHDOG)
    wait_for(lambda: alive(ears) > 1, "signs of life")
    client.xadd("s", {"hang": "1"})
    wait_for(marker.exists, "the hang")
    time.sleep(PERIOD)  # half of it is what the others may still cover up
    before = alive(ears)
    time.sleep(2 * PERIOD)
    assert alive(ears) == before
    assert flow.status is None


def test_a_flow_of_one_source_says_that_it_stops(
    client: redis.Redis, flows: FlowProcess.Factory, ears: NotifySocket, tmp_path: Path
) -> None:
    (tmp_path / "hanging.py").write_text(HANGING, "utf-8")
    flow = flows(module="hanging", PYTHONPATH=str(tmp_path), NOTIFY_SOCKET=ears.name)
    wait_for(lambda: "READY=1" in ears.messages, "ready")
    assert flow.stop() == 0
    assert ears.messages[-1] == "STOPPING=1"
