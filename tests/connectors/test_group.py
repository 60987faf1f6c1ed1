"""A consumer group on a real Redis: created, joined, taken over from the dead, and found again when it is gone."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

import pytest
import redis
from structlog.testing import capture_logs

from connectors.commit import commit
from connectors.group_config import GroupConfig
from tests.connectors.conftest import Start
from tests.support.services import CONFIG, Seen, add, crash, members, part_of


def test_it_creates_the_group_at_the_beginning_and_reads_in_order(raw: redis.Redis, start: Start) -> None:
    ids = add(raw, 250)
    source = start()
    assert source.drain() == ids
    assert raw.xinfo_groups("s")[0]["name"] == b"g"


def test_a_stream_that_does_not_exist_is_created_and_waited_on(raw: redis.Redis, start: Start) -> None:
    source = start()
    assert source.drain() == []
    ids = add(raw, 1)
    assert [entry.id for entry in source.batch().entries] == ids


def test_the_consumer_is_named_after_host_process_and_worker(raw: redis.Redis, start: Start) -> None:
    add(raw, 1)
    batch = start(worker=3).batch()
    assert batch.delivery.consumer == f"{socket.gethostname()}-{os.getpid()}-3"
    assert raw.xinfo_consumers("s", "g")[0]["name"].decode() == batch.delivery.consumer


def test_an_existing_group_is_reused(raw: redis.Redis, start: Start) -> None:
    ids = add(raw, 10)
    raw.xgroup_create("s", "g", ids[3])
    assert start().drain() == ids[4:]


def test_entries_of_a_dead_consumer_are_taken_over_before_new_ones(raw: redis.Redis, start: Start, seen: Seen) -> None:
    ids = add(raw, 30)
    dead = start(worker=0)
    batch = dead.batch()
    crash(dead)
    raw.delete(batch.delivery.lease_key)
    newer = add(raw, 5)
    other = start(worker=1)
    assert other.drain() == ids + newer
    assert seen.claims == 30
    assert raw.hget("counters", "claimed_total") == b"30"
    assert sorted(members(raw)) == [batch.delivery.consumer[:-1] + "1"]


def test_a_living_consumer_keeps_its_entries(raw: redis.Redis, start: Start) -> None:
    add(raw, 30)
    owner = start(worker=0)
    batch = owner.batch()
    assert start(worker=1).drain() == []
    assert commit(raw, [part_of(batch)]).applied


def test_a_name_that_is_leased_to_another_process_gets_a_number(raw: redis.Redis, start: Start) -> None:
    name = f"{socket.gethostname()}-{os.getpid()}-0"
    raw.set(f"lease:{name}", "another process", px=60_000)
    add(raw, 1)
    assert start().batch().delivery.consumer == f"{name}-2"


def test_a_destroyed_group_is_created_behind_the_last_committed_entry(raw: redis.Redis, start: Start) -> None:
    ids = add(raw, 40)
    source = start(max_batch=20)
    batch = source.batch()
    commit(raw, [part_of(batch)])
    raw.xgroup_destroy("s", "g")
    done = len(batch.entries)
    again: list[bytes] = []
    while len(again) < len(ids) - done:
        got = source.batch()
        if commit(raw, [part_of(got)]).applied:
            again += [entry.id for entry in got.entries]
    assert again == ids[done:]


def test_no_flow_has_to_note_how_far_it_has_come(raw: redis.Redis, start: Start) -> None:
    """Without a word of the flow's own, what was counted is not counted again by the group that is made anew."""
    add(raw, 300)
    source = start()
    while raw.hget("counts", "n") != b"300":
        assert commit(raw, [part_of(source.batch())]).applied
    raw.xgroup_destroy("s", "g")
    ids = add(raw, 5)
    batch = source.batch()
    assert [entry.id for entry in batch.entries] == ids
    assert commit(raw, [part_of(batch)]).applied
    assert (raw.hget("counts", "n"), raw.hget("counters", "last_id")) == (b"305", ids[-1])


