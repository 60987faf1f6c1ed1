"""Processes that die, hang, come and go.

Each scenario says what it guards: switch that off, and it fails. `docs/reliability.md` tells what was seen then.
"""

from __future__ import annotations

import re
import signal

import pytest

from connectors.private_redis import free_port
from tests.chaos.conftest import every_version
from tests.chaos.harness import FAULTS, KILLS, MESSAGES, SMALL_READS, Chaos, newest
from tests.support import recount
from tests.support.flow_process import FlowProcess
from tests.support.recount import GROUP, STREAM
from tests.support.waiting import wait_for


@every_version()
def test_killed_at_random_moments(chaos: Chaos) -> None:
    """Guards the takeover: what was pending for the dead is read again, by whoever comes next."""
    share = MESSAGES // FAULTS
    for number in range(FAULTS):
        chaos.publish(share)
        flow = chaos.start()
        chaos.wait_for_progress(flow)
        if number == FAULTS - 1:
            # However the others died, this one leaves something to take over.
            freeze_with_work_in_hand(chaos, flow)
        elif chaos.rng.random() < 0.7:
            chaos.wait_for_progress(flow, chaos.rng.randrange(1, share))
        else:
            chaos.pause(0, 0.2)
        flow.kill()
        chaos.fault()
    chaos.start()
    chaos.wait_until_quiet()
    chaos.verify()
    assert chaos.row.claimed > 0


