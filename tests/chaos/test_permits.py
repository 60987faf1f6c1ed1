"""Permits under faults: whatever dies, each plan is acknowledged once, with exactly the permit that it should have."""

from __future__ import annotations

import json
import signal
import threading
import time
from dataclasses import dataclass, field

import pytest

from connectors import commit
from tests.chaos.conftest import every_version
from tests.chaos.harness import DEADLINE, FAULTS, FULL, KILLS, ROUNDS, Chaos
from tests.chaos.test_processes import BY_HAND
from tests.support.efficiencies import efficiency, expected_hint
from tests.support.fault_proxy import FaultProxy, Step, Trap
from tests.support.flow_process import FlowProcess
from tests.support.users import login
from tests.support.waiting import wait_for

STREAM, GROUP, STATUS = "quantum:stream:apply.plan", "p31_governor", "quantum:governor:status"
SCORES = {f"S{number}": f"0.{number:02}" for number in range(5, 95, 10)}
PLANS = 2_000 if FULL else 400
THEIRS = '{"granted": false,"qty": 12345678901234567890,"list": []'
COMMIT = commit._commit.digest.encode()
# (The command as it travels: scripts, which travel whole, call it, too.)
LOOKUP = b"$5\r\nHMGET\r\n"
STEPS = {
    "read sent": (b"XREADGROUP", Step.BEFORE, b""),
    "read answered": (b"XREADGROUP", Step.ANSWERED, b"plan_id"),
    "lookup sent": (LOOKUP, Step.BEFORE, b""),
    "lookup answered": (LOOKUP, Step.ANSWERED, b""),
    "commit sent": (COMMIT, Step.BEFORE, b""),
    "commit answered": (COMMIT, Step.ANSWERED, b""),
    "commit arrived": (COMMIT, Step.REPLIED, b""),
}


