"""A name for each read: what interferes with one is noticed by number, and what is left of it is found by name."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import redis
from structlog.testing import capture_logs

from connectors.commit import CommitOutcome, CommitSink, commit
from connectors.delivery import Batch, Part
from connectors.effects import Count
from connectors.errors import RedisFailure
from connectors.group import default_name
from connectors.private_redis import PrivateRedis, free_port
from connectors.sizing import READS_AHEAD
from tests.connectors.conftest import Start
from tests.support.services import DrivenSource, Seen, add, members, next_name, service
from tests.support.waiting import wait_for


def part_of(batch: Batch) -> Part:
    """Counts each entry under its own ID, so that a second count of any would show."""
    ids = tuple(entry.id for entry in batch.entries)
    return Part(batch.delivery, ids, (Count("counts", {one.decode(): 1 for one in ids}),))


def together(batches: list[Batch]) -> Part:
    """What a step makes of batches that it puts together."""
    parts = [part_of(batch) for batch in batches if batch.rows]
    reads = tuple(read for part in parts for read in part.delivery.reads)
    effects = tuple(effect for part in parts for effect in part.effects)
    ids = tuple(one for part in parts for one in part.ids)
    return Part(parts[0].delivery._replace(reads=reads), ids, effects)


def counted(raw: redis.Redis) -> dict[bytes, bytes]:
    return dict(raw.hgetall("counts"))


def once(ids: Iterable[bytes]) -> dict[bytes, bytes]:
    return dict.fromkeys(ids, b"1")


def finish(raw: redis.Redis, source: DrivenSource, ids: list[bytes]) -> None:
    """Let `source` work until nothing is left, and demand that each of `ids` is counted once."""

    def done() -> bool:
        source.partition._look_at = min(source.partition._look_at, 1e-9)  # type: ignore[attr-defined]
        for batch in source.poll():
            commit(raw, [part_of(batch)])
        return raw.hlen("counts") == len(ids) and raw.xpending("s", "g")["pending"] == 0

    wait_for(done, "all to be counted")
    assert counted(raw) == once(ids)


def read_names(raw: redis.Redis) -> list[bytes]:
    return [row["name"] for row in raw.xinfo_consumers("s", "g") if row["pending"]]


def test_each_read_has_a_name_of_its_own_that_goes_with_its_commit(raw: redis.Redis, start: Start) -> None:
    source = start(max_batch=3, first=3)
    ids = add(raw, 6)
    one, two = source.batch(), source.batch()
    assert [name.decode() for name in read_names(raw)] == [batch.delivery.reads[0].name for batch in (one, two)]
    assert members(raw) == {one.delivery.consumer}
    assert commit(raw, [part_of(two)]).applied
    assert [name.decode() for name in read_names(raw)] == [one.delivery.reads[0].name]
    assert commit(raw, [part_of(one)]).applied
    assert read_names(raw) == []
    assert counted(raw) == once(ids)


def test_reads_that_bring_nothing_share_a_name(raw: redis.Redis, start: Start) -> None:
    source = start()
    for _ in range(3):
        assert source.drain() == []
    assert len(raw.xinfo_consumers("s", "g")) <= 2, "the consumer, and the next read"


def test_several_reads_are_committed_as_one(raw: redis.Redis, start: Start) -> None:
    source = start(max_batch=3, first=3)
    ids = add(raw, 9)
    part = together([source.batch() for _ in range(3)])
    assert commit(raw, [part]).applied == [part]
    assert counted(raw) == once(ids)
    assert commit(raw, [part]).gone == [part]
    assert counted(raw) == once(ids)


def refused(outcome: CommitOutcome) -> bool:
    return bool(outcome.refused) and not outcome.applied


def test_an_entry_that_was_claimed_out_by_hand_is_counted_once(raw: redis.Redis, start: Start, seen: Seen) -> None:
    ids = add(raw, 5)
    source = start()
    batch = source.batch()
    raw.xclaim("s", "g", "operator", 0, [ids[2]])
    assert refused(commit(raw, [part_of(batch)]))
    assert not counted(raw)
    finish(raw, source, ids)
    assert seen.claims == 1, "from the operator"


def test_an_entry_that_was_claimed_in_by_hand_is_counted_once(raw: redis.Redis, start: Start) -> None:
    ids = add(raw, 6)
    source = start(max_batch=3, first=3)
    one, two = source.batch(), source.batch()
    raw.xclaim("s", "g", two.delivery.reads[0].name, 0, [ids[0]])
    assert refused(commit(raw, [part_of(two)]))
    assert refused(commit(raw, [part_of(one)])), "its lease is revoked"
    finish(raw, source, ids)


def test_what_was_claimed_into_the_name_of_the_next_read_is_found(raw: redis.Redis, start: Start) -> None:
    source = start()
    assert source.drain() == []
    ids = add(raw, 2)
    raw.xreadgroup("g", "operator", {"s": ">"})
    raw.xclaim("s", "g", next_name(source), 0, ids)
    finish(raw, source, ids)


def test_a_commit_that_arrives_on_an_old_connection_after_it_was_repeated_does_nothing(
    raw: redis.Redis, start: Start
) -> None:
    source = start()
    ids = add(raw, 5)
    part = part_of(source.batch())
    assert commit(raw, [part], repeated=True).applied
    newer = add(raw, 5)
    other = part_of(source.batch())
    assert commit(raw, [part]).gone == [part]
    assert commit(raw, [other]).applied
    assert counted(raw) == once(ids + newer)


def test_a_commit_that_arrives_after_its_reader_registered_anew_does_nothing(raw: redis.Redis, start: Start) -> None:
    source = start()
    ids = add(raw, 5)
    late = part_of(source.batch())
    raw.delete(late.delivery.lease_key)
    again = source.batch()
    assert refused(commit(raw, [late]))
    assert commit(raw, [part_of(again)]).applied
    assert refused(commit(raw, [late]))
    assert counted(raw) == once(ids)


def test_a_read_that_arrives_on_an_old_connection_is_found(raw: redis.Redis, start: Start) -> None:
    """Its reply goes nowhere, under a name of a lease that was given up long ago."""
    source = start()
    ids = add(raw, 2)
    batch = source.batch()
    old = batch.delivery.reads[0].name
    raw.delete(batch.delivery.lease_key)
    assert commit(raw, [part_of(source.batch())]).applied
    ids += add(raw, 3)
    raw.xreadgroup("g", old, {"s": ">"})
    finish(raw, source, ids)


def test_a_failover_that_lost_the_second_of_two_reads_counts_each_entry_once(raw: redis.Redis, start: Start) -> None:
    source = start(max_batch=3, first=3)
    ids = add(raw, 6)
    batches = [source.batch(), source.batch()]
    # What the survivor knows: the first read, and nothing of the second.
    raw.xgroup_delconsumer("s", "g", batches[1].delivery.reads[0].name)
    raw.xgroup_setid("s", "g", ids[2])
    assert refused(commit(raw, [together(batches)], repeated=True))
    assert not counted(raw)
    finish(raw, source, ids)


def test_a_failover_that_lost_all_of_a_read_counts_each_entry_once(raw: redis.Redis, start: Start) -> None:
    source = start()
    ids = add(raw, 6)
    part = part_of(source.batch())
    raw.xgroup_delconsumer("s", "g", part.delivery.reads[0].name)
    raw.xgroup_setid("s", "g", "0")
    assert commit(raw, [part]).gone == [part]
    finish(raw, source, ids)


def test_a_redis_that_forgot_a_commit_has_its_entries_counted_again(raw: redis.Redis, start: Start) -> None:
    """Power failed: its file ended before the commit, whose read the source knows to have reached it.

    No read was under way meanwhile, whose end would have told of that.
    """
    ids = add(raw, 5)
    raw.xgroup_create("s", "g", "0")
    raw.xreadgroup("g", f"{default_name(1, 9)}:0123abcd.0", {"s": ">"})
    source = start(worker=1)
    batch = source.batch()
    held: bytes = raw.dump("s")  # type: ignore[assignment]
    assert commit(raw, [part_of(batch)]).applied
    raw.client_kill_filter(_type="normal", skipme=True)
    raw.restore("s", 0, held, replace=True)
    raw.delete("counts")
    finish(raw, source, ids)


def test_the_names_of_hundreds_of_dead_reads_are_cleared_away(raw: redis.Redis, start: Start, seen: Seen) -> None:
    ids = add(raw, 300)
    raw.xgroup_create("s", "g", "0")
    for number in range(300):
        raw.xreadgroup("g", f"dead-1:0123abcd.{number:x}", {"s": ">"}, count=1)
        raw.xgroup_createconsumer("s", "g", f"dead-2:0123abcd.{number:x}")
    source = start()
    finish(raw, source, ids)
    wait_for(lambda: source.poll() == [] and len(members(raw)) == 1, "the end of all names")
    assert len(raw.xinfo_consumers("s", "g")) <= 2
    assert seen.claims == 300


def test_the_reads_of_a_living_consumer_are_its_own(raw: redis.Redis, start: Start) -> None:
    owner, other = start(worker=1), start(worker=2)
    ids = add(raw, 5)
    part = part_of(owner.batch())
    for _ in range(3):
        other.partition._look_at = 0.0  # type: ignore[attr-defined]
        assert other.drain() == []
    assert commit(raw, [part]).applied
    assert counted(raw) == once(ids)


def test_a_batch_says_whether_another_follows_at_once_and_it_does(raw: redis.Redis, start: Start) -> None:
    source = start(max_batch=3, first=3, announce=True)
    ids = add(raw, 6)
    batches: list[Batch] = []
    wait_for(lambda: batches.extend(source.poll()) or (batches and not batches[-1].more), "the last of them")
    assert [batch.more for batch in batches] == [True, True, False]
    assert [len(batch.entries) for batch in batches] == [3, 3, 0]
    assert commit(raw, [together(batches)]).applied
    assert counted(raw) == once(ids)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is too slow to read ahead."""
    monkeypatch.setattr("connectors.source.SLOW_SECONDS", float("inf"))


