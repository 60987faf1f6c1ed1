"""What a proof took back: it is where it was moved, `quantum verify` expects it there, and excuses nothing else."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
import redis

from connectors.private_redis import PrivateRedis
from console.audit.bounds import EXACT, EXPIRED, Difference
from console.audit.run import Audit
from console.proof.checks import Checks
from console.proof.taking_back import Published, taken_back
from flows.settings.p35 import P35Settings
from sinks import proofs
from tests.chaos.conftest import VERSIONS
from tests.support.flow_process import FlowProcess
from tests.support.recount import BUCKET, STATUS, STREAM, samples, wait_until_counted
from tests.support.waiting import wait_for

TAKEN = f"{BUCKET}197001010000"
TOKEN = "0123ABCD"
NAMES = proofs.symbol(TOKEN), proofs.gate(TOKEN)


@pytest.fixture(params=VERSIONS)
def raw(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A Redis in which a flow has counted the samples, and 4 decisions of a proof among them; the flow goes on."""
    with (
        PrivateRedis(VERSIONS[request.param]) as private,
        private.client(socket_timeout=20) as one,
        FlowProcess.factory(private.url) as flows,
    ):
        now = str(int(time.time()))
        rows: list[Any] = [*samples(), {"decision": "BLOCKED", "symbol": "BTCUSDT", "timestamp": now}]
        for row in [*rows[:200], *[dict(entry, timestamp=now) for entry in OURS], *rows[200:]]:
            one.xadd(STREAM, row)
        flows(SNAPSHOT_INTERVAL_SEC="0.3")
        wait_until_counted(one, len(rows) + 4)
        one.hset("now", "minute", int(now) // 60)
        yield one


OURS: list[dict[str, str]] = [
    {"decision": "BLOCKED", "error": f"{NAMES[1]}:a", "symbol": NAMES[0]},
    {"decision": "BLOCKED", "error": f"{NAMES[1]}:a", "symbol": NAMES[0]},
    {"decision": "EXECUTE", "error": f"{NAMES[1]}:b", "symbol": NAMES[0]},
    {"decision": "odd", "error": f"{NAMES[1]}:c", "symbol": NAMES[0]},
]


def published(raw: redis.Redis) -> Counter[Published]:
    minute, gate = int(raw.hget("now", "minute")), NAMES[1]
    return Counter(
        {
            Published(minute, "BLOCKED", f"{gate}:a"): 2,
            Published(minute, "EXECUTE", f"{gate}:b"): 1,
            Published(minute, "UNKNOWN", f"{gate}:c", "odd"): 1,
        }
    )


def take(raw: redis.Redis, what: Counter[Published] | None = None) -> tuple[bool, list[str]]:
    lines: list[str] = []
    what = published(raw) if what is None else what
    return taken_back(Checks(lines.append, 30), raw, "quantum", NAMES, what, 0.3), lines


def differences(raw: redis.Redis) -> list[Difference]:
    return Audit(raw, P35Settings()).run().differences


def test_counts_move_and_the_sum_and_the_total_stay(raw: redis.Redis) -> None:
    def total() -> int:
        keys = raw.keys(f"{BUCKET}*")
        buckets = [raw.hgetall(key) for key in keys]
        return sum(int(count) for one in buckets for name, count in one.items() if name.startswith(b"decision:"))

    before = total()
    assert int(raw.hget(STATUS, "processed_total")) == before
    assert take(raw)[0]
    assert total() == before == int(raw.hget(STATUS, "processed_total"))
    symbol, gate = NAMES
    assert {name.decode(): int(count) for name, count in raw.hgetall(TAKEN).items()} == {
        "decision:BLOCKED": 2,
        "decision:EXECUTE": 1,
        "decision:UNKNOWN": 1,
        f"reason:{gate}:a": 2,
        f"reason:{gate}:b": 1,
        f"reason:{gate}:c": 1,
        f"symbol_decision:{symbol}:BLOCKED": 2,
        f"symbol_decision:{symbol}:EXECUTE": 1,
        f"symbol_decision:{symbol}:UNKNOWN": 1,
        f"symbol_reason:{symbol}:{gate}:a": 2,
        f"symbol_reason:{symbol}:{gate}:b": 1,
        f"symbol_reason:{symbol}:{gate}:c": 1,
    }
    assert 170_000 < raw.ttl(TAKEN) <= 172_800
    elsewhere = [key for key in raw.keys("quantum:p35:*") if key.decode() != TAKEN and raw.type(key) == b"hash"]
    found = b"".join(name for key in elsewhere for name in raw.hgetall(key))
    assert gate.encode() not in found
    of_minutes = [key for key in elsewhere if b":minute:" in key or b":bucket:" in key or b":summary:" in key]
    assert not [key for key in of_minutes if b"0" in raw.hvals(key)], "what comes to 0 is removed"
    assert symbol.encode() not in found
    assert b"odd" not in b"".join(raw.hgetall("quantum:p35:unknown_decision:minute:" + minute_of(raw)))


def minute_of(raw: redis.Redis) -> str:
    return time.strftime("%Y%m%d%H%M", time.gmtime(int(raw.hget("now", "minute")) * 60))


def test_verify_is_exact_before_and_after(raw: redis.Redis) -> None:
    assert differences(raw) == []
    assert take(raw)[0]
    assert differences(raw) == []


def test_a_minute_of_which_all_was_taken_back_has_not_expired(raw: redis.Redis) -> None:
    minute = int(time.time()) // 60 - 7  # (nothing else is in it)
    key = BUCKET + time.strftime("%Y%m%d%H%M", time.gmtime(minute * 60))
    raw.xadd(STREAM, {"decision": "SKIP", "error": f"{NAMES[1]}:d", "symbol": NAMES[0], "timestamp": str(minute * 60)})
    wait_for(lambda: raw.exists(key), "its bucket")
    before = Audit(raw, P35Settings()).run()
    assert take(raw, published(raw) + Counter({Published(minute, "SKIP", f"{NAMES[1]}:d"): 1}))[0]
    assert not raw.exists(key)
    after = Audit(raw, P35Settings()).run()
    assert (before.differences, after.differences) == ([], [])
    assert before.states[EXPIRED] == after.states[EXPIRED] == []
    assert set(after.states[EXACT]) == {0, *before.states[EXACT]} - {minute}


def test_verify_excuses_nothing_else(raw: redis.Redis) -> None:
    assert take(raw)[0]
    for key, field in (
        (TAKEN, f"reason:{NAMES[1]}:a"),
        (TAKEN, "decision:BLOCKED"),
        (BUCKET + minute_of(raw), "decision:BLOCKED"),
        (BUCKET + minute_of(raw), f"reason:{NAMES[1]}:a"),
    ):
        for by in (1, -1):
            if field.endswith(":a") and key != TAKEN and by == -1:
                continue  # (there is none to take away)
            raw.hincrby(key, field, by)
            assert [one.field for one in differences(raw) if one.key == key] == [field]
            raw.hincrby(key, field, -by)
    assert differences(raw) == []


def test_what_was_not_counted_as_published_stays(raw: redis.Redis) -> None:
    key = BUCKET + minute_of(raw)
    raw.hincrby(key, f"reason:{NAMES[1]}:a", 1)
    before = raw.hgetall(key)
    good, lines = take(raw)
    assert not good
    assert "they stay" in lines[-1]
    assert raw.hgetall(key) == before
    assert not raw.exists(TAKEN)


def test_what_is_counted_meanwhile_stays(raw: redis.Redis) -> None:
    key, counted, stop = BUCKET + minute_of(raw), 0, Event()
    before = int(raw.hget(key, "decision:BLOCKED"))

    def count() -> int:
        added = 0
        while not stop.is_set():
            raw.hincrby(key, "decision:BLOCKED", 1)
            added += 1
        return added

    with ThreadPoolExecutor(1) as pool:
        counting = pool.submit(count)
        try:
            wait_for(lambda: int(raw.hget(key, "decision:BLOCKED")) > before, "the first")
            assert take(raw)[0]
        finally:
            stop.set()
        counted = counting.result()
    assert int(raw.hget(key, "decision:BLOCKED")) == before - 2 + counted
    assert int(raw.hget(TAKEN, "decision:BLOCKED")) == 2


@pytest.mark.parametrize("right", ["hmget", "hincrby", "hdel", "pttl", "pexpire", "~minute", "~taken"])
def test_without_a_right_nothing_is_moved(raw: redis.Redis, right: str) -> None:
    key = BUCKET + minute_of(raw)
    keys = {
        "~minute": f"~{key}",
        "~taken": f"~{TAKEN}",
        "~summary": f"~quantum:p35:summary:{minute_of(raw)}",
        "~unknown": f"~quantum:p35:unknown_decision:minute:{minute_of(raw)}",
    }
    commands = ["watch", "unwatch", "multi", "exec", "hgetall", "hmget", "hincrby", "hdel", "pttl", "pexpire"]
    granted = [f"+{one}" for one in commands if one != right] + [one for name, one in keys.items() if name != right]
    raw.execute_command("ACL", "SETUSER", "mover", "on", ">word", "+client|setname", "+client|setinfo", *granted)
    before = raw.hgetall(key)
    host = raw.connection_pool.connection_kwargs
    with (
        redis.Redis(port=host["port"], username="mover", password="word") as mover,
        pytest.raises(redis.exceptions.NoPermissionError),
    ):
        take(mover, published(raw))
    assert raw.hgetall(key) == before
    assert not raw.exists(TAKEN)