@dataclass
class Plans:
    """Plans that are published, and what their permits must be. Every third finds a permit, a hash or a JSON object."""

    chaos: Chaos
    open: dict[str, str] = field(default_factory=dict)
    """Plan -> symbol, of those that were not looked at yet."""
    published: int = 0
    permits: int = 0
    began: float = field(default_factory=time.monotonic)

    def start(self, **more: str) -> FlowProcess:
        """A governor, through the proxy when there is one; returns when it is at work, and its group there.

        (On a busy machine a start takes far longer than all that a scenario awaits of a governor.)
        """
        env = login("quantum-governor") | {"LEASE_TTL_SEC": "1", "READ_BATCH": "50", "STATUS_INTERVAL_SEC": "0.5"}
        env |= more
        url = self.chaos.url or self.chaos.server.url
        flow = self.chaos.start_flow(module="flows.governor", **{"REDIS_URL": url, **env})
        raw = self.chaos.raw
        wait_for(lambda: "connected" in flow.log() or flow.status is not None, "the start of a governor", DEADLINE)
        assert flow.status is None, flow.log()
        wait_for(lambda: raw.exists(STREAM) and raw.xinfo_groups(STREAM), "the group", DEADLINE)
        return flow

    def publish(self, count: int, *, at_once: bool = False) -> None:
        """Add `count` plans, one in ten of which gets no permit.

        :arg at_once: in one step, so that all are there before any is looked at.
        """
        raw = self.chaos.raw
        for symbol, score in SCORES.items():
            raw.hset(f"quantum:capital:efficiency:{symbol}", mapping=efficiency(score))
        pipeline = raw.pipeline(transaction=at_once)
        for _ in range(count):
            number, self.published = self.published, self.published + 1
            plan = {"plan_id": f"plan{number}", "symbol": self.chaos.rng.choice(list(SCORES)), "decision": "EXECUTE"}
            if number % 10 == 9:
                plan["decision"] = "SKIP"
            else:
                self.permits += 1
                self.open[plan["plan_id"]] = plan["symbol"]
                if number % 6 == 0:
                    pipeline.hset(f"quantum:permit:plan{number}", mapping={"granted": "0", "eff_action": "OLD"})
                    pipeline.expire(f"quantum:permit:plan{number}", 5_000)
                elif number % 6 == 3:
                    pipeline.set(f"quantum:permit:plan{number}", THEIRS + ', "eff_action": "OLD"}', ex=5_000)
            pipeline.xadd(STREAM, plan)
        pipeline.execute()
        self.chaos.published = self.published

    def acknowledged(self) -> int:
        return int(self.chaos.raw.hget(STATUS, "processed_total") or 0)

    def wait_for_progress(self, goal: int, *flows: FlowProcess) -> None:
        """Wait until `goal` plans are acknowledged; one of `flows` must live."""
        dead = lambda: all(flow.status is not None for flow in flows)  # noqa: E731
        wait_for(lambda: self.acknowledged() >= goal or dead(), f"progress to {goal}", DEADLINE, every=0.001)
        assert not dead(), "".join(flow.log() for flow in flows)

    def wait_until_quiet_and_verify(self, *flows: FlowProcess, may_fail_open: bool = False) -> None:
        """Wait until all are acknowledged, and look at each permit while it lives."""
        raw = self.chaos.raw
        logs = lambda: "".join(flow.log() for flow in flows)  # noqa: E731
        try:
            wait_for(lambda: self.acknowledged() >= self.published, "all acknowledged", DEADLINE)
            wait_for(lambda: raw.xpending(STREAM, GROUP)["pending"] == 0, "nothing pending", DEADLINE)
        except AssertionError as error:
            raise AssertionError(f"{self.acknowledged()} of {self.published}; {logs()}") from error
        self.chaos.row.messages = self.published
        self.chaos.row.counted = int(raw.hget(STATUS, "processed_total"))
        self.chaos.row.seconds = time.monotonic() - self.began
        self.chaos.row.difference = self.chaos.row.counted - self.published
        self.chaos.row.claimed = int(raw.hget(STATUS, "claimed_total") or 0)
        self.chaos.row.fenced = int(raw.hget(STATUS, "fenced_total") or 0)
        assert self.chaos.row.difference == 0
        assert int(raw.hget(STATUS, "permits_total")) == self.permits
        for plan, symbol in self.open.items():
            self._verify(plan, symbol, may_fail_open)
        self.open.clear()

    def _verify(self, plan: str, symbol: str, may_fail_open: bool) -> None:
        raw, key, number = self.chaos.raw, f"quantum:permit:{plan}", int(plan.removeprefix("plan"))
        theirs = number % 3 == 0
        found: dict[str, object]
        if number % 6 == 3:
            text = raw.get(key).decode()
            assert text.startswith(THEIRS)
            loaded = json.loads(text, parse_float=str, parse_int=str)
            found = {name: "" if value is None else str(value) for name, value in loaded.items()}
            assert text.count("eff_action") == 1
        else:
            found = {name.decode(): value.decode() for name, value in raw.hgetall(key).items()}
        now = int(time.time())
        expected = [expected_hint(efficiency(SCORES[symbol]), now)]
        if may_fail_open:
            expected.append({**expected_hint(None, now), "eff_reason": "redis_error"})
        assert {name: found.get(name) for name in expected[0]} in expected, plan
        ttl = raw.ttl(key)
        assert (4_000 < ttl <= 5_000) if theirs else (0 < ttl <= 60)
        assert ("plan_id" in found) != theirs
        if theirs:
            assert found["granted"] in ("0", "False")


@pytest.fixture
def plans(chaos: Chaos) -> Plans:
    return Plans(chaos)


