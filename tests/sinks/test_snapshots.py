"""Rolling snapshots, read from and written to a real Redis."""

from __future__ import annotations

import threading

import pytest
import redis

from connectors.commit import commit
from connectors.delivery import Delivery, Part, Read
from connectors.private_redis import PrivateRedis
from flows.domain.windows import roll_up
from sinks import buckets, snapshots
from sinks.values.counts import Kind, Recent, Snapshot, Snapshots
from tests.support import oracle

WINDOWS = ("1m", "5m", "15m", "1h")
EMPTY = Snapshots(0, {window: Snapshot({}, (), ()) for window in WINDOWS}, (), 0.0)


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """An empty Redis whose replies are bytes, as the flow sees them."""
    return server.client()


def full(count: int) -> Snapshots:
    """Snapshots in which everything counts `count`."""
    one = Snapshot({"SKIP": count}, (("a:x", count),), (("a", count),))
    return Snapshots(0, dict.fromkeys(WINDOWS, one), (("HOLD", count),), 0.0)


def shown(client: redis.Redis) -> dict[str, dict[str, int]]:
    """All keys of snapshots, named as the oracle does; tops are in the order of the contract."""
    result: dict[str, dict[str, int]] = {}
    for key in client.scan_iter("quantum:p35:*:*"):
        name = key.removeprefix("quantum:p35:")
        if name.startswith("decision:counts:"):
            result[name] = {field: int(value) for field, value in client.hgetall(key).items()}
        elif ":top:" in name:
            members = {member: int(score) for member, score in client.zrange(key, 0, -1, withscores=True)}
            result[name] = oracle.top(members)
    return result


def count_in_redis(client: redis.Redis, raw: redis.Redis, minutes: dict[int, dict[Kind, int]]) -> None:
    """Commit `minutes` as the flow does."""
    client.xgroup_create("stream", "group", "0", mkstream=True)
    client.set("lease", "token")
    delivery = Delivery("stream", "group", "me", "lease", "token", reads=(Read("me", 1),))
    for minute, counts in minutes.items():
        entry = client.xadd("stream", {"f": "v"})
        client.xreadgroup("group", "me", {"stream": ">"})
        made = buckets.effects("quantum", minute, counts, ttl=3_600, max_fields=5_000, symbol_breakdown=True)
        outcome = commit(raw, [Part(delivery, (str(entry).encode(),), tuple(made))])
        assert len(outcome.applied) == 1


def test_reading_takes_the_last_hour_by_the_clock_of_redis(client: redis.Redis, raw: redis.Redis) -> None:
    before = client.time()[0] // 60
    now = snapshots.read(raw, "quantum").minute
    assert before <= now <= client.time()[0] // 60
    minutes = range(now - 70, now + 5)
    for minute in minutes:
        client.hset(buckets.summary_key("quantum", minute), "decision:SKIP", "1")
    recent = snapshots.read(raw, "quantum")
    assert sorted(recent.counted) == list(range(recent.minute - 59, recent.minute + 1))


def test_what_was_counted_is_shown_as_the_contract_says(client: redis.Redis, raw: redis.Redis) -> None:
    now = 29_498_817
    counted = {
        now - ago: {
            Kind("SKIP", f"gate:{ago}", "BTCUSDT", ""): ago + 1,
            Kind("UNKNOWN", "none", "", f"raw{ago % 3}"): 2,
            Kind("EXECUTE", "none", "ETHUSDT", ""): 3,
        }
        for ago in (0, 1, 4, 5, 14, 15, 59, 60)
    }
    count_in_redis(client, raw, counted)
    fields = {oracle.minute_name(minute): client.hgetall(buckets.bucket_key("quantum", minute)) for minute in counted}
    truth = {name: {field: int(count) for field, count in bucket.items()} for name, bucket in fields.items()}
    unknown = {oracle.minute_name(minute): {f"raw{(now - minute) % 3}": 2} for minute in counted}
    summaries = buckets.read_summaries(raw, "quantum", range(now - 59, now + 1))
    snapshots.write(raw, "quantum", roll_up(Recent(now, summaries, 0.0)))
    assert shown(client) == oracle.expected_snapshots(truth, now, unknown)


