"""The audit of history: silent over what is right, and it finds each wrong count that is planted."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import redis

from connectors.private_redis import PrivateRedis
from console.audit.history import HistoryAudit, HistoryResult
from console.audit.history_text import history_json, history_text
from sinks.packed import pack, unpack
from tests.support.history_world import BUCKET, DAY, HOUR, Instance, count, hour_begin, minute_name


@pytest.fixture(scope="module")
def past(server: PrivateRedis) -> Callable[[], redis.Redis]:
    """Makes the same past, written by the flow, again and again."""
    raw = server.client()
    raw.flushall()
    rng = random.Random(7)
    for ago in range(1, 6):
        for minute in range(0, 60, 7):
            for reason in ("none", "gate_a:x", ":odd"):
                count(raw, hour_begin(raw, ago) + minute * 60, "SKIP", reason, "ETH:USDT", rng.randrange(1, 9))
    Instance(server.url).turn()
    dumps = {bytes(key): raw.dump(key) for key in raw.keys("*")}  # type: ignore[union-attr]

    def again() -> redis.Redis:
        raw.flushall()
        for key, dump in dumps.items():
            raw.restore(key, 0, dump)
        return raw

    return again


def audit(raw: redis.Redis, **options: object) -> HistoryResult:
    return HistoryAudit(raw, "quantum", **options).run()  # type: ignore[arg-type]


def hour(raw: redis.Redis, ago: int) -> str:
    return HOUR + minute_name(hour_begin(raw, ago))[:10]


def day(raw: redis.Redis, ago: int) -> str:
    return DAY + minute_name(hour_begin(raw, ago))[:8]


def packed_less_one(raw: redis.Redis, key: str) -> None:
    pairs, parts = unpack(raw.hget(key, "symbol_gates"))  # type: ignore[arg-type]
    pairs["ETH:USDT", "gate_a"] -= 1
    raw.hset(key, "symbol_gates", pack(pairs, parts))  # type: ignore[arg-type]


def test_what_the_flow_has_written_is_exact(past: Callable[[], redis.Redis]) -> None:
    result = audit(past())
    assert result.differences == []
    assert result.hours == {"exact": 5, "at_least": 0, "moving": 0}
    assert sum(result.days.values()) in (1, 2)
    assert result.buckets == 45
    assert history_text(result).startswith("exact: 5 hours, ")
    assert "flows.history is not running" in history_text(result)
    assert '"exact":true' in history_json(result).replace(" ", "")


PLANTED = {
    "a decision more": lambda raw: raw.hincrby(hour(raw, 2), "decision:SKIP", 1),
    "a decision less": lambda raw: raw.hincrby(hour(raw, 2), "decision:SKIP", -1),
    "another decision": lambda raw: raw.hset(hour(raw, 2), "decision:ERROR", 1),
    "a gate more": lambda raw: raw.hincrby(hour(raw, 3), "gate:gate_a", 1),
    "a gate gone": lambda raw: raw.hdel(hour(raw, 3), "gate::odd"),
    "a symbol less": lambda raw: raw.hincrby(hour(raw, 3), "symbol_decision:ETH%3AUSDT:SKIP", -1),
    "a pair less": lambda raw: packed_less_one(raw, hour(raw, 3)),
    "a minute more": lambda raw: raw.hincrby(hour(raw, 4), "minutes", 1),
    "no number": lambda raw: raw.hset(hour(raw, 4), "gate:gate_a", "many"),
    "nothing packed": lambda raw: raw.hdel(hour(raw, 4), "symbol_gates"),
    "broken": lambda raw: raw.hset(hour(raw, 4), "symbol_gates", "1:eA=="),
    "an hour gone": lambda raw: raw.delete(hour(raw, 5)),
    "a day more": lambda raw: raw.hincrby(day(raw, 5), "decision:SKIP", 1),
    "a day gone": lambda raw: raw.delete(day(raw, 5)),
    "a pair of a day": lambda raw: packed_less_one(raw, day(raw, 5)),
    "a bucket less": lambda raw: raw.hincrby(BUCKET + minute_name(hour_begin(raw, 2)), "reason:none", -1),
}


@pytest.mark.parametrize("what", PLANTED)
def test_each_wrong_count_that_is_planted_is_found(past: Callable[[], redis.Redis], what: str) -> None:
    raw = past()
    PLANTED[what](raw)
    found = audit(raw).differences
    assert found
    if "day" in what:
        assert {one.key for one in found} == {day(raw, 5)}
    assert all(one.key.startswith((HOUR, DAY)) for one in found)


def test_what_has_expired_in_part_may_hold_more_and_not_less(past: Callable[[], redis.Redis]) -> None:
    raw = past()
    raw.delete(BUCKET + minute_name(hour_begin(raw, 3)), BUCKET + minute_name(hour_begin(raw, 3) + 7 * 60))
    result = audit(raw)
    assert (result.differences, result.hours["at_least"]) == ([], 1)
    assert "1 hour, 0 days expired in part" in history_text(result)
    for field in ("decision:SKIP", "gate:none", "symbol_decision:ETH%3AUSDT:SKIP"):
        raw.hset(hour(raw, 3), field, 1)
    raw.delete(day(raw, 3))
    assert {one.field for one in audit(raw).differences} >= {"decision:SKIP", "gate:none"}


def test_where_the_flow_runs_a_difference_is_looked_at_until_it_is_gone(past: Callable[[], redis.Redis]) -> None:
    raw = past()
    wrong = hour(raw, 2)
    raw.hincrby(wrong, "decision:SKIP", 1)
    raw.hset("quantum:flow:history", "seen_at", raw.time()[0])  # type: ignore[index]
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raw.hincrby(wrong, "decision:SKIP", -1)

    assert audit(raw, wait=wait).differences == []
    assert len(waits) == 3
    raw.hincrby(wrong, "decision:SKIP", 1)
    assert audit(raw, wait=waits.append, patience=4.0).differences
    assert len(waits) == 7


def test_of_an_hour_that_has_not_ended_nothing_is_asked_but_no_more(past: Callable[[], redis.Redis]) -> None:
    raw = past()
    count(raw, hour_begin(raw), "SKIP", "a", "ETH:USDT", 3)
    result = audit(raw)
    assert (result.differences, result.hours["moving"]) == ([], 1)
