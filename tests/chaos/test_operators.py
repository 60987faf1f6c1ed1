"""Operators at work: keys in the way, a Redis that is full, entries acknowledged and claimed by hand.

Each scenario has been seen to fail without the mechanism that it guards; see `docs/reliability.md` for how.
"""

from __future__ import annotations

import signal
import time

import pytest

from tests.chaos.conftest import every_version
from tests.chaos.harness import (
    DEADLINE,
    LARGE_SHARE,
    ROUNDS,
    SHARE,
    SMALL_READS,
    Chaos,
    pending_ids,
)
from tests.chaos.test_processes import freeze_with_work_in_hand
from tests.support import oracle, recount
from tests.support.recount import GROUP, STATUS, STREAM
from tests.support.waiting import wait_for


def test_keys_of_another_type_in_the_way(chaos: Chaos) -> None:
    flow = chaos.start()
    chaos.publish(SHARE)
    chaos.wait_until_quiet()
    minute = oracle.minute_name(int(time.time()) // 60 - 10)
    for key in (
        f"quantum:p35:bucket:{minute}",
        f"quantum:p35:summary:{minute}",
        f"quantum:p35:unknown_decision:minute:{minute}",
        "quantum:p35:symbol:last_seen",
        "quantum:p35:symbol:last_execute",
        STATUS,
        f"quantum:p35:lease:{consumer(chaos)}",
        STREAM,
    ):
        seen = len(flow.log())
        pipeline = chaos.raw.pipeline(transaction=True)
        pipeline.rename(key, "aside") if chaos.raw.exists(key) else pipeline.delete("aside")
        pipeline.rpush(key, "in the way")
        pipeline.execute()
        if key not in (STREAM, STATUS):
            chaos.publish(SHARE)
        wait_for(lambda: key in flow.log()[seen:], f"a line that names {key}", DEADLINE)  # noqa: B023
        chaos.pause(0.3, 0.6)
        lines = [line for line in flow.log()[seen:].splitlines() if "list" in line or "WRONGTYPE" in line]
        assert 1 <= len(lines) <= 4, flow.log()
        assert all(key in line for line in lines), lines
        chaos.fault()
        pipeline = chaos.raw.pipeline(transaction=True)
        pipeline.delete(key)
        if chaos.raw.exists("aside") and "lease" not in key:
            pipeline.rename("aside", key)
        pipeline.execute()
        chaos.wait_until_quiet(what=flow.log)
        assert flow.status is None
    chaos.verify()


def consumer(chaos: Chaos) -> str:
    """The name of the only consumer."""
    (name,) = recount.consumers(chaos.raw)
    return name


@every_version()
def test_redis_full(chaos: Chaos) -> None:
    """Guards that a commit, and the end of the dead, begin with an acknowledgement, which a full Redis allows."""
    for _ in range(ROUNDS):
        flow = chaos.start(**SMALL_READS)
        chaos.publish(LARGE_SHARE // 2)
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, LARGE_SHARE // 4))
        chaos.raw.xgroup_createconsumer(STREAM, GROUP, "dead")
        chaos.raw.config_set("maxmemory", 1)
        chaos.fault()
        # Who is at work goes on, since a commit begins by acknowledging, which is allowed, and forgets the dead; ...
        chaos.wait_until_quiet(what=flow.log)
        wait_for(lambda: len(recount.consumers(chaos.raw)) == 1, "the end of the dead", DEADLINE)
        # ... who comes anew has to wait.
        flow.kill()
        chaos.raw.config_set("maxmemory", 0)
        chaos.publish(LARGE_SHARE // 2)
        chaos.raw.config_set("maxmemory", 1)
        flow = chaos.start(**SMALL_READS)
        wait_for(lambda: "maxmemory" in flow.log(), "a line that says so")  # noqa: B023
        chaos.raw.config_set("maxmemory", 0)
        chaos.wait_until_quiet(what=flow.log)
        flow.kill()
    chaos.verify()


@pytest.mark.parametrize("owner", ["dead", "alive"])
def test_acknowledged_by_hand(chaos: Chaos, owner: str) -> None:
    """Guards the look at what is pending in a commit, and the reading of what one owns after registering again."""
    chaos.remember()
    by_hand = 0
    for _ in range(ROUNDS):
        chaos.publish(LARGE_SHARE)
        flow = chaos.start(**SMALL_READS, LEASE_TTL_SEC="30" if owner == "alive" else "1")
        freeze_with_work_in_hand(chaos, flow)
        ids = pending_ids(chaos)
        # Of a dead one's, some are left to be taken over.
        most = len(ids) - 1 if owner == "dead" else len(ids)
        by_hand += chaos.raw.xack(STREAM, GROUP, *chaos.rng.sample(ids, chaos.rng.randint(1, most)))
        chaos.fault()
        if owner == "dead":
            flow.kill()
            flow = chaos.start()
        else:
            flow.send(signal.SIGCONT)
        chaos.wait_until_quiet(by_hand, flow.log)
        assert flow.stop() == 0, flow.log()
    chaos.verify_totals(chaos.published - by_hand)
    assert (chaos.row.claimed > 0) == (owner == "dead")


ODD_NAME = b"operator \xff\r\n2026-01-01T00:00:00Z forged"


@pytest.mark.parametrize("name", [b"an-operator", ODD_NAME], ids=["plain", "odd"])
def test_claimed_by_hand(chaos: Chaos, name: bytes) -> None:
    """Guards that what belongs to a name without a lease is taken back, whatever bytes the name has."""
    for _ in range(ROUNDS):
        chaos.publish(LARGE_SHARE)
        flow = chaos.start(**SMALL_READS, LEASE_TTL_SEC="2")
        freeze_with_work_in_hand(chaos, flow)
        ids = pending_ids(chaos)
        chaos.raw.xclaim(STREAM, GROUP, name, 0, chaos.rng.sample(ids, chaos.rng.randrange(1, len(ids) + 1)))
        chaos.fault()
        flow.send(signal.SIGCONT)
        chaos.wait_until_quiet(what=flow.log)
        assert flow.stop() == 0, flow.log()
        assert not any(line.startswith("2026-01-01") for line in flow.log().splitlines())
    chaos.verify()
    assert chaos.row.claimed > 0
