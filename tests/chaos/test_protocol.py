"""A kill, or a line that is cut, at each step of the protocol; and owners that are slow.

Each scenario says what it guards: switch that off, and it fails. `docs/reliability.md` tells what was seen then.
"""

from __future__ import annotations

import pytest

from connectors import commit, reading
from tests.chaos.harness import FAULTS, KILLS, MESSAGES, SMALL_READS, Chaos
from tests.chaos.test_processes import BY_HAND
from tests.support.fault_proxy import FaultProxy, Step, Trap
from tests.support.waiting import wait_for

COMMIT = commit._commit.digest.encode()
READ = b"XREADGROUP"
STEPS = {
    "read sent": Trap(READ, Step.BEFORE, lambda: None),
    "read answered": Trap(READ, Step.ANSWERED, lambda: None, reply=b"plan_id"),
    "read arrived": Trap(READ, Step.REPLIED, lambda: None, reply=b"plan_id"),
    "commit sent": Trap(COMMIT, Step.BEFORE, lambda: None),
    "commit answered": Trap(COMMIT, Step.ANSWERED, lambda: None),
    "commit arrived": Trap(COMMIT, Step.REPLIED, lambda: None),
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_each_step(chaos: Chaos, proxy: FaultProxy, step: str) -> None:
    """Guards that counts and acknowledgement are one step (at `commit answered`), and the takeover (at most others)."""
    share = MESSAGES // KILLS // 2
    for _ in range(KILLS):
        chaos.publish(share)
        flow = chaos.start(**SMALL_READS)
        # While it is at work: then the next read is under way before the last batch is counted.
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, share // 2))
        trap = proxy.arm(Trap(STEPS[step].request, STEPS[step].step, flow.kill, STEPS[step].reply))
        chaos.publish(share)
        wait_for(trap.sprung.is_set, f"the kill: {step}")
        chaos.fault()
    chaos.start()
    chaos.wait_until_quiet()
    chaos.verify()
    # (At the other steps all that was read may have been counted: a commit takes many small reads at once.)
    assert chaos.row.claimed > 0 or step not in ("read answered", "read arrived", "commit sent")


@pytest.mark.parametrize("step", STEPS)
def test_cut_off_at_each_step(chaos: Chaos, proxy: FaultProxy, step: str) -> None:
    """Guards what follows a lost connection: commits are sent again, and known to be so; reads are recovered."""
    cuts = max(3, FAULTS)
    flow = chaos.start()
    for _ in range(cuts):
        chaos.publish(MESSAGES // cuts // 2)
        chaos.wait_for_progress(flow)
        trap = proxy.arm(Trap(STEPS[step].request, STEPS[step].step, lambda: None, STEPS[step].reply))
        chaos.publish(MESSAGES // cuts // 2)
        wait_for(trap.sprung.is_set, f"the cut: {step}")
        chaos.fault()
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify()
    assert flow.stop() == 0
    assert "Traceback" not in flow.log()
    assert BY_HAND not in flow.log(), "a commit that is sent again finds its own work, and nobody else's"


def test_a_slow_but_living_owner_keeps_its_work(chaos: Chaos, proxy: FaultProxy) -> None:
    """Guards the renewal of leases, and that nothing is taken from who holds one."""
    # (Renewed thrice in its life: a machine that is busy may be late for that by a second and more.)
    lease = {"LEASE_TTL_SEC": "2"}
    slow = chaos.start(**lease)
    chaos.publish(200)
    chaos.wait_for_progress(slow)
    held = {"since": 0.0}

    def hold() -> None:
        # Longer than a lease lives, which the owner's thread must renew meanwhile.
        chaos.pause(4.0, 4.5)
        held["since"] = 1.0

    trap = proxy.arm(Trap(COMMIT, Step.ANSWERED, hold, cut=False))
    chaos.publish(MESSAGES // 2)
    wait_for(lambda: chaos.raw.xpending("quantum:stream:apply.result", "p35_decision_intel")["pending"], "work in hand")
    chaos.url = ""
    other = chaos.start(**lease)
    wait_for(trap.sprung.is_set, "the end of the slow step")
    chaos.fault()
    chaos.publish(MESSAGES // 2)
    chaos.wait_until_quiet()
    chaos.verify()
    assert held["since"]
    assert (chaos.row.claimed, chaos.row.fenced) == (0, 0)
    assert other.stop() == slow.stop() == 0


assert reading.BLOCK_MS < 1_000, "a lease of a second must outlive an idle read"
