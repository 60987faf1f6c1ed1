"""A rebuild beside running flows, under load, killed at each step: what is there is the old or the new, and exact."""

from __future__ import annotations

import itertools
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
import redis

from connectors import rebuild as rebuild_module
from connectors.private_redis import PrivateRedis
from tests.chaos.conftest import VERSIONS, versions_of
from tests.chaos.harness import FULL, KILLS, SEED
from tests.support.fault_proxy import FaultProxy, Step, Trap
from tests.support.flow_process import FlowProcess
from tests.support.rebuilt_flow import hopeless
from tests.support.waiting import wait_for

APP = "tests/support/rebuilt_flow:app"
STREAM, GROUP, DEAD, SUMS, TOTAL = "{o}orders", "orders", "{o}dead", "{o}sums", "{o}total"
AT_ONCE = 5_000 if FULL else 600
PAUSE = 0.002
LOST = "the lock of this rebuild is gone"
"""What one says that hung for longer than its lease, here a second; it is started again."""
SWAP = rebuild_module._swap.digest.encode()
HOLD = b"held_until"
SHADOW_COMMIT = f"{SUMS}:rebuild".encode()
STEPS = {
    "commit sent": (SHADOW_COMMIT, Step.BEFORE),
    "commit answered": (SHADOW_COMMIT, Step.ANSWERED),
    "hold sent": (HOLD, Step.BEFORE),
    "hold answered": (HOLD, Step.ANSWERED),
    "swap sent": (SWAP, Step.BEFORE),
    "swap answered": (SWAP, Step.ANSWERED),
}


