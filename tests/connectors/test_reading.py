"""Reading new entries: what was lost before it was read is counted exactly, and a lost reply loses nothing."""

from __future__ import annotations

import redis

from connectors.commit import commit
from tests.connectors.conftest import Start
from tests.support.services import Seen, add, members, next_name, part_of
from tests.support.waiting import wait_for


def test_entries_trimmed_before_they_were_read_are_counted_exactly_once(
    raw: redis.Redis, start: Start, seen: Seen
) -> None:
    add(raw, 10)
    first, second = start(worker=0, max_batch=10), start(worker=1, max_batch=10)
    commit(raw, [part_of(first.batch())])
    first.drain()
    add(raw, 100)
    raw.xtrim("s", maxlen=30, approximate=False)
    for _ in range(8):
        for source in (first, second):
            for batch in source.poll():
                commit(raw, [part_of(batch)])
    assert (seen.losses, raw.hget("counters", "trimmed_total")) == (70, b"70")
    assert raw.hget("counts", "n") == b"40"


def test_a_stream_trimmed_to_nothing_is_noticed(raw: redis.Redis, start: Start, seen: Seen) -> None:
    add(raw, 5)
    source = start()
    commit(raw, [part_of(source.batch())])
    source.drain()
    add(raw, 7)
    raw.xtrim("s", maxlen=0, approximate=False)
    source.drain()
    assert seen.losses == 7


def test_deleting_what_was_counted_is_no_loss(raw: redis.Redis, start: Start, seen: Seen) -> None:
    ids = add(raw, 20)
    source = start()
    commit(raw, [part_of(source.batch())])
    raw.xdel("s", *ids[5:9])
    newer = add(raw, 5)
    raw.xtrim("s", maxlen=6, approximate=False)
    assert source.drain() == newer
    assert seen.losses == 0


def test_a_read_whose_reply_was_lost_is_read_again(raw: redis.Redis, start: Start) -> None:
    add(raw, 5)
    source = start()
    commit(raw, [part_of(source.batch())])
    source.drain()
    # What a broken connection leaves behind: entries delivered under our name that we never saw.
    newer = add(raw, 4)
    raw.xreadgroup("g", next_name(source), {"s": ">"})
    got: set[bytes] = set()

    def all_committed() -> bool:
        for batch in source.poll():
            if commit(raw, [part_of(batch)]).applied:
                got.update(entry.id for entry in batch.entries)
        return set(newer) <= got

    wait_for(all_committed, "the entries that were delivered to nobody")
    wait_for(lambda: all_committed() and raw.xpending("s", "g")["pending"] == 0, "nothing pending")
    assert got == set(newer)


def test_a_hole_is_seen_even_when_redis_has_forgotten_all_scripts(raw: redis.Redis, start: Start, seen: Seen) -> None:
    add(raw, 5)
    source = start()
    commit(raw, [part_of(source.batch())])
    source.drain()
    add(raw, 9)
    raw.xtrim("s", maxlen=2, approximate=False)
    raw.script_flush()
    assert len(source.drain()) == 2
    assert seen.losses == 7


def test_a_hole_is_stepped_over_and_the_dead_are_forgotten_while_redis_is_full(
    raw: redis.Redis, start: Start, seen: Seen
) -> None:
    add(raw, 5)
    source = start()
    commit(raw, [part_of(source.batch())])
    source.drain()
    raw.xgroup_createconsumer("s", "g", "dead")
    add(raw, 9)
    raw.config_set("maxmemory", 1)
    try:
        raw.xtrim("s", maxlen=2, approximate=False)
        commit(raw, [part_of(source.batch())])
        assert (raw.hget("counts", "n"), seen.losses) == (b"7", 7)
        wait_for(lambda: source.poll() == [] and len(members(raw)) == 1, "the end of the dead one")
    finally:
        raw.config_set("maxmemory", 0)


def test_a_burst_that_is_trimmed_in_the_same_step_is_noticed_while_a_read_waits(
    raw: redis.Redis, start: Start, seen: Seen
) -> None:
    add(raw, 5)
    source = start()
    commit(raw, [part_of(source.batch())])
    source.drain()
    source.poll()  # now a read waits
    with raw.pipeline(transaction=True) as burst:
        for number in range(100):
            burst.xadd("s", {"n": number}, maxlen=10, approximate=False)
        burst.execute()
    assert len(source.drain()) == 10
    assert seen.losses == 90


def test_a_hole_before_an_entry_whose_time_does_not_fit_a_float(raw: redis.Redis, start: Start, seen: Seen) -> None:
    first = 1_769_929_020_123_456_789
    for number in range(4):
        raw.xadd("s", {"n": number}, id=f"{first + number}-0")
    source = start()
    commit(raw, [part_of(source.batch())])
    source.drain()
    for number in range(4, 7):
        raw.xadd("s", {"n": number}, id=f"{first + number}-0")
    raw.xtrim("s", maxlen=1, approximate=False)
    assert source.drain() == [f"{first + 6}-0".encode()]
    assert seen.losses == 2