def test_counters_that_were_copied_from_another_group_are_refused(raw: redis.Redis, start: Start) -> None:
    """A second group would begin behind the last entry of the first, and count nothing of what is there."""
    add(raw, 20)
    assert commit(raw, [part_of(start().batch())]).applied
    before = raw.hgetall("counters")
    second = start(worker=1, config=replace(CONFIG, group="second"))
    with capture_logs() as logs:
        assert second.drain() == []
    assert second.ended
    assert second.service.lifecycle.exit_status == 78
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "key counters holds the counters of group g of stream s; give group second of stream s a key of its own. "
        "If it is the same group under a new name, HDEL counters group_stream group_name"
    ]
    assert [row["name"] for row in raw.xinfo_groups("s")] == [b"g"]
    assert raw.hgetall("counters") == before


@pytest.mark.parametrize(("ahead", "waits"), [(10, True), (-1, False), (10_000, False)])
def test_while_a_group_is_held_nobody_registers(raw: redis.Redis, start: Start, ahead: int, *, waits: bool) -> None:
    """One that is held for longer than may be, by a clock that was set back since, is not."""
    ids = add(raw, 3)
    raw.hset("counters", "held_until", raw.time()[0] + ahead)
    source = start()
    with capture_logs() as logs:
        found = source.drain() + source.drain()
    assert ("waiting for a rebuild" in [line["event"] for line in logs]) == waits
    if waits:
        assert (found, raw.keys("lease:*"), len(logs)) == ([], [], 1)
        raw.hdel("counters", "held_until")
        found = [entry.id for entry in source.batch().entries]
    assert found == ids


def test_a_group_that_names_no_keys_has_its_own(raw: redis.Redis, start: Start) -> None:
    ids = add(raw, 20)
    batches = [start(config=GroupConfig("s", group)).batch() for group in ("one", "two")]
    assert [[entry.id for entry in batch.entries] for batch in batches] == [ids, ids]
    assert commit(raw, [part_of(batch) for batch in batches]).refused == []
    for group, batch in zip(("one", "two"), batches, strict=True):
        assert raw.hget(f"s:group:{group}", "last_id") == ids[-1]
        assert batch.delivery.lease_key == f"s:group:{group}:lease:{batch.delivery.consumer}"


def test_counters_without_an_owner_become_those_of_the_group_that_uses_them(raw: redis.Redis, start: Start) -> None:
    """They were made by an older version; or their group shall have another name."""
    ids = add(raw, 20)
    raw.xgroup_create("s", "g", ids[9])
    raw.hset("counters", mapping={"last_id": ids[9], "group_generation": 1})
    assert start().drain() == ids[10:]
    assert raw.hmget("counters", "group_stream", "group_name") == [b"s", b"g"]
    raw.hdel("counters", "group_stream", "group_name")
    assert start(worker=1, config=replace(CONFIG, group="renamed")).drain() == ids[10:]
    assert raw.hmget("counters", "group_stream", "group_name") == [b"s", b"renamed"]


def test_a_deleted_stream_is_read_from_the_beginning_of_the_new_one(raw: redis.Redis, start: Start) -> None:
    raw.xadd("s", {"f": "v"}, id="9999999999999-0")
    source = start()
    batch = source.batch()
    commit(raw, [part_of(batch)])
    raw.delete("s")
    ids = add(raw, 3)
    assert [entry.id for entry in source.batch().entries] == ids


def test_entries_deleted_while_pending_are_counted_as_lost(raw: redis.Redis, start: Start, seen: Seen) -> None:
    ids = add(raw, 10)
    source = start()
    batch = source.batch()
    raw.xdel("s", *ids[2:5])
    raw.delete(batch.delivery.lease_key)
    again = source.batch()
    assert [entry.id for entry in again.entries] == ids[:2] + ids[5:]
    assert (seen.losses, raw.hget("counters", "trimmed_total")) == (3, b"3")
    commit(raw, [part_of(again)])
    assert raw.xpending("s", "g")["pending"] == 0


def test_thousands_of_entries_are_taken_over_whatever_the_size_of_a_batch(raw: redis.Redis, start: Start) -> None:
    add(raw, 20_000)
    raw.xgroup_create("s", "g", "0")
    raw.xreadgroup("g", "dead", {"s": ">"}, count=20_000)
    source = start(max_batch=100_000, max_in_flight=1_000_000, first=100_000)
    assert len(source.drain()) == 20_000
