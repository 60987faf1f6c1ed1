"""Where nothing was counted, nothing came only if the stream says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from connectors.private_redis import PrivateRedis
from console.queries.counting import read_silence
from tests.support.quantum import answer
from tests.support.recount import STREAM

MINUTES = range(1_000, 1_005)


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> Iterator[redis.Redis]:
    with server.client() as found:
        yield found


def silent(client: redis.Redis) -> bool:
    return read_silence(client, "quantum", MINUTES)


def add(client: redis.Redis, minute: int) -> None:
    client.xadd(STREAM, {"decision": "SKIP"}, id=f"{minute * 60_000}-0")


def test_a_stream_that_goes_back_further_tells_that_nothing_came(raw: redis.Redis) -> None:
    assert not silent(raw), "there is no stream"
    add(raw, 998)
    assert silent(raw)
    add(raw, 1_005)
    assert silent(raw)
    raw.xtrim(STREAM, maxlen=1, approximate=False)
    assert not silent(raw), "it does not go back that far any more"


def test_what_lies_there_and_was_not_counted_is_not_nothing(raw: redis.Redis) -> None:
    add(raw, 998)
    add(raw, 1_004)
    assert not silent(raw)


def test_what_was_deleted_since_may_have_lain_there(raw: redis.Redis) -> None:
    for minute in (998, 1_002, 1_006):
        add(raw, minute)
    raw.xdel(STREAM, f"{1_002 * 60_000}-0")
    assert not silent(raw)


def test_a_time_of_which_nothing_is_known_is_not_called_quiet(server: PrivateRedis, client: redis.Redis) -> None:
    client.hset("quantum:p35:status", mapping={"processed_total": 1, "last_ts": int(client.time()[0])})
    assert answer(server.url, "why", "--ago", "2h")["verdict"].startswith("Unknown: nothing was counted then")
    minute = int(client.time()[0]) // 60 - 180
    add(client, minute)
    assert answer(server.url, "why", "--ago", "2h")["verdict"] == "Not trading: no decisions arrived"