def test_every_snapshot_lives_24_hours(client: redis.Redis, raw: redis.Redis) -> None:
    snapshots.write(raw, "quantum", full(1))
    lifetimes = {key: client.ttl(key) for key in client.scan_iter("*")}
    assert len(lifetimes) == 3 * 4 + 1
    assert set(lifetimes.values()) <= {86_399, 86_400}


def test_an_empty_window_has_no_key_and_loses_the_one_it_had(client: redis.Redis, raw: redis.Redis) -> None:
    snapshots.write(raw, "quantum", full(1))
    snapshots.write(raw, "quantum", EMPTY)
    assert client.keys("*") == []


def test_a_snapshot_is_replaced_whole(client: redis.Redis, raw: redis.Redis) -> None:
    snapshots.write(raw, "quantum", full(1))
    other = Snapshot({"EXECUTE": 5}, (("b", 5),), (("b", 5),))
    snapshots.write(raw, "quantum", Snapshots(0, dict.fromkeys(WINDOWS, other), (("WAIT", 5),), 0.0))
    assert client.hgetall("quantum:p35:decision:counts:5m") == {"EXECUTE": "5"}
    assert client.zrange("quantum:p35:reason:top:1h", 0, -1, withscores=True) == [("b", 5.0)]
    assert client.zrange("quantum:p35:gate:top:1m", 0, -1, withscores=True) == [("b", 5.0)]
    assert client.zrange("quantum:p35:unknown_decision:top:5m", 0, -1) == ["WAIT"]


def test_a_key_of_another_type_in_the_way_is_replaced(client: redis.Redis, raw: redis.Redis) -> None:
    client.set("quantum:p35:decision:counts:5m", "text")
    client.rpush("quantum:p35:gate:top:5m", "list")
    snapshots.write(raw, "quantum", full(2))
    assert client.hgetall("quantum:p35:decision:counts:5m") == {"SKIP": "2"}
    assert client.zscore("quantum:p35:gate:top:5m", "a") == 2.0


def test_no_reader_ever_sees_half_of_a_snapshot(server: PrivateRedis, raw: redis.Redis) -> None:
    snapshots.write(raw, "quantum", full(1))
    done = threading.Event()
    seen: set[tuple[bytes | None, ...]] = set()

    def read() -> None:
        with server.client() as reader:
            while not done.is_set():
                pipeline = reader.pipeline(transaction=True)
                for window in WINDOWS:
                    pipeline.hget(f"quantum:p35:decision:counts:{window}", "SKIP")
                    pipeline.zscore(f"quantum:p35:reason:top:{window}", "a:x")
                seen.add(tuple(None if one is None else b"%d" % int(one) for one in pipeline.execute()))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for count in range(2, 200):
            snapshots.write(raw, "quantum", full(count))
    finally:
        done.set()
        thread.join()
    assert seen
    assert all(len(set(values)) == 1 and None not in values for values in seen)


def test_all_snapshots_are_written_in_one_transaction(server: PrivateRedis, raw: redis.Redis) -> None:
    with server.client().monitor() as monitor:
        snapshots.write(raw, "quantum", full(1))
        raw.echo("end")
        commands: list[str] = []
        while not commands or commands[-1] != "ECHO":
            commands.append(monitor.next_command()["command"].split()[0].upper())
    writes = [command for command in commands if command in ("DEL", "HSET", "ZADD", "EXPIRE")]
    assert len(writes) == 3 * (3 * 4 + 1)
    start, end = commands.index("MULTI"), commands.index("EXEC")
    assert [command for command in commands[start + 1 : end] if command in set(writes)] == writes