@dataclass
class Orders:
    """What is published, by a thread, while the scenario goes on."""

    server: PrivateRedis
    rng: random.Random
    sums: Counter[str] = field(default_factory=Counter)
    published: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def publish(self, client: redis.Redis, count: int) -> None:
        """Add so many."""
        pipeline = client.pipeline(transaction=False)
        for _ in range(count):
            customer = self.rng.choice(["ann", "bob", "cid"])
            pipeline.xadd(STREAM, {"n": self.published, "customer": customer})
            if not hopeless(self.published):
                self.sums[customer] += self.published
            self.published += 1
        pipeline.execute()

    def go_on(self) -> None:
        """Add one after another until `stop`."""
        with self.server.client() as client:
            while not self._stop.wait(PAUSE):
                self.publish(client, 1)

    def __enter__(self) -> Orders:
        self._thread = threading.Thread(target=self.go_on, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Add no more."""
        self._stop.set()
        self._thread.join()

    def numbers(self) -> set[int]:
        """Of those that are no dead letters."""
        return {number for number in range(self.published) if not hopeless(number)}


@dataclass
class Scenario:
    """Two running instances that count each order ten times too much until they are rebuilt, and a proxy."""

    raw: redis.Redis
    proxy: FaultProxy
    start: FlowProcess.Factory
    orders: Orders

    def flow(self, factor: int) -> FlowProcess:
        return self.start(module=APP, FACTOR=str(factor), LEASE_TTL_SEC="1", READ_BATCH="50")

    def rebuild(self, *arguments: str) -> FlowProcess:
        settings = {"FACTOR": "1", "LEASE_TTL_SEC": "1", "READ_BATCH": "50", "REDIS_URL": self.proxy.url}
        return self.start(*arguments, module=APP, program="connectors.rebuild", **settings)

    def run_rebuild(self, *arguments: str) -> FlowProcess:
        """A rebuild that has ended; started again where a busy machine let it hang for longer than its lease."""
        while True:
            one = self.rebuild(*arguments)
            if one.wait() == 0 or LOST not in one.log():
                return one

    def factors(self) -> set[str]:
        """By which code the orders were counted that are there."""
        pipeline = self.raw.pipeline(transaction=False)
        for key in self.raw.scan_iter("{o}order:*[0-9]", count=10_000):
            pipeline.hget(key, "factor")
        return set(pipeline.execute())

    def is_quiet(self) -> bool:
        (group,) = (row for row in self.raw.xinfo_groups(STREAM) if row["name"] == GROUP)
        return group["pending"] == 0 and group["last-delivered-id"] == self.raw.xrevrange(STREAM, count=1)[0][0]

    def wait_and_verify(self) -> None:
        """Each order was counted once, by the right code, or is a dead letter once."""
        wait_for(self.is_quiet, "all counted")
        numbers = self.orders.numbers()
        assert self.raw.hgetall(SUMS) == {name: str(total) for name, total in self.orders.sums.items()}
        assert Decimal(self.raw.hget(TOTAL, "n")) == Decimal(sum(numbers)) / 8
        keys = set(self.raw.scan_iter("{o}order:*", count=10_000))
        assert keys == {f"{{o}}order:{number}" for number in numbers}
        assert self.factors() == {"1"}
        ids = {one: int(fields["n"]) for one, fields in self.raw.xrange(STREAM)}
        dead = [ids[fields["id"]] for _id, fields in self.raw.xrange(DEAD)]
        assert sorted(dead) == [number for number in range(self.orders.published) if hopeless(number)]
        assert list(self.raw.scan_iter("*rebuild*")) == []
        assert [row["name"] for row in self.raw.xinfo_groups(STREAM)] == [GROUP]


@pytest.fixture(params=versions_of("rebuild"))
def scenario(request: pytest.FixtureRequest) -> Iterator[Scenario]:
    with (
        PrivateRedis(VERSIONS[request.param]) as server,
        server.client(decode_responses=True) as raw,
        FaultProxy(server.port) as proxy,
        FlowProcess.factory(server.url) as start,
    ):
        orders = Orders(server, random.Random(f"{SEED} {request.node.name}"))
        orders.publish(raw, AT_ONCE)
        yield Scenario(raw, proxy, start, orders)


def test_a_rebuild_killed_at_each_step(scenario: Scenario) -> None:
    """Guards that a rebuild killed at any of its steps leaves the old or the new, and goes on or starts over."""
    old = [scenario.flow(10), scenario.flow(10)]
    wait_for(lambda: scenario.raw.hlen(SUMS) and scenario.is_quiet(), "the old counts")
    for flow in old:
        assert flow.stop() == 0, flow.log()
    assert scenario.factors() == {"10"}
    scenario.raw.script_load(rebuild_module._swap.source)  # (so that it is called by its digest)
    new = [scenario.flow(1), scenario.flow(1)]
    with scenario.orders:
        for step in STEPS:
            trap = Trap(*STEPS[step], lambda: None)
            while not trap.sprung.is_set():
                killed = scenario.rebuild()
                trap.act = killed.kill
                scenario.proxy.arm(trap)
                by_itself = lambda killed=killed: killed.status not in (None, -signal.SIGKILL)  # noqa: E731
                wait_for(lambda: trap.sprung.is_set() or by_itself(), f"the kill: {step}")  # noqa: B023
                assert trap.sprung.is_set() or LOST in killed.log(), killed.log()
            swapped = step == "swap answered"
            found = scenario.factors()
            assert ("10" in found) != swapped, step
            assert scenario.raw.exists(f"{SUMS}:rebuild") == (not swapped) or step == "commit sent", step
        finished = scenario.run_rebuild()
        assert finished.status == 0, finished.log()
        assert "rebuilt keys swapped in" in finished.log()
        dropped = scenario.run_rebuild("--drop")
        assert dropped.status == 0, dropped.log()
    scenario.wait_and_verify()
    assert [flow.stop() for flow in new] == [0, 0]
    logs = "".join(flow.log() for flow in new)
    assert "Traceback" not in logs
    assert "waiting for a rebuild" in logs


def test_rebuilds_under_load_with_instances_that_are_killed(scenario: Scenario) -> None:
    """Guards the swap itself: whatever running flows, and the rebuild, have in flight, each order is counted once."""
    running = [scenario.flow(1), scenario.flow(1)]
    rng = scenario.orders.rng
    wait_for(lambda: scenario.raw.exists(TOTAL), "the first counts")
    with scenario.orders:
        for number in itertools.count(1):
            begun = scenario.rebuild()
            if number % 2:
                time.sleep(rng.random())
                running.pop(rng.randrange(2)).kill()
                running.append(scenario.flow(1))
            if number % 3 == 0:
                time.sleep(rng.random())
                begun.kill()
            elif begun.wait() == 0 and number > KILLS:
                break
            assert number < 100 * KILLS, begun.log()
    scenario.wait_and_verify()
    assert [flow.stop() for flow in running] == [0, 0]
