"""The source on a real Redis: its batches, how it rests between them, and how it ends."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
import redis
from structlog.testing import capture_logs

from connectors import connection, standstill
from connectors.commit import CommitSink, commit
from connectors.delivery import Part
from connectors.private_redis import PrivateRedis
from tests.connectors.conftest import Start
from tests.support.services import DrivenSource, add, part_of, service
from tests.support.waiting import wait_for


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


def test_of_a_full_window_that_stands_still_the_log_names_the_entry_that_is_in_no_part(
    raw: redis.Redis, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a filter: what was read with it waits for it, and no more is read."""
    monkeypatch.setattr(standstill, "SECONDS", 0.0)
    monkeypatch.setattr(standstill, "LOOKS", 3)
    ids = add(raw, 4)
    source = start(max_batch=4, max_in_flight=4)
    batch = source.batch()
    sink = CommitSink(source.service).build("step", 0, 1)
    parts = [Part(batch.delivery, (one_id,), ()) for one_id in ids]
    with capture_logs() as logs:
        sink.write_batch([*parts[:2], parts[3]])
        for _ in range(20):
            assert source.poll() == []
    (line,) = [one for one in logs if one["event"] == "commits have stalled"]
    assert (line["cause"], line["stream"]) == (f"entry {ids[2].decode()} is in no part", "s")
    assert (line["in_flight"], line["log_level"]) == (4, "warning")
    sink.write_batch([parts[2]])
    more = add(raw, 1)
    assert [entry.id for entry in source.batch().entries] == more
    assert raw.xpending("s", "g")["pending"] == 1
    sink.close()


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


def test_after_a_read_that_blocked_the_next_attempt_is_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime takes the time before a turn, and waits after it until `next_awake` by that time."""
    monkeypatch.setattr(connection, "SOCKET_TIMEOUT", 0.3)
    with PrivateRedis() as hangs:
        source = DrivenSource(service(hangs.url), 0)
        source.poll()
        hangs.freeze()
        assert source.poll() == []
        awake, now = source.partition.next_awake(), datetime.now(UTC)
        hangs.thaw()
    assert awake is not None
    assert awake < now
