"""Groups and streams that disappear under a running flow.

Each scenario has been seen to fail without the mechanism that it guards; see `docs/reliability.md` for how.
"""

from __future__ import annotations

import signal

from connectors import stream_id
from tests.chaos.harness import (
    DEADLINE,
    FAULTS,
    LARGE_SHARE,
    ROUNDS,
    SHARE,
    SMALL_READS,
    Chaos,
    newest,
    pending_ids,
)
from tests.chaos.test_processes import freeze_with_work_in_hand
from tests.support import recount
from tests.support.recount import GROUP, STATUS, STREAM
from tests.support.waiting import wait_for


def test_group_destroyed_under_a_running_flow(chaos: Chaos) -> None:
    flow = chaos.start(**SMALL_READS)
    for _ in range(FAULTS * 3):
        chaos.publish(SHARE // 3)
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, SHARE // 3))
        chaos.raw.xgroup_destroy(STREAM, GROUP)
        chaos.fault()
    wait_for(lambda: has_group(chaos), "a new group")
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify()


def test_group_destroyed_twice_while_a_batch_is_held(chaos: Chaos) -> None:
    """Guards the generation of a group: what an earlier one delivered is not counted when a later one is gone, too."""
    holders = []
    for _ in range(ROUNDS):
        chaos.publish(LARGE_SHARE // 2)
        holder = chaos.start(**SMALL_READS, LEASE_TTL_SEC="60")
        freeze_with_work_in_hand(chaos, holder)
        while not holds_only_what_is_newer(chaos):
            holder.send(signal.SIGCONT)
            freeze_with_work_in_hand(chaos, holder)
        chaos.raw.xgroup_destroy(STREAM, GROUP)
        other = chaos.start(**SMALL_READS)
        wait_for(lambda: has_group(chaos), "a new group")
        # It is given again, and counts, what the first one holds.
        chaos.wait_until_quiet(what=other.log)
        other.send(signal.SIGSTOP)
        chaos.raw.xgroup_destroy(STREAM, GROUP)
        chaos.fault()
        holder.send(signal.SIGCONT)
        wait_for(lambda: has_group(chaos), "a third group")
        other.send(signal.SIGCONT)
        chaos.publish(LARGE_SHARE // 2)
        chaos.wait_until_quiet(what=holder.log)
        assert holder.stop() == other.stop() == 0
        holders.append(holder)
    chaos.verify()
    assert all("commit refused" in holder.log() for holder in holders)


def holds_only_what_is_newer(chaos: Chaos) -> bool:
    """Whether all that is pending is newer than all that is counted: then the next group begins before it."""
    newest = stream_id.parse(chaos.raw.hget(STATUS, "last_id") or stream_id.ZERO)
    return all(stream_id.parse(entry) > newest for entry in pending_ids(chaos))


def has_group(chaos: Chaos) -> bool:
    """Whether the group exists."""
    return any(row["name"].decode() == GROUP for row in chaos.raw.xinfo_groups(STREAM))


def test_stream_deleted_under_a_running_flow(chaos: Chaos) -> None:
    """Guards that a new stream is read from its beginning, and that what is left of an old one is not counted twice."""
    chaos.remember()
    flow = chaos.start(**SMALL_READS)
    counted = 0
    for _ in range(FAULTS):
        # Of this stream, nobody can say how much was counted; but the next one must be counted whole, and once.
        before = chaos.processed()
        chaos.publish(SHARE // 2)
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, SHARE // 2), since=before)
        given = stream_id.milliseconds(newest(chaos))
        chaos.raw.delete(STREAM)
        chaos.fault()
        # IDs that the old stream has given may not be given again (see "Where it ends" in docs/reliability.md).
        wait_for(lambda given=given: redis_ms(chaos) > given, "the next millisecond", every=0.001)  # type: ignore[misc]
        chaos.add([{"symbol": "NEW", "decision": "SKIP", "error": "after_deletion"}] * (SHARE // 2))
        counted += SHARE // 2
        wait_for(lambda: after_deletion(chaos) >= counted, f"{counted} counted", DEADLINE)  # noqa: B023
        wait_for(lambda: recount.pending(chaos.raw) == 0, "nothing pending", DEADLINE)
        assert after_deletion(chaos) == counted
    chaos.verify_totals(chaos.processed())
    chaos.row.lost = chaos.published - chaos.row.counted


def redis_ms(chaos: Chaos) -> int:
    """The clock of Redis, in milliseconds since the epoch."""
    seconds, microseconds = chaos.raw.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


def after_deletion(chaos: Chaos) -> int:
    """How many entries of new streams are counted."""
    return sum(bucket.get("symbol_decision:NEW:SKIP", 0) for bucket in recount.buckets(chaos.raw).values())