def behind(source: DrivenSource) -> list[Batch]:
    """The batches until as many reads as it may are under way."""
    batches: list[Batch] = []
    reader = source.partition._reader  # type: ignore[attr-defined]
    wait_for(lambda: batches.extend(source.poll()) or reader.ahead == READS_AHEAD, "reads under way")
    return batches


@pytest.mark.usefixtures("quick")
def test_behind_a_backlog_several_reads_are_under_way_each_with_a_name_of_its_own(
    raw: redis.Redis, start: Start
) -> None:
    source = start(max_batch=3, first=3)
    ids = add(raw, 100)
    batches = behind(source)
    wait_for(lambda: len(read_names(raw)) == len(batches) + READS_AHEAD, "the reads under way to be carried out")
    while len(batches) < 34:
        batches.append(source.batch())
    assert [row[0] for batch in batches for row in batch.rows] == ids
    assert len({batch.delivery.reads for batch in batches}) == 34
    assert all(commit(raw, [part_of(batch)]).applied for batch in reversed(batches))
    assert counted(raw) == once(ids)


def test_reads_ahead_that_found_nothing_leave_no_names_behind(raw: redis.Redis, start: Start) -> None:
    source = start(max_batch=3, first=3)
    ids = add(raw, 40)
    with capture_logs() as logs:
        finish(raw, source, ids)
        assert len(members(raw)) <= 1 + READS_AHEAD
        ids += add(raw, 40)
        finish(raw, source, ids)
        assert len(members(raw)) <= 1 + READS_AHEAD
        source.service.lifecycle.stop("test")
        wait_for(lambda: source.poll() == [] and source.ended, "the end of the source")
    assert raw.xinfo_consumers("s", "g") == []
    assert not [one for one in logs if one["log_level"] == "warning"]


