"""Several sources on one worker: none waits for its own stream while another has an answer."""

from __future__ import annotations

import select

import pytest
import redis
from structlog.testing import capture_logs

from connectors import connection, reading
from connectors.group import GroupConfig
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


def all_idle(raw: redis.Redis, every: list[DrivenSource]) -> None:
    """All wait for their streams, in Redis. The first has an answer while the others begin to: so nobody waits here."""
    for source in every:
        assert source.poll() == []
    for _ in range(2):
        raw.xadd(STREAMS[0], {"f": "v"})
        if not reader(every[0]).under_way:
            every[0].batch()
    answered(every[0])
    assert [source.poll() for source in every[1:]] == [[]] * 11
    assert len(every[0].poll()) == 1
    assert [reader(source).under_way for source in every] == [True] * 12


def test_an_entry_is_found_in_the_next_round_however_many_streams_are_idle(
    server: PrivateRedis, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waited for its own stream would wait here until Redis counts as away, and lose its connection."""
    monkeypatch.setattr(reading, "BLOCK_MS", 60_000)
    every = sources(server.url)
    all_idle(raw, every)
    connections = raw.info("stats")["total_connections_received"]
    for number in (7, 3, 11):
        entry = raw.xadd(STREAMS[number], {"f": "v"})
        answered(every[number])
        assert [source.poll() for source in every[:number]] == [[]] * number
        (batch,) = every[number].poll()
        assert [row[0] for row in batch.rows] == [entry]
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
