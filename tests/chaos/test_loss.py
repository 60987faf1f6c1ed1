"""Loss that Redis was told to cause: entries trimmed and deleted, read or not.

Each scenario has been seen to fail without the mechanism that it guards; see `docs/reliability.md` for how.
"""

from __future__ import annotations

from tests.chaos.conftest import every_version
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
from tests.support.recount import STATUS, STREAM
from tests.support.waiting import wait_for


@every_version()
def test_trimmed_before_it_was_read(chaos: Chaos) -> None:
    """Guards the look for a hole before a read, which tells how much was lost; on 6.2, that nothing is made up."""
    chaos.remember()
    lost = 0
    for number in range(FAULTS):
        flow = chaos.start()
        if number:
            # (The first time, the flow ends before it has ever read anything.)
            chaos.publish(SHARE // 2)
            chaos.wait_until_quiet(lost)
        else:
            wait_for(lambda: "connected" in flow.log() and chaos.raw.exists(STATUS), "a start")  # noqa: B023
        assert flow.stop() == 0, flow.log()
        chaos.publish(SHARE // 2)
        lost += SHARE // 2 - trim(chaos, chaos.rng.choice((0, 1, SHARE // 4)))
        chaos.fault()
    chaos.publish(10)
    flow = chaos.start()
    chaos.wait_until_quiet(lost, flow.log)
    chaos.verify_totals(chaos.published - lost)
    if chaos.server.version == "6.2":
        # This Redis keeps no count of what was ever added: it cannot tell, and the flow does not make anything up.
        wait_for(lambda: chaos.raw.hexists(STATUS, "pending_estimate"), "a look at the group")
        assert chaos.row.lost == 0
        assert not chaos.raw.hexists(STATUS, "lag")
    else:
        assert chaos.row.lost == lost
        wait_for(lambda: chaos.raw.hget(STATUS, "lag") == b"0", "a lag of 0")


def trim(chaos: Chaos, length: int) -> int:
    """Trim the stream to its newest `length` entries; how many are left of those that were not read."""
    chaos.raw.xtrim(STREAM, maxlen=length, approximate=False)
    return length


@every_version()
def test_trimmed_while_it_is_read(chaos: Chaos) -> None:
    """Some of what goes is unread, some is pending, some is counted; together they are all that was published.

    Guards the look for a hole before a read; on 6.2, which cannot tell how much is lost, that what is left is read on
    and nothing is counted twice.
    """
    chaos.remember()
    flow = chaos.start(**SMALL_READS)
    for _ in range(FAULTS * 3):
        before = chaos.processed()
        chaos.publish(SHARE // 3)
        chaos.wait_for_progress(flow, since=before)
        chaos.pause(0, 0.03)
        trim(chaos, chaos.rng.randrange(0, SHARE // 4))
        chaos.fault()
        wait_for(lambda: processed_or_lost(chaos) == chaos.published or not knows_lag(chaos), "it all", DEADLINE)
    chaos.publish(1)
    if knows_lag(chaos):
        wait_for(lambda: processed_or_lost(chaos) >= chaos.published, "it all", DEADLINE)
    else:
        wait_for(lambda: chaos.raw.xinfo_groups(STREAM)[0]["last-delivered-id"] == newest(chaos), "the end", DEADLINE)
    wait_for(lambda: recount.pending(chaos.raw) == 0, "nothing pending", DEADLINE)
    lost = int(chaos.raw.hget(STATUS, "trimmed_total") or 0)
    assert knows_lag(chaos) or lost == 0
    chaos.verify_totals(chaos.published - lost if knows_lag(chaos) else chaos.processed())


def knows_lag(chaos: Chaos) -> bool:
    """Whether this Redis keeps count of what was added and read."""
    return chaos.server.version != "6.2"


def processed_or_lost(chaos: Chaos) -> int:
    """`processed_total` and `trimmed_total`."""
    return sum(int(value or 0) for value in chaos.raw.hmget(STATUS, "processed_total", "trimmed_total"))


@every_version()
def test_deleted_while_it_was_pending(chaos: Chaos) -> None:
    """Guards that entries which are gone are told from others in a takeover, and counted as lost."""
    lost = 0
    for _ in range(ROUNDS):
        chaos.publish(LARGE_SHARE)
        flow = chaos.start(**SMALL_READS)
        freeze_with_work_in_hand(chaos, flow)
        flow.kill()
        ids = pending_ids(chaos)
        victims = chaos.rng.sample(ids, chaos.rng.randrange(1, len(ids) + 1))
        lost += chaos.raw.xdel(STREAM, *victims)
        chaos.fault()
        heir = chaos.start()
        chaos.wait_until_quiet(lost, heir.log)
        heir.kill()
    chaos.verify()
    assert chaos.row.lost == lost
    assert chaos.published == chaos.row.counted + lost