@pytest.mark.parametrize("step", STEPS)
def test_a_governor_killed_at_each_step(chaos: Chaos, plans: Plans, proxy: FaultProxy, step: str) -> None:
    """Guards the takeover of what is pending for the dead, and that permit and acknowledgement are one step."""
    request, when, reply = STEPS[step]
    for _ in range(KILLS):
        flow = plans.start()
        goal = plans.acknowledged() + 1
        plans.publish(PLANS // 8)
        plans.wait_for_progress(goal, flow)
        trap = proxy.arm(Trap(request, when, flow.kill, reply))
        plans.publish(PLANS // 4)
        wait_for(trap.sprung.is_set, f"the kill: {step}", DEADLINE)
        chaos.fault()
        heir = plans.start()
        plans.wait_until_quiet_and_verify(heir)
        heir.kill()


@pytest.mark.parametrize("step", STEPS)
def test_a_governor_cut_off_at_each_step(chaos: Chaos, plans: Plans, proxy: FaultProxy, step: str) -> None:
    """Guards what is done again when a connection breaks: a read, a lookup, a commit that may have been applied."""
    request, when, reply = STEPS[step]
    flow = plans.start()
    for _ in range(max(3, FAULTS)):
        trap = proxy.arm(Trap(request, when, lambda: None, reply))
        plans.publish(PLANS // 4)
        wait_for(trap.sprung.is_set, f"the cut: {step}")
        chaos.fault()
        plans.wait_until_quiet_and_verify(flow)
    assert flow.stop() == 0, flow.log()
    assert "Traceback" not in flow.log()
    assert BY_HAND not in flow.log()


@every_version()
def test_governors_killed_at_random_moments(chaos: Chaos, plans: Plans) -> None:
    """Guards the takeover of what is pending for the dead."""
    running = [plans.start(), plans.start()]
    for _ in range(FAULTS):
        goal = plans.acknowledged() + chaos.rng.randrange(1, PLANS // 8)
        plans.publish(PLANS // 4)
        plans.wait_for_progress(goal, *running)
        running.pop(chaos.rng.randrange(2)).kill()
        chaos.fault()
        running.append(plans.start())
        plans.wait_until_quiet_and_verify(*running)


def test_a_governor_wakes_after_its_plans_were_taken_over(chaos: Chaos, plans: Plans, proxy: FaultProxy) -> None:
    """Guards both bars against a zombie: the commit compares the lease, and then what is pending for the consumer."""
    through = chaos.url
    for number in range(1, ROUNDS + 1):
        chaos.url = through
        zombie = plans.start()
        trap = proxy.arm(Trap(COMMIT, Step.BEFORE, lambda zombie=zombie: zombie.send(signal.SIGSTOP)))  # type: ignore[misc]
        plans.publish(PLANS // 4)
        wait_for(trap.sprung.is_set, "the freeze, with permits in hand")
        chaos.fault()
        chaos.url = ""
        heir = plans.start()
        plans.wait_until_quiet_and_verify(heir)
        assert chaos.row.claimed > 0
        zombie.send(signal.SIGCONT)
        wait_for(lambda zombie=zombie: "lease lost" in zombie.log(), "the zombie's awakening")  # type: ignore[misc]
        plans.publish(PLANS // 4)
        plans.wait_until_quiet_and_verify(heir, zombie)
        wait_for(lambda number=number: int(chaos.raw.hget(STATUS, "fenced_total") or 0) == number, "its registration")  # type: ignore[misc]
        assert zombie.stop() == heir.stop() == 0
        assert "commit refused" in zombie.log()
        assert BY_HAND not in zombie.log()


def test_a_redis_that_hangs_blocks_no_plan(chaos: Chaos, plans: Plans, proxy: FaultProxy) -> None:
    """Guards that a lookup ends soon, with an error as its outcome: here it hangs with Redis for longer."""
    flow = plans.start(LEASE_TTL_SEC="60")
    for _ in range(ROUNDS):
        published = threading.Event()

        def freeze(published: threading.Event = published) -> None:
            # (The first lookup may come before Redis has told the publisher that all is there.)
            published.wait(DEADLINE)
            chaos.server.freeze()

        trap = proxy.arm(Trap(LOOKUP, Step.BEFORE, freeze, cut=False))
        plans.publish(PLANS // 4, at_once=True)
        published.set()
        newest = plans.published
        wait_for(trap.sprung.is_set, "a lookup")
        chaos.fault()
        chaos.pause(2.0, 3.0)
        chaos.server.thaw()
        plans.wait_until_quiet_and_verify(flow, may_fail_open=True)
        assert failed_open(chaos, newest - PLANS // 4, newest) > 0
    assert flow.stop() == 0, flow.log()


def failed_open(chaos: Chaos, first: int, end: int) -> int:
    """How many of the plans `first` to `end` have a permit that says that Redis did not answer."""
    keys = [f"quantum:permit:plan{number}" for number in range(first, end) if number % 6 != 3]
    pipeline = chaos.raw.pipeline(transaction=False)
    for key in keys:
        pipeline.hget(key, "eff_reason")
    return pipeline.execute().count(b"redis_error")