def test_instances_coming_and_going(chaos: Chaos) -> None:
    """Guards the takeover by instances at work, and that no consumer leaves the group before its work is done."""
    running: list[FlowProcess] = [chaos.start(), chaos.start()]
    for number in range(FAULTS):
        chaos.publish(MESSAGES // FAULTS)
        if len(running) < 4 and (len(running) < 2 or chaos.rng.random() < 0.5):
            running.append(chaos.start())
        chaos.wait_for_progress(running[-1], chaos.rng.randrange(1, 200))
        victim = running.pop(chaos.rng.randrange(len(running)))
        if number == FAULTS - 1:
            freeze_with_work_in_hand(chaos, victim)
            victim.kill()
        elif chaos.rng.random() < 0.7:
            victim.kill()
        else:
            victim.send(signal.SIGTERM)
        chaos.fault()
    running.append(chaos.start())
    chaos.wait_until_quiet()
    chaos.verify()
    assert chaos.row.claimed > 0


LITTLE_IN_FLIGHT = {"READ_BATCH": "100", "MAX_IN_FLIGHT": "200"}


def assert_little_in_flight(chaos: Chaos) -> None:
    """No worker has more in flight than it may: one batch above the bound."""
    found = recount.consumers(chaos.raw)
    assert max(found.values()) <= 300, found


@pytest.mark.parametrize("arguments", [("-w", "2")], ids=["two workers"])
def test_two_workers_killed(chaos: Chaos, arguments: tuple[str, ...]) -> None:
    """Guards the takeover from each worker, and the bound of what is in flight: workers do not wait for each other."""
    for number in range(FAULTS):
        chaos.publish(MESSAGES // FAULTS)
        flow = chaos.start(*arguments, **LITTLE_IN_FLIGHT)
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, MESSAGES // FAULTS // 2))
        if number == FAULTS - 1:
            freeze_with_work_in_hand(chaos, flow)
        flow.kill()
        chaos.fault()
        assert_little_in_flight(chaos)
    chaos.start(*arguments, **LITTLE_IN_FLIGHT)
    chaos.wait_until_quiet()
    chaos.verify()
    assert chaos.row.claimed > 0


def test_a_cluster_killed(chaos: Chaos) -> None:
    """Guards the same as `test_two_workers_killed`, where parts are committed by another process than read them."""

    def start_cluster() -> list[FlowProcess]:
        addresses = f"127.0.0.1:{free_port()};127.0.0.1:{free_port()}"
        return [chaos.start("-i", str(number), "-a", addresses, **LITTLE_IN_FLIGHT) for number in range(2)]

    for number in range(FAULTS):
        chaos.publish(MESSAGES // FAULTS)
        cluster = start_cluster()
        chaos.wait_for_progress(cluster[0], chaos.rng.randrange(1, MESSAGES // FAULTS // 2))
        if number == FAULTS - 1:
            freeze_with_work_in_hand(chaos, cluster[0])
        # One process of a cluster cannot go on alone: the supervisor restarts both.
        for process in chaos.rng.sample(cluster, 2):
            process.kill()
            chaos.pause(0, 0.05)
        chaos.fault()
        assert_little_in_flight(chaos)
    start_cluster()
    chaos.wait_until_quiet()
    chaos.verify()
    assert chaos.row.claimed > 0


def test_restarted_every_second(chaos: Chaos) -> None:
    """Guards the drain: a stop in good order counts what was read, gives the lease back and leaves the group."""
    share = MESSAGES // FAULTS
    for _ in range(FAULTS):
        flow = chaos.start(**SMALL_READS)
        wait_for(lambda flow=flow: "connected" in flow.log(), "the flow")  # type: ignore[misc]
        chaos.pause(0.5, 0.7)
        chaos.publish(share)
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, share // 4))
        assert flow.stop() == 0, flow.log()
        chaos.fault()
        assert recount.pending(chaos.raw) == 0
        assert chaos.raw.xinfo_consumers(STREAM, GROUP) == []
        assert list(chaos.raw.scan_iter("quantum:p35:lease:*")) == []
    chaos.start()
    chaos.wait_until_quiet()
    chaos.verify()
    assert chaos.row.claimed == 0, "a stop in good order leaves nothing to claim"


def test_a_zombie_wakes_after_its_work_was_taken_over(chaos: Chaos) -> None:
    """Guards both bars against a zombie: the commit compares the lease, and then what is pending for the consumer.

    The second alone keeps the counts exact. Without the first, the zombie takes for acknowledged by hand what its heir
    has counted.
    """
    zombies = []
    share = MESSAGES // KILLS // 2
    for _ in range(KILLS):
        chaos.publish(share)
        zombie = chaos.start()
        freeze_with_work_in_hand(chaos, zombie)
        chaos.fault()
        heir = chaos.start()
        wait_for(lambda zombie=zombie: not owns_anything(chaos, zombie), "the takeover")  # type: ignore[misc]
        zombie.send(signal.SIGCONT)
        chaos.publish(share)
        wait_for(lambda zombie=zombie: "lease lost" in zombie.log(), "the zombie to notice")  # type: ignore[misc]
        chaos.wait_until_quiet()
        zombies.append(zombie)
        wait_for(lambda: chaos.fenced() == len(zombies), "the zombie to register again")
        zombie.kill()
        heir.kill()
    chaos.verify()
    assert chaos.row.claimed > 0
    assert chaos.row.fenced == len(zombies)
    # (Its commit is refused, unless it was frozen before it had one: what it had read waits for the next read.)
    for zombie in zombies:
        assert BY_HAND not in zombie.log()


BY_HAND = "acknowledged by someone else"
"""What the log says when entries were acknowledged by hand."""


def freeze_with_work_in_hand(chaos: Chaos, flow: FlowProcess) -> None:
    """SIGSTOP at a moment when something is pending for `flow`."""

    def caught() -> bool:
        flow.send(signal.SIGSTOP)
        # Asked often: a commit that was under way when the flow stopped is read in pieces, one between two answers.
        if all(owns_anything(chaos, flow) for _ in range(20)):
            return True
        flow.send(signal.SIGCONT)
        # (Not by what was counted: entries that were acknowledged by hand never are.)
        if recount.pending(chaos.raw) == 0 and recount.delivered(chaos.raw) == newest(chaos):
            chaos.publish(500)
        return False

    chaos.wait_for_progress(flow)
    wait_for(caught, "a moment with work in hand", every=0.001)


def owns_anything(chaos: Chaos, flow: FlowProcess) -> bool:
    """Whether entries are pending for a worker of `flow`."""
    own = re.compile(rf"-{flow.pid}(-\d+)?$")
    return any(pending and own.search(name) for name, pending in recount.consumers(chaos.raw).items())