@pytest.mark.usefixtures("quick")
def test_what_was_read_ahead_by_one_that_dies_is_read_again(raw: redis.Redis, start: Start) -> None:
    source = start(max_batch=3, first=3)
    ids = add(raw, 60)
    one = behind(source)[0]
    source.partition._reader.close()  # type: ignore[attr-defined]
    assert commit(raw, [part_of(one)]).applied
    finish(raw, source, ids)


def test_who_is_slow_reads_one_batch_ahead(raw: redis.Redis, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.source.SLOW_SECONDS", 0.0)
    source = start(max_batch=3, first=3)
    ids = add(raw, 60)
    for _ in range(8):
        commit(raw, [part_of(source.batch())])
        assert source.partition._reader.ahead == 1  # type: ignore[attr-defined]
    finish(raw, source, ids)


def test_to_take_over_nothing_costs_no_name_and_is_no_news(raw: redis.Redis, start: Start) -> None:
    source = start()
    assert source.drain() == []
    raw.xgroup_createconsumer("s", "g", "gone")
    with capture_logs() as logs:
        for _ in range(6):
            source.partition._look_at = 1e-9  # type: ignore[attr-defined]
            source.drain()
            raw.xgroup_createconsumer("s", "g", "gone")
        assert len(members(raw)) <= 3, "the consumer, a name for its next read, and the one that is gone"
        raw.xgroup_delconsumer("s", "g", "gone")
        source.service.lifecycle.stop("test")
        wait_for(lambda: source.poll() == [] and source.ended, "the end of the source")
    assert raw.xinfo_consumers("s", "g") == []
    assert not [one for one in logs if one["log_level"] == "warning"]


def test_what_was_claimed_into_the_names_of_later_reads_is_found(raw: redis.Redis, start: Start) -> None:
    source = start()
    assert source.drain() == []
    ids = add(raw, 2)
    raw.xreadgroup("g", "operator", {"s": ">"})
    name, _, number = next_name(source).rpartition(".")
    for later, one in enumerate(ids, 1):
        raw.xclaim("s", "g", f"{name}.{int(number, 16) + later:x}", 0, [one])
    finish(raw, source, ids)


@pytest.mark.usefixtures("quick")
def test_reads_under_way_count_as_in_flight(raw: redis.Redis, start: Start) -> None:
    source = start(max_batch=3, first=3, max_in_flight=12)
    ids = add(raw, 60)
    most = 0
    held: list[Batch] = []
    for _ in range(60):
        held += source.poll()
        most = max(most, raw.xpending("s", "g")["pending"])
    assert most == 12
    for batch in held:
        commit(raw, [part_of(batch)])
    finish(raw, source, ids)


def test_a_stop_lets_no_batch_wait_for_another(raw: redis.Redis, start: Start) -> None:
    source = start(max_batch=3, first=3, announce=True)
    add(raw, 3)
    first = source.batch()
    assert first.more
    source.service.lifecycle.stop("test")
    (last,) = wait_for(source.poll, "the batch that was announced")
    assert (last.entries, last.more) == ([], False)
    assert commit(raw, [part_of(first)]).applied
    wait_for(lambda: source.poll() == [] and source.ended, "the end of the source")
    assert raw.xinfo_consumers("s", "g") == []


def test_a_sink_on_another_redis_than_the_source_ends_the_flow(raw: redis.Redis, start: Start) -> None:
    source = start()
    add(raw, 5)
    part = part_of(source.batch())
    with PrivateRedis() as other, other.client() as there:
        elsewhere = service(other.url)
        sink = CommitSink(elsewhere).build("step", 0, 1)
        with capture_logs() as logs:
            sink.write_batch([part])
            elsewhere.in_flight.finish()
        sink.close()
        assert there.keys() == []
    assert elsewhere.lifecycle.exit_status == 78
    ours, theirs = source.service.settings.redis_place(), elsewhere.settings.redis_place()
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        f"what was read from Redis at {ours} cannot be committed to Redis at {theirs}: "
        "a source and its sink need the same service"
    ]
    assert raw.xpending("s", "g")["pending"] == 5


def test_after_a_refusal_its_source_reads_again_even_if_it_holds_its_lease(raw: redis.Redis, start: Start) -> None:
    """A failover may leave the commit with one server and the source with another for a moment."""
    source = start()
    ids = add(raw, 5)
    part = part_of(source.batch())
    sink = CommitSink(source.service).build("step", 0, 1)
    raw.set(part.delivery.lease_key, "not known here")
    sink.write_batch([part])
    source.service.in_flight.finish()
    raw.set(part.delivery.lease_key, part.delivery.token)
    assert not counted(raw)
    finish(raw, source, ids)
    sink.close()


def test_a_replica_has_no_say_in_who_holds_a_lease(raw: redis.Redis, start: Start) -> None:
    source = start()
    add(raw, 5)
    part = part_of(source.batch())
    raw.set(part.delivery.lease_key, "not known here")
    raw.replicaof("127.0.0.1", str(free_port()))
    try:
        with pytest.raises(RedisFailure, match="read-only"):
            commit(raw, [part])
    finally:
        raw.replicaof("NO", "ONE")
    assert refused(commit(raw, [part]))
