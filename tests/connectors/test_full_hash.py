"""Raise with a limit: a hash that is full keeps the highest values, and says what it drops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from connectors.commit import CommitOutcome, CommitSink, commit
from connectors.delivery import Delivery, Part, Read
from connectors.effects import Raise
from connectors.instrumentation import Instrumentation
from connectors.private_redis import PrivateRedis
from tests.support.services import prepare, service

DELIVERY = Delivery("s", "g", "c", "lease:c", "token")

BATCHES = st.lists(
    st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 6), min_size=1, max_size=8), min_size=1, max_size=6
)


@pytest.fixture
def raw(versioned: PrivateRedis) -> Iterator[redis.Redis]:
    with versioned.client() as one:
        prepare(one)
        yield one


def part(raw: redis.Redis, values: Mapping[str, float], limit: int) -> Part:
    """A new entry that consumer `c` has read, and what it raises."""
    raw.xadd("s", {"f": "v"})
    ids = tuple(entry[0] for entry in raw.xreadgroup("g", "c", {"s": ">"})[0][1])
    texts = {name: str(value) for name, value in values.items()}
    delivery = DELIVERY._replace(reads=(Read("c", len(ids)),))
    return Part(delivery, ids, (Raise("r", texts, limit=limit, dropped=("counts", "n")),))


def raised(raw: redis.Redis, values: Mapping[str, float], limit: int = 10_000) -> CommitOutcome:
    return commit(raw, [part(raw, values, limit)])


def test_of_ten_thousand_the_old_ones_make_room_for_the_new_ones_and_a_busy_one_stays(raw: redis.Redis) -> None:
    raw.hset("r", mapping={f"old{number}": str(number) for number in range(10_000)})
    assert raised(raw, {"old0": 20_000}).dropped == {}
    for first, last in ((0, 1), (1, 2), (2, 10), (10, 100), (100, 500)):
        names = [f"new{number}" for number in range(first, last)]
        assert raised(raw, dict.fromkeys(names, 30_000)).dropped == {"r": last - first}
        assert raw.hlen("r") == 10_000
    kept = {name.decode() for name in raw.hkeys("r")}
    assert {f"new{number}" for number in range(500)} < kept
    assert "old0" in kept
    assert {f"old{number}" for number in range(5_000, 10_000)} < kept, "those seen last"
    assert raw.hget("counts", "n") == b"500"


def test_thousands_of_new_ones_at_once_replace_the_oldest_exactly(raw: redis.Redis) -> None:
    raw.hset("r", mapping={f"old{number}": str(number) for number in range(10_000)})
    raised(raw, {f"new{number}": 20_000 + number for number in range(4_000)})
    wanted = {f"old{number}" for number in range(4_000, 10_000)} | {f"new{number}" for number in range(4_000)}
    assert {name.decode() for name in raw.hkeys("r")} == wanted


@given(BATCHES, st.integers(1, 6))
def test_a_small_hash_keeps_exactly_the_highest(
    server: PrivateRedis, batches: list[dict[str, int]], limit: int
) -> None:
    with server.client() as raw:
        prepare(raw)
        dropped = 0
        for batch in batches:
            known = {name.decode(): float(value) for name, value in raw.hgetall("r").items()}
            merged = {**known, **{name: max(value, known.get(name, 0.0)) for name, value in batch.items()}}
            excess = max(len(merged) - limit, 0)
            assert raised(raw, batch, limit).dropped == ({"r": excess} if excess else {})
            kept = {name.decode(): float(value) for name, value in raw.hgetall("r").items()}
            assert kept.items() <= merged.items()
            assert sorted(kept.values()) == sorted(merged.values())[excess:]
            lowest = min(kept.values())
            if any(value == lowest for name, value in kept.items() if name not in known):
                assert {name for name in known if merged[name] == lowest} <= kept.keys(), "of equal ones the old stay"
            dropped += excess
        assert int(raw.hget("counts", "n") or 0) == dropped


def test_one_that_is_older_than_all_that_are_there_is_dropped_itself(raw: redis.Redis) -> None:
    raised(raw, {"a": 5, "b": 6}, limit=2)
    assert raised(raw, {"late": 4}, limit=2).dropped == {"r": 1}
    assert raw.hgetall("r") == {b"a": b"5", b"b": b"6"}


@pytest.mark.parametrize("text", ["text", "", "nan", "inf", "-inf"])
def test_what_holds_no_finite_number_goes_first_or_is_replaced(raw: redis.Redis, text: str) -> None:
    raw.hset("r", mapping={"broken": text, "a": 5, "mended": text})
    assert raised(raw, {"b": 1, "mended": 2}, limit=3).mended == 1
    assert raw.hgetall("r") == {b"a": b"5", b"b": b"1", b"mended": b"2"}


def test_a_hash_that_holds_more_than_it_may_shrinks(raw: redis.Redis) -> None:
    raw.hset("r", mapping={f"f{number}": str(number) for number in range(20)})
    assert raised(raw, {"f0": 30}, limit=3).dropped == {}, "nothing new needs room"
    assert raised(raw, {"new": 31}, limit=3).dropped == {"r": 18}
    assert set(raw.hkeys("r")) == {b"f19", b"f0", b"new"}


class Heard(Instrumentation):
    """How many fields were dropped."""

    def __init__(self) -> None:
        self.fields = 0

    def dropped(self, fields: int) -> None:
        self.fields += fields


def test_it_is_said_once_and_counted_each_time(server: PrivateRedis, client: redis.Redis) -> None:
    heard = Heard()
    with server.client() as raw:
        prepare(raw)
        service_ = service(server.url, heard)
        sink = CommitSink(service_).build("step", 0, 1)
        with capture_logs() as lines:
            for number in range(6):
                sink.write_batch([part(raw, {f"f{number}": number, f"g{number}": number}, limit=4)])
            sink.close()
    assert heard.fields == 8 == int(client.hget("counts", "n") or 0)
    (line,) = [one for one in lines if one["log_level"] == "warning"]
    assert (line["key"], "at its limit" in line["event"]) == ("r", True)
