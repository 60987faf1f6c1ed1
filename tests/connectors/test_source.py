"""The consumer-group source on a real Redis: what it reads, in which order, and what it does when things go."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

import pytest
import redis

from connectors import connection
from connectors.commit import commit
from connectors.errors import RedisAway
from connectors.group import GroupConfig
from connectors.instrumentation import Instrumentation
from connectors.lease import Lease
from connectors.private_redis import PrivateRedis
from tests.support.services import CONFIG, DrivenSource, part_of, service
from tests.support.waiting import wait_for

Start = Callable[..., DrivenSource]


class Seen(Instrumentation):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.claims = 0
        self.fences = 0
        self.losses = 0

    def claimed(self, entries: int) -> None:
        self.claims += entries

    def fenced(self) -> None:
        self.fences += 1

    def trimmed(self, entries: int) -> None:
        self.losses += entries


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> Iterator[redis.Redis]:
    with server.client() as one:
        yield one


@pytest.fixture
def start(server: PrivateRedis, raw: redis.Redis, seen: Seen) -> Iterator[Start]:
    """Starts sources; each is given up at the end of the test."""
    started: list[DrivenSource] = []

    def one(worker: int = 0, config: GroupConfig = CONFIG, **limits: float) -> DrivenSource:
        source = DrivenSource(service(server.url, seen), worker, config, **limits)
        started.append(source)
        return source

    yield one
    for source in started:
        crash(source)


def crash(source: DrivenSource) -> None:
    """Let a source die without a word: its lease is no longer renewed."""
    partition = source.partition
    if partition._consumer._lease is not None:  # type: ignore[attr-defined]
        partition._consumer._lease.close()  # type: ignore[attr-defined]
    partition.close()


def add(raw: redis.Redis, count: int) -> list[bytes]:
    pipeline = raw.pipeline(transaction=False)
    for number in range(count):
        pipeline.xadd("s", {"n": number})
    return list(pipeline.execute())


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


def test_batches_stay_within_the_bound_and_grow_towards_it(raw: redis.Redis, start: Start) -> None:
    add(raw, 500)
    source = start(max_batch=80, first=8)
    sizes = []
    for _ in range(6):
        batch = source.batch()
        sizes.append(len(batch.entries))
        commit(raw, [part_of(batch)])
    assert max(sizes) == 80
    assert sizes == sorted(sizes)


class Clock:
    """Stands for the `time` of the source: sleeping moves the clock, and adds entries to the stream."""

    def __init__(self, raw: redis.Redis, entries: int) -> None:
        self.raw = raw
        self.entries = entries
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        add(self.raw, self.entries)


def lingering(
    raw: redis.Redis, start: Start, monkeypatch: pytest.MonkeyPatch, entries: int
) -> tuple[DrivenSource, Clock]:
    """A source that rests for half a minute at a time, while so many entries come; with an empty stream behind it."""
    clock = Clock(raw, entries)
    source = start(linger=30.0, first=8)
    assert source.drain() == []
    monkeypatch.setattr("connectors.source.time", clock)
    return source, clock


def test_what_comes_while_it_lingers_is_read_in_one_batch(
    raw: redis.Redis, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, clock = lingering(raw, start, monkeypatch, entries=3)
    add(raw, 1)
    assert len(source.batch().entries) == 1
    assert clock.slept == []
    assert len(source.batch().entries) == 3
    assert len(clock.slept) == 1
    assert 29 < clock.slept[-1] <= 30


def test_it_does_not_linger_behind_a_backlog(raw: redis.Redis, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    source, clock = lingering(raw, start, monkeypatch, entries=0)
    ids = add(raw, 200)
    read = []
    while len(read) < 200 - 1:
        assert clock.slept == []
        read += [entry.id for entry in source.batch().entries]
    assert read == ids[: len(read)]


def test_it_waits_for_an_entry_without_a_rest_after_a_read_that_brought_none(
    raw: redis.Redis, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, clock = lingering(raw, start, monkeypatch, entries=0)
    add(raw, 1)
    source.batch()
    assert source.drain() == []
    assert len(clock.slept) == 1
    add(raw, 1)
    source.batch()
    assert len(clock.slept) == 1


def test_large_entries_are_read_few_at_a_time(raw: redis.Redis, start: Start) -> None:
    for _ in range(60):
        raw.xadd("s", {"f": b"x" * 1_000_000})
    source = start(first=8)
    source.batch()
    sizes = []
    while sum(sizes) < 20:
        sizes.append(len(source.batch().entries))
    assert max(sizes[1:]) <= 4, sizes


def test_no_more_is_read_than_may_be_in_flight(raw: redis.Redis, start: Start) -> None:
    add(raw, 1000)
    source = start(max_batch=50, max_in_flight=100)
    first = source.batch()
    rest = []
    for _ in range(100):
        rest += source.poll()
    in_flight = len(first.entries) + sum(len(batch.entries) for batch in rest)
    assert 100 <= in_flight <= 200
    for batch in [first, *rest]:
        commit(raw, [part_of(batch)])
    assert source.batch().entries


def test_a_lost_lease_makes_it_read_again_what_was_not_committed(raw: redis.Redis, start: Start, seen: Seen) -> None:
    ids = add(raw, 20)
    source = start()
    batch = source.batch()
    raw.delete(batch.delivery.lease_key)
    assert commit(raw, [part_of(batch)]).refused
    again = source.batch()
    assert [entry.id for entry in again.entries] == ids
    assert again.delivery.token != batch.delivery.token
    assert commit(raw, [part_of(again)]).applied
    assert commit(raw, [part_of(batch)]).refused
    assert (seen.fences, raw.hget("counters", "fenced_total")) == (1, b"1")


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
    assert [row["name"].decode() for row in raw.xinfo_consumers("s", "g")] == [batch.delivery.consumer[:-1] + "1"]


def test_a_living_consumer_keeps_its_entries(raw: redis.Redis, start: Start) -> None:
    add(raw, 30)
    owner = start(worker=0)
    batch = owner.batch()
    assert start(worker=1).drain() == []
    assert commit(raw, [part_of(batch)]).applied


def test_a_slow_but_living_owner_keeps_its_lease(raw: redis.Redis, start: Start) -> None:
    add(raw, 3)
    owner = start(worker=0)
    batch = owner.batch()
    key = batch.delivery.lease_key
    # Not polled any more, as if a step took long: the lease would end after 2 s without its thread.
    last = raw.pttl(key)
    renewals = 0

    def renewed() -> bool:
        nonlocal last, renewals
        now = raw.pttl(key)
        renewals += now > last
        last = now
        return renewals >= 4

    wait_for(renewed, "four renewals, more than a time to live")
    assert commit(raw, [part_of(batch)]).applied


def test_an_owner_that_makes_no_progress_loses_its_lease(raw: redis.Redis, start: Start) -> None:
    add(raw, 3)
    owner = start(worker=0, config=GroupConfig("s", "g", "counters", "lease:", lease_ttl=1.0, stall=0.2))
    batch = owner.batch()
    wait_for(lambda: not raw.exists(batch.delivery.lease_key), "the end of the lease")


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
    raw.hset("counters", "last_id", batch.entries[-1].id)
    raw.xgroup_destroy("s", "g")
    done = len(batch.entries)
    again: list[bytes] = []
    while len(again) < len(ids) - done:
        got = source.batch()
        if commit(raw, [part_of(got)]).applied:
            again += [entry.id for entry in got.entries]
    assert again == ids[done:]


def test_a_deleted_stream_is_read_from_the_beginning_of_the_new_one(raw: redis.Redis, start: Start) -> None:
    raw.xadd("s", {"f": "v"}, id="9999999999999-0")
    source = start()
    batch = source.batch()
    commit(raw, [part_of(batch)])
    raw.hset("counters", "last_id", "9999999999999-0")
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
    raw.xreadgroup("g", source.partition._consumer.name, {"s": ">"})  # type: ignore[attr-defined]
    got: set[bytes] = set()

    def all_committed() -> bool:
        for batch in source.poll():
            if commit(raw, [part_of(batch)]).applied:
                got.update(entry.id for entry in batch.entries)
        return set(newer) <= got

    wait_for(all_committed, "the entries that were delivered to nobody")
    wait_for(lambda: all_committed() and raw.xpending("s", "g")["pending"] == 0, "nothing pending")
    assert got == set(newer)


def test_a_stop_waits_for_what_is_in_flight_and_leaves_the_group(raw: redis.Redis, start: Start) -> None:
    add(raw, 10)
    source = start()
    batch = source.batch()
    source.service.lifecycle.stop("test")
    for _ in range(5):
        source.poll()
        assert not source.ended
    commit(raw, [part_of(batch)])
    wait_for(lambda: source.poll() == [] and source.ended, "the end of the source")
    assert raw.xinfo_consumers("s", "g") == []
    assert not raw.exists(batch.delivery.lease_key)


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
        wait_for(lambda: source.poll() == [] and len(raw.xinfo_consumers("s", "g")) == 1, "the end of the dead one")
    finally:
        raw.config_set("maxmemory", 0)


def test_thousands_of_entries_are_taken_over_whatever_the_size_of_a_batch(raw: redis.Redis, start: Start) -> None:
    add(raw, 20_000)
    raw.xgroup_create("s", "g", "0")
    raw.xreadgroup("g", "dead", {"s": ">"}, count=20_000)
    source = start(max_batch=100_000, max_in_flight=1_000_000, first=100_000)
    assert len(source.drain()) == 20_000


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


def test_a_closed_source_renews_its_lease_no_more(raw: redis.Redis, start: Start) -> None:
    add(raw, 1)
    source = start(config=GroupConfig("s", "g", "counters", "lease:", lease_ttl=0.5))
    batch = source.batch()
    source.partition.close()
    wait_for(lambda: not raw.exists(batch.delivery.lease_key), "the end of the lease")


def test_an_acquisition_whose_reply_was_lost_is_our_own(raw: redis.Redis, server: PrivateRedis) -> None:
    lease = Lease(raw, "lease:c", "counters", 60.0, 60.0)
    real = lease._client
    lease._client = LosingReplies(real)  # type: ignore[assignment]
    with pytest.raises(RedisAway):
        lease.acquire()
    lease._client = real
    assert lease.acquire()
    lease.close()


class LosingReplies:
    """Carries scripts out and loses the reply."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def evalsha(self, *_args: object) -> object:
        raise redis.exceptions.NoScriptError("not here")

    def eval(self, *args: object) -> object:
        self._client.eval(*args)  # type: ignore[arg-type]
        raise redis.exceptions.ConnectionError("lost")


def test_after_a_read_that_blocked_the_next_attempt_is_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime takes the time before a turn, and waits after it until `next_awake` by that time."""
    monkeypatch.setattr(connection, "SOCKET_TIMEOUT", 0.3)
    with PrivateRedis() as hangs:
        source = DrivenSource(service(hangs.url), 0)
        source.poll()
        hangs.freeze()
        assert source.poll() == []
        awake, now = source.partition.next_awake(), datetime.now(timezone.utc)
        hangs.thaw()
    assert awake is not None
    assert awake < now
