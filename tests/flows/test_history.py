"""Passes of `flows.history` over buckets in Redis: what is written, what is not, and what is never lessened."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
import redis
from bytewax.testing import TestingSink, TestingSource, run_main

from connectors.private_redis import PrivateRedis
from flows.history import Ends, topology
from flows.settings.history import HistorySettings
from sinks.values.history import Changes, Replacements
from tests.support.history_world import (
    BUCKET,
    DAY,
    HOUR,
    Instance,
    assert_exact,
    count,
    expected_days,
    expected_hours,
    hour_begin,
    minute_name,
    written,
)

MakeInstance = Callable[..., Instance]


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """An empty Redis whose replies are bytes."""
    return server.client()


@pytest.fixture
def instance(server: PrivateRedis, raw: redis.Redis) -> Instance:
    """An instance of the flow."""
    return Instance(server.url)


def past(raw: redis.Redis, hours: int = 48, each: int = 3, seed: int = 1) -> random.Random:
    """Make up some hours: a few minutes of each, decisions of three symbols, one of which holds a colon."""
    rng = random.Random(seed)
    for ago in range(hours):
        for _ in range(each):
            late(raw, rng, ago)
    return rng


def late(raw: redis.Redis, rng: random.Random, ago: int) -> None:
    """Count one or a few more into some minute of the hour so long ago."""
    count(
        raw,
        hour_begin(raw, ago) + rng.randrange(60) * 60,
        rng.choice(("EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN")),
        rng.choice(("none", "no_position", "p33_permit_denied:stale", "p33_permit_denied:risk", ":odd", "gate :x")),
        rng.choice(("BTCUSDT", "ETH:USDT", "")),
        rng.randrange(1, 5),
    )


def test_hours_are_the_sums_of_their_minutes_and_days_of_their_hours(raw: redis.Redis, instance: Instance) -> None:
    past(raw)
    assert instance.turn() > 48
    assert_exact(raw)
    assert 0 < raw.ttl(HOUR + minute_name(hour_begin(raw, 47))[:10]) <= 3_024_000
    assert 34_500_000 < raw.ttl(DAY + minute_name(hour_begin(raw))[:8]) <= 34_560_000
    assert instance.turn() == 0


def test_an_hour_of_which_nothing_is_known_is_absent(raw: redis.Redis, instance: Instance) -> None:
    count(raw, hour_begin(raw, 3), "SKIP", "a")
    count(raw, 30, "SKIP", "taken_back")
    instance.turn()
    assert written(raw, HOUR).keys() == {minute_name(hour_begin(raw, 3))[:10]}
    assert written(raw, DAY).keys() == {minute_name(hour_begin(raw, 3))[:8]}


def test_late_counts_are_in_after_one_turn_and_nothing_else_is_written(raw: redis.Redis, instance: Instance) -> None:
    rng = past(raw)
    instance.turn()
    for ago in (0, 1, 46):
        before = {key: raw.hget(key, "updated_ts") for key in raw.scan_iter(HOUR + "*")}
        late(raw, rng, ago)
        instance.turn()
        changed = {key for key, stamp in before.items() if raw.hget(key, "updated_ts") != stamp}
        assert changed == {(HOUR + minute_name(hour_begin(raw, ago))[:10]).encode()}
        assert_exact(raw)
    assert instance.metric("repaired_total", span="hour") in (1, 2)  # (the last may have ended two minutes ago, or not)


def test_counts_of_weeks_ago_and_of_the_next_hour_are_found(raw: redis.Redis, instance: Instance) -> None:
    count(raw, hour_begin(raw, 24 * 34), "SKIP", "a")
    count(raw, hour_begin(raw, -1), "SKIP", "b")
    count(raw, hour_begin(raw, -20), "SKIP", "c")
    instance.turn()
    assert len(written(raw, HOUR)) == 3
    assert_exact(raw)


@pytest.mark.parametrize("again", [False, True], ids=["the same process", "started anew"])
def test_expired_minutes_lessen_nothing(
    server: PrivateRedis, raw: redis.Redis, instance: Instance, again: bool
) -> None:
    past(raw, 50)
    begin = hour_begin(raw, 48)  # (its first minutes are about to expire, or do)
    for minute in range(0, 60, 5):
        count(raw, begin + minute * 60, "SKIP", "a", "BTCUSDT")
    instance.turn()
    hours, days = written(raw, HOUR), written(raw, DAY)
    if again:
        instance = Instance(server.url)
    for minute in range(60):
        raw.delete(BUCKET + minute_name(begin + minute * 60))
        if minute % 30 == 0:
            instance.turn()
    assert instance.turn() == 0
    assert written(raw, HOUR) == hours
    assert written(raw, DAY) == days


def test_late_counts_are_added_up_in_an_hour_whose_first_minutes_have_expired(
    server: PrivateRedis, raw: redis.Redis, instance: Instance
) -> None:
    """By whoever has looked at it before they did, although it had nothing to write then."""
    begin = hour_begin(raw, 48)
    for minute in range(60):
        count(raw, begin + minute * 60, "SKIP", "a", "BTCUSDT", 2)
    Instance(server.url).turn()
    assert instance.turn() == 0
    for minute in range(30):
        raw.delete(BUCKET + minute_name(begin + minute * 60))
    count(raw, begin + 45 * 60, "BLOCKED", "b", "BTCUSDT", 3)
    instance.turn()
    (hour,) = written(raw, HOUR).values()
    assert hour["minutes"] == 60
    assert hour["fields"]["decision:SKIP"] == 120
    assert hour["fields"]["decision:BLOCKED"] == hour["pairs"]["BTCUSDT", "b"] == 3


def test_minutes_that_are_counted_after_others_have_expired_are_added(
    server: PrivateRedis, raw: redis.Redis, instance: Instance
) -> None:
    """`flows.p35` was away for more than two days, and goes on in the middle of an hour."""
    begin = hour_begin(raw, 55)
    for minute in range(30):
        count(raw, begin + minute * 60, "SKIP", "a", "BTCUSDT")
    instance.turn()
    for minute in range(30):
        raw.delete(BUCKET + minute_name(begin + minute * 60))
    for minute in range(30, 60):
        count(raw, begin + minute * 60, "BLOCKED", "b", "BTCUSDT")
        if minute % 15 == 0:
            Instance(server.url).turn()
    Instance(server.url).turn()
    (hour,) = written(raw, HOUR).values()
    assert hour["minutes"] == 60
    assert hour["fields"] == {
        "decision:SKIP": 30,
        "decision:BLOCKED": 30,
        "gate:a": 30,
        "gate:b": 30,
        "symbol_decision:BTCUSDT:SKIP": 30,
        "symbol_decision:BTCUSDT:BLOCKED": 30,
    }


def test_what_a_proof_has_taken_back_is_gone(raw: redis.Redis, instance: Instance) -> None:
    begin = hour_begin(raw, 1)
    count(raw, begin, "SKIP", "a", "BTCUSDT")
    count(raw, begin, "BLOCKED", "proof_0123abcd:x", "PROOF0123ABCD")
    count(raw, begin + 60, "BLOCKED", "proof_0123abcd:x", "PROOF0123ABCD")
    count(raw, hour_begin(raw, 5), "BLOCKED", "proof_0123abcd:x", "PROOF0123ABCD")
    instance.turn()
    assert_exact(raw)
    raw.delete(BUCKET + minute_name(begin + 60), BUCKET + minute_name(hour_begin(raw, 5)))
    fields = ["reason:proof_0123abcd:x", "symbol_reason:PROOF0123ABCD:proof_0123abcd:x", "decision:BLOCKED"]
    raw.hdel(BUCKET + minute_name(begin), *fields, "symbol_decision:PROOF0123ABCD:BLOCKED")
    instance.turn()
    assert_exact(raw)


def test_a_wrong_hour_whose_minutes_all_live_is_mended(raw: redis.Redis, instance: Instance) -> None:
    past(raw, 5)
    instance.turn()
    raw.hincrby(HOUR + minute_name(hour_begin(raw, 3))[:10], "decision:EXECUTE", 1_000)
    raw.hincrby(DAY + minute_name(hour_begin(raw, 3))[:8], "decision:SKIP", -1)
    raw.delete(HOUR + minute_name(hour_begin(raw, 2))[:10])
    instance.turn()
    assert_exact(raw)


def test_an_older_sum_never_takes_the_place_of_a_newer_one(server: PrivateRedis, raw: redis.Redis) -> None:
    slow, fast = Instance(server.url), Instance(server.url)
    past(raw, 2)
    behind = slow.look()
    late(raw, random.Random(2), 0)
    fast.turn()
    slow.write(behind)
    assert_exact(raw)
    late(raw, random.Random(3), 0)
    assert slow.turn() >= 1
    assert_exact(raw)


def test_whoever_writes_twice_has_written_once(raw: redis.Redis, instance: Instance) -> None:
    past(raw, 2)
    done = instance.look()
    instance.write(done)
    stamps = {key: raw.hget(key, "updated_ts") for key in raw.scan_iter(HOUR + "*")}
    instance.write(done)
    assert {key: raw.hget(key, "updated_ts") for key in raw.scan_iter(HOUR + "*")} == stamps


def test_killed_between_hours_and_days_the_next_one_catches_up(server: PrivateRedis, raw: redis.Redis) -> None:
    past(raw)
    dead = Instance(server.url)
    done = dead.look()
    half = Replacements(done.now, done.replaced[:7], done.newest, done.started)
    dead.write(half)
    Instance(server.url).turn()
    assert_exact(raw)


def test_buckets_expire_while_counts_come_late(raw: redis.Redis, instance: Instance) -> None:
    """In hours that are older than two days, also into minutes that have expired already."""
    rng = random.Random(5)
    for ago in (48, 49, 50) * 4:
        late(raw, rng, ago)
    instance.turn()
    best = written(raw, HOUR)
    for _ in range(8):
        for _ in range(4):
            late(raw, rng, rng.randrange(48, 51))
        victims = list(raw.scan_iter(BUCKET + "*"))
        raw.delete(rng.choice(victims))
        instance.turn()
        now = written(raw, HOUR)
        for hour, one in best.items():
            assert not one["fields"] - now[hour]["fields"], "lessened"
            assert not one["pairs"] - now[hour]["pairs"], "lessened"
        best = now
    assert written(raw, DAY) == expected_days(best)


def test_a_key_of_another_type_stops_nothing_else(raw: redis.Redis, instance: Instance) -> None:
    past(raw, 4)
    raw.delete(BUCKET + minute_name(hour_begin(raw, 2)))
    raw.set(BUCKET + minute_name(hour_begin(raw, 2)), "a string")
    raw.set(HOUR + minute_name(hour_begin(raw, 1))[:10], "another")
    instance.turn()
    expected = {minute_name(hour_begin(raw, ago))[:10] for ago in (0, 3)}
    raw.delete(BUCKET + minute_name(hour_begin(raw, 2)), HOUR + minute_name(hour_begin(raw, 1))[:10])
    assert written(raw, HOUR) == {hour: one for hour, one in expected_hours(raw).items() if hour in expected}


def test_the_metrics_say_up_to_when_hours_are_written(raw: redis.Redis, instance: Instance) -> None:
    instance.turn()
    assert instance.metric("last_hour_timestamp_seconds") == 0
    past(raw, 3)
    instance.turn()
    assert instance.metric("last_hour_timestamp_seconds") == hour_begin(raw, 1)
    assert instance.metric("written_total", span="hour") == 3
    assert instance.metric("repaired_total", span="hour") == 0
    assert instance.metric("pass_seconds_count") == 2
    assert instance.metric("last_pass_timestamp_seconds") == pytest.approx(time.time(), abs=60)


def test_the_dataflow_settles_hours_by_the_life_of_buckets_and_days_by_that_of_hours() -> None:
    hours: list[Replacements] = []
    days: list[Replacements] = []
    ends = Ends(
        TestingSource([Changes(1.0, (), None, 0.0)]),
        TestingSink(hours),
        TestingSource([Changes(2.0, (), 60, 0.0)]),
        TestingSink(days),
    )
    run_main(topology(HistorySettings(), ends))  # type: ignore[no-untyped-call]
    assert hours == [Replacements(1.0, (), None, 0.0)]
    assert days == [Replacements(2.0, (), 60, 0.0)]
