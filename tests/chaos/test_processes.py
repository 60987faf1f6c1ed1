"""Processes that die, hang, come and go.

Each scenario has been seen to fail without the mechanism that it guards; see `docs/reliability.md` for how.
"""

from __future__ import annotations

import signal

import pytest

from connectors.private_redis import free_port
from tests.chaos.conftest import VERSIONS
from tests.chaos.harness import FAULTS, MESSAGES, Chaos
from tests.support.flow_process import FlowProcess
from tests.support.recount import GROUP, STREAM
from tests.support.waiting import wait_for

every_version = pytest.mark.parametrize("chaos_server", [(version, {}) for version in VERSIONS], indirect=True)


@every_version
def test_killed_at_random_moments(chaos: Chaos) -> None:
    share = MESSAGES // FAULTS
    for _ in range(FAULTS):
        chaos.publish(share)
        flow = chaos.start()
        chaos.wait_for_progress(flow)
        if chaos.rng.random() < 0.7:
            chaos.wait_for_progress(flow, chaos.rng.randrange(1, share))
        else:
            chaos.pause(0, 0.2)
        flow.kill()
        chaos.fault()
    chaos.start()
    chaos.wait_until_quiet()
    chaos.verify()


def test_instances_coming_and_going(chaos: Chaos) -> None:
    running: list[FlowProcess] = [chaos.start(), chaos.start()]
    for _ in range(FAULTS):
        chaos.publish(MESSAGES // FAULTS)
        if len(running) < 4 and (len(running) < 2 or chaos.rng.random() < 0.5):
            running.append(chaos.start())
        chaos.wait_for_progress(running[-1], chaos.rng.randrange(1, 200))
        victim = running.pop(chaos.rng.randrange(len(running)))
        if chaos.rng.random() < 0.7:
            victim.kill()
        else:
            victim.send(signal.SIGTERM)
        chaos.fault()
    running.append(chaos.start())
    chaos.wait_until_quiet()
    chaos.verify()


@pytest.mark.parametrize("arguments", [("-w", "2")], ids=["two workers"])
def test_two_workers_killed(chaos: Chaos, arguments: tuple[str, ...]) -> None:
    for _ in range(FAULTS):
        chaos.publish(MESSAGES // FAULTS)
        flow = chaos.start(*arguments)
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, MESSAGES // FAULTS))
        flow.kill()
        chaos.fault()
    chaos.start(*arguments)
    chaos.wait_until_quiet()
    chaos.verify()


def test_a_cluster_killed(chaos: Chaos) -> None:
    def start_cluster() -> list[FlowProcess]:
        addresses = f"127.0.0.1:{free_port()};127.0.0.1:{free_port()}"
        return [chaos.start("-i", str(number), "-a", addresses) for number in range(2)]

    for _ in range(FAULTS):
        chaos.publish(MESSAGES // FAULTS)
        cluster = start_cluster()
        chaos.wait_for_progress(cluster[0], chaos.rng.randrange(1, MESSAGES // FAULTS))
        # One process of a cluster cannot go on alone: the supervisor restarts both.
        for process in chaos.rng.sample(cluster, 2):
            process.kill()
            chaos.pause(0, 0.05)
        chaos.fault()
    start_cluster()
    chaos.wait_until_quiet()
    chaos.verify()


def test_restarted_every_second(chaos: Chaos) -> None:
    for _ in range(FAULTS):
        chaos.publish(MESSAGES // FAULTS)
        flow = chaos.start()
        wait_for(lambda flow=flow: "connected" in flow.log(), "the flow")  # type: ignore[misc]
        chaos.pause(0.5, 0.7)
        assert flow.stop() == 0, flow.log()
        chaos.fault()
    chaos.start()
    chaos.wait_until_quiet()
    chaos.verify()
    assert chaos.row.claimed == 0, "a stop in good order leaves nothing to claim"


def test_a_zombie_wakes_after_its_work_was_taken_over(chaos: Chaos) -> None:
    for _ in range(max(2, FAULTS // 5)):
        chaos.publish(MESSAGES // FAULTS)
        zombie = chaos.start()
        freeze_with_work_in_hand(chaos, zombie)
        chaos.fault()
        name = f"-{zombie.pid}"
        heir = chaos.start()
        wait_for(lambda name=name: not owns_anything(chaos, name), "the takeover")  # type: ignore[misc]
        zombie.send(signal.SIGCONT)
        chaos.publish(MESSAGES // FAULTS)
        chaos.wait_until_quiet()
        zombie.kill()
        heir.kill()
    chaos.verify()
    assert chaos.row.claimed > 0


def freeze_with_work_in_hand(chaos: Chaos, flow: FlowProcess) -> None:
    """SIGSTOP at a moment when something is pending for `flow`."""

    def caught() -> bool:
        flow.send(signal.SIGSTOP)
        if owns_anything(chaos, f"-{flow.pid}"):
            return True
        flow.send(signal.SIGCONT)
        if chaos.processed() >= chaos.published:
            chaos.publish(500)
        return False

    chaos.wait_for_progress(flow)
    wait_for(caught, "a moment with work in hand", every=0.001)


def owns_anything(chaos: Chaos, name_end: str) -> bool:
    """Whether entries are pending for the consumer whose name ends so."""
    rows = chaos.raw.xinfo_consumers(STREAM, GROUP)
    return any(row["name"].decode().endswith(name_end) and row["pending"] for row in rows)
