"""Several sources on one worker: none waits for its own stream while another has an answer."""

from __future__ import annotations

import select

import pytest
import redis
from structlog.testing import capture_logs

from connectors import connection, reading
from connectors.group_config import GroupConfig
from connectors.private_redis import PrivateRedis
from connectors.reading import Reader
from tests.support.services import DrivenSource, service
from tests.support.waiting import wait_for

STREAMS = [f"s{number}" for number in range(12)]


def sources(url: str) -> list[DrivenSource]:
    """A source for each stream, of one service, all on this thread."""
    one = service(url)
    return [DrivenSource(one, number, GroupConfig(stream, "g")) for number, stream in enumerate(STREAMS)]


def reader(source: DrivenSource) -> Reader:
    found: Reader = source.partition._reader  # type: ignore[attr-defined]
    return found


def answered(source: DrivenSource) -> None:
    """Wait until the answer to its read has come, and leave it where it is."""
    wait_for(lambda: select.select([reader(source)], [], [], 0)[0], "an answer")


def know_nothing_new(every: list[DrivenSource]) -> None:
    """All have read once, found nothing, and have no read under way."""
    for source in every:
        wait_for(lambda one=source: one.poll() == [] and reader(one)._idle_at, "an empty read", every=0.001)
    assert not any(reader(source).under_way for source in every)


def all_idle(raw: redis.Redis, every: list[DrivenSource]) -> None:
    """All wait for their streams, in Redis. The first has an answer when the last begins to: so nobody waits here."""
    know_nothing_new(every)
    assert [source.poll() for source in every[:-1]] == [[]] * (len(every) - 1)
    raw.xadd(STREAMS[0], {"f": "v"})
    answered(every[0])
    assert every[-1].poll() == []
    assert len(every[0].poll()) == 1
    assert [reader(source).under_way for source in every] == [True] * len(every)


def let_pass(every: list[DrivenSource]) -> None:
    """Behind a batch, each of them comes by once without waiting: the steps behind them are at work."""
    assert [source.poll() for source in every] == [[]] * len(every)


def test_nobody_waits_while_another_has_not_asked_yet(
    server: PrivateRedis, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came for it meanwhile would be found only when that wait is over."""
    monkeypatch.setattr(reading, "BLOCK_MS", 60_000)
    one, other = sources(server.url)[:2]
    know_nothing_new([one, other])
    assert one.poll() == []
    assert (reader(one).under_way, reader(other).under_way) == (True, False)
    entry = raw.xadd(STREAMS[1], {"f": "v"})
    assert [row[0] for row in other.batch().rows] == [entry]


def test_an_entry_is_found_in_the_next_round_however_many_streams_are_idle(
    server: PrivateRedis, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waited for its own stream would wait here until Redis counts as away, and lose its connection."""
    monkeypatch.setattr(reading, "BLOCK_MS", 60_000)
    every = sources(server.url)
    all_idle(raw, every)
    let_pass(every)
    connections = raw.info("stats")["total_connections_received"]
    for number in (7, 3, 11):
        entry = raw.xadd(STREAMS[number], {"f": "v"})
        answered(every[number])
        assert [source.poll() for source in every[:number]] == [[]] * number
        (batch,) = every[number].poll()
        assert [row[0] for row in batch.rows] == [entry]
        let_pass(every)
    assert [reader(source).under_way for source in every] == [True] * 12
    assert raw.info("stats")["total_connections_received"] == connections


def test_a_redis_that_hangs_is_noticed_by_each_of_them(
    server: PrivateRedis, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = sources(server.url)
    all_idle(raw, every)
    monkeypatch.setattr(connection, "SOCKET_TIMEOUT", 0.5)
    server.freeze()
    try:
        with capture_logs() as logs:

            def noticed() -> bool:
                every[1].poll()
                return any(line["event"] == "waiting for Redis" for line in logs)

            wait_for(noticed, "the line that says so")
    finally:
        server.thaw()
    assert next(line for line in logs if line["event"] == "waiting for Redis")["cause"] == "no answer to a read"
    entry = raw.xadd(STREAMS[1], {"f": "v"})
    assert [row[0] for row in every[1].batch().rows] == [entry]


def test_a_source_that_has_ended_is_waited_for_no_more(server: PrivateRedis, raw: redis.Redis) -> None:
    one, other = sources(server.url)[:2]
    assert (one.poll(), other.poll()) == ([], [])
    other.partition.close()
    entry = raw.xadd(STREAMS[0], {"f": "v"})
    assert [row[0] for row in one.batch().rows] == [entry]


def test_the_process_is_ready_and_well_when_each_of_them_is(server: PrivateRedis, raw: redis.Redis) -> None:
    one = service(server.url)
    first, second = (DrivenSource(one, 0, GroupConfig(stream, "g")) for stream in STREAMS[:2])
    raw.set(STREAMS[1], "no stream")
    first.poll()
    wait_for(lambda: first.poll() == [] and one.outage.redis_up, "the first source")
    second.poll()
    assert not one.outage.redis_up
    raw.xadd(STREAMS[0], {"f": "v"})
    assert first.batch()
    assert not one.outage.redis_up
