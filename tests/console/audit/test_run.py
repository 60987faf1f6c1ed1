"""The audit on a real Redis, after the real flow: no difference where there is none, even while the flow counts,
and each that there is.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from connectors.errors import NoGroup
from connectors.private_redis import PrivateRedis
from console.audit.recount import Recount
from console.audit.result_text import as_text
from console.audit.run import Audit, AuditResult
from flows.settings.p35 import P35Settings
from sinks.times import minute_name
from tests.support.flow_process import FlowProcess
from tests.support.recount import BUCKET, GROUP, STATUS, STREAM, processed, samples, wait_until_counted
from tests.support.verifying import count, publish, quantum
from tests.support.waiting import wait_for

BACKLOG, MOST = 2_000, 40_000
"""Entries that a loader leaves uncounted, and how many it adds: each audit reads them all."""


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> Iterator[redis.Redis]:
    with server.client(socket_timeout=20) as one:
        yield one


def audit(raw: redis.Redis, since: int | None = None, **settings: Any) -> AuditResult:
    """An audit in this process."""
    return Audit(raw, P35Settings(**settings), since).run()


def bucket(raw: redis.Redis) -> bytes:
    return min(raw.keys(BUCKET + "*"))


def at(second: float, number: int, **fields: str) -> dict[str, Any]:
    """Arguments of XADD for an entry of that second."""
    return {"fields": {"timestamp": str(second), **fields}, "id": f"{int(second * 1000)}-{number}"}


def test_what_the_flow_counted_is_exact_and_each_tampering_is_found(
    server: PrivateRedis, raw: redis.Redis, flows: FlowProcess.Factory
) -> None:
    publish(raw, samples())
    count(raw, flows, 400)
    buckets = len(raw.keys(BUCKET + "*"))
    url = ("--redis-url", server.url)
    good = quantum(*url, REDIS_URL="redis://127.0.0.1:1/0")
    assert (good.returncode, good.stdout, good.stderr) == (0, f"exact: 400 messages, {buckets} buckets\n", "")

    key = bucket(raw)
    minute = key.decode().removeprefix(BUCKET)
    field, value = min(raw.hgetall(key).items())
    for by in (1, -1):
        raw.hincrby(key, field, by)  # type: ignore[arg-type]
        bad = quantum(*url)
        assert (bad.returncode, bad.stderr) == (1, "")
        assert f"{minute} {field.decode()}: expected {int(value)}, found {int(value) + by}\n" in bad.stdout
        assert "difference" in bad.stdout.splitlines()[-1]
        raw.hincrby(key, field, -by)  # type: ignore[arg-type]

    raw.hset(key, field, "\x1b[31mmany")
    assert f"{minute} {field.decode()}: expected {int(value)}, found �[31mmany" in quantum(*url).stdout
    raw.hset(key, field, value)

    raw.rename(key, "elsewhere")
    bad = quantum(*url, "--json")
    (difference,) = [one for one in json.loads(bad.stdout)["differences"] if one["minute"]]
    assert bad.returncode == 1
    assert (difference["minute"], difference["field"], difference["found"]) == (minute, "decision:*", None)
    assert difference["least"] == difference["most"] > 0
    raw.rename("elsewhere", key)

    raw.hset(BUCKET + "202602010000", mapping={"decision:SKIP": 1, "reason:x": 1})
    assert "202602010000 decision:SKIP: expected 0, found 1\n" in quantum(*url).stdout
    raw.delete(BUCKET + "202602010000")
    for by in (1, -1):
        raw.hincrby(STATUS, "processed_total", by)
        assert f"{STATUS} processed_total: expected 400, found {400 + by}\n" in quantum(*url).stdout
        raw.hincrby(STATUS, "processed_total", -by)
    assert quantum(*url).returncode == 0


@pytest.mark.parametrize("version", ["8.2", "6.2"])
def test_there_is_never_a_false_difference_while_the_flow_counts(version: str) -> None:
    with (
        PrivateRedis(version) as private,
        FlowProcess.factory(private.url) as flows,
        private.client(socket_timeout=20) as raw,
    ):
        rows, stop = samples(), threading.Event()
        fresh = [{name: value for name, value in row.items() if name != "timestamp"} for row in rows]

        def load() -> None:
            with private.client() as own:
                while not stop.is_set() and (length := own.xlen(STREAM)) < MOST:
                    # (No faster than the flows count: what is behind has to be caught up with in the end.)
                    if length - processed(own) <= BACKLOG:
                        publish(own, rows)
                        publish(own, fresh)
                    stop.wait(0.1)

        publish(raw, rows)
        for _ in range(2):
            flows(READ_BATCH="200")
        wait_for(lambda: raw.hget(STATUS, "processed_total"), "the first counts")
        thread = threading.Thread(target=load)
        thread.start()
        try:
            moved = 0
            deadline = time.monotonic() + 6
            while time.monotonic() < deadline or raw.xlen(STREAM) <= 5_000:
                report = audit(raw)
                assert report.differences == []
                moved += len(report.states["moving"])
            audits = quantum("--redis-url", private.url)
            assert (audits.returncode, audits.stdout[:6]) == (0, "exact:"), audits.stdout
        finally:
            stop.set()
            thread.join()
        total = raw.xlen(STREAM)
        wait_until_counted(raw, total)
        report = audit(raw)
        assert (report.messages, report.differences, report.whole) == (total, [], True)
        assert len(report.states["exact"]) == len(raw.keys(BUCKET + "*"))
        assert total > 5_000


def test_there_is_none_while_the_stream_is_trimmed_and_consumers_die(
    server: PrivateRedis, raw: redis.Redis, flows: FlowProcess.Factory
) -> None:
    rows, stop = samples(), threading.Event()

    def load() -> None:
        with server.client() as own:
            while not stop.is_set():
                publish(own, rows, maxlen=3_000, approximate=False)
                stop.wait(0.02)

    publish(raw, rows)
    thread = threading.Thread(target=load)
    thread.start()
    try:
        for _ in range(4):
            flow = flows(LEASE_TTL_SEC="0.5", READ_BATCH="500")
            deadline = time.monotonic() + 2.5
            while time.monotonic() < deadline:
                report = audit(raw) if raw.exists(STATUS) else None
                assert report is None or report.differences == []
            flow.kill()
    finally:
        stop.set()
        thread.join()


def test_of_a_trimmed_stream_later_minutes_are_exact_and_earlier_ones_at_least(
    raw: redis.Redis, flows: FlowProcess.Factory
) -> None:
    start = int(time.time()) // 60 * 60 - 3_600
    for number in range(60):
        raw.xadd(STREAM, **at(start + number * 20, number, decision="SKIP", reason=f"r{number % 3}"))
    count(raw, flows, 60)
    assert len(audit(raw).states["exact"]) == 20
    raw.xtrim(STREAM, maxlen=50, approximate=False)
    report = audit(raw)
    # The first entry left is of 200 s: what begins more than 300 s behind it holds no entry that is gone.
    assert (len(report.states["exact"]), len(report.states["at_least"]), report.differences) == (11, 9, [])
    assert min(report.states["exact"]) == (start + 540) // 60
    early, late = (minute_name((start + seconds) // 60) for seconds in (240, 900))
    raw.hincrby(BUCKET + late, "reason:r0", 1)
    (difference,) = audit(raw).differences
    assert (difference.minute, difference.field) == (late, "reason:r0")
    raw.hincrby(BUCKET + late, "reason:r0", -1)
    raw.hincrby(BUCKET + early, "reason:r0", 1)
    (difference,) = audit(raw).differences
    assert (difference.minute, difference.field, difference.found) == (early, "reason:*", 4)
    raw.hincrby(BUCKET + early, "reason:r0", -2)
    (difference,) = audit(raw).differences
    assert (difference.minute, difference.field, difference.least, difference.most) == (early, "reason:r0", 1, None)
    raw.hincrby(BUCKET + early, "reason:r0", 1)
    raw.hincrby(BUCKET + early, "reason:r0", 1)
    raw.hincrby(BUCKET + early, "decision:SKIP", 1)
    (difference,) = audit(raw).differences
    assert (difference.key, difference.field, difference.most, difference.found) == (BUCKET + "*", "decision:*", 60, 61)


def test_entries_deleted_from_the_middle_are_known_to_be_gone(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    for number in range(30):
        raw.xadd(STREAM, **at(1_769_929_020 + number * 60, number, decision="SKIP"))
    count(raw, flows, 30)
    raw.xdel(STREAM, f"{(1_769_929_020 + 600) * 1000}-10")
    report = audit(raw)
    assert (report.differences, len(report.states["exact"]), report.messages) == ([], 14, 29)


def test_a_stream_made_anew_is_compared_from_a_minute_that_is_given(
    server: PrivateRedis, raw: redis.Redis, flows: FlowProcess.Factory
) -> None:
    publish(raw, [{"decision": "SKIP", "timestamp": "1769929020"}] * 400)
    count(raw, flows, 400)
    raw.delete(STREAM)
    raw.xadd(STREAM, {"decision": "SKIP"})
    count(raw, flows, 401)
    told = quantum("--redis-url", server.url)
    assert told.returncode == 1
    assert f"{STATUS} processed_total: expected 1, found 401\n" in told.stdout
    assert "--since" in told.stdout
    told = quantum("--redis-url", server.url, "--since", minute_name(int(time.time()) // 60 - 5))
    assert (told.returncode, told.stdout.splitlines()[0]) == (0, "exact: 1 message, 1 bucket")


def test_pending_and_unread_entries_are_left_out(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    publish(raw, samples())
    count(raw, flows, 400)
    publish(raw, samples()[:50])
    raw.xreadgroup(GROUP, "idle", {STREAM: ">"}, count=30)
    report = audit(raw)
    assert (report.messages, report.pending, report.unread, report.differences) == (400, 30, 20, [])
    assert "left out: 30 being counted, 20 not read yet" in as_text(report)
    page = raw.xpending_range(STREAM, GROUP, "-", "+", 1)
    raw.xack(STREAM, GROUP, page[0]["message_id"])
    assert audit(raw).differences  # acknowledged by hand, and counted by nobody


def test_a_pending_entry_that_goes_may_have_been_counted_or_lost(raw: redis.Redis) -> None:
    for number in range(3):
        raw.xadd(STREAM, {"decision": "SKIP"}, id=f"{1_769_929_020_000 + number}-0")
    raw.xgroup_create(STREAM, GROUP, "0")
    raw.xreadgroup(GROUP, "idle", {STREAM: ">"})
    recount = Recount(raw, STREAM, GROUP, 300)
    _step, retained = recount.advance()
    assert (recount.total, recount.pending, retained.whole) == (0, 3, True)
    raw.xtrim(STREAM, maxlen=2, approximate=False)
    raw.xack(STREAM, GROUP, "1769929020000-0", "1769929020001-0")
    step, retained = recount.advance()
    assert (step.total, recount.total, recount.pending, retained.whole) == (0, 1, 1, False)
    assert retained.gone_seconds == 1_769_929_020.001
    raw.xgroup_setid(STREAM, GROUP, "0")
    with pytest.raises(NoGroup, match="verify again"):
        recount.advance()


def test_folded_buckets_are_exact_in_sum(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    rows = [
        {"decision": "SKIP", "reason": f"r:{n % 170}", "symbol": f"S{n % 90}", "timestamp": "1769929020"}
        for n in range(900)
    ]
    publish(raw, rows)
    count(raw, flows, 900, MAX_FIELDS_PER_BUCKET="100", READ_BATCH="50")
    assert raw.hexists(bucket(raw), "reason:__other__")
    assert raw.hexists(bucket(raw), "symbol_reason:__other__:__other__")
    assert audit(raw).differences == []
    raw.hincrby(bucket(raw), "reason:__other__", -1)
    (difference,) = audit(raw).differences
    assert (difference.field, difference.least, difference.found) == ("reason:*", 900, 899)


def test_without_symbols_they_are_not_asked_for(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    publish(raw, samples())
    count(raw, flows, 400, ENABLE_SYMBOL_BREAKDOWN="false")
    assert audit(raw, enable_symbol_breakdown=False).differences == []
    assert "ENABLE_SYMBOL_BREAKDOWN" in as_text(audit(raw))


def test_expired_buckets_are_skipped(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    now = int(time.time())
    for number, second in enumerate((now - 200_000, now - 199_000, now - 3_000)):
        raw.xadd(STREAM, **at(second, number, decision="SKIP"))
    count(raw, flows, 3)
    assert len(audit(raw).states["exact"]) == 3
    raw.delete(bucket(raw))
    report = audit(raw)
    assert (len(report.states["expired"]), len(report.states["exact"]), report.differences) == (1, 2, [])


def test_a_prefix_that_looks_like_a_pattern(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    prefix = "{q}*[a]?^"
    raw.hset(BUCKET + "202602010657", "decision:SKIP", 1)
    raw.xadd(f"{prefix}:stream:apply.result", {"decision": "SKIP"})
    flows(KEY_PREFIX=prefix)
    wait_for(lambda: raw.hget(f"{prefix}:p35:status", "processed_total") == b"1", "the count")
    report = audit(raw, key_prefix=prefix)
    assert (report.messages, len(report.states["exact"]), report.differences) == (1, 1, [])


def test_verify_writes_nothing_and_needs_no_right_to(server: PrivateRedis, raw: redis.Redis) -> None:
    publish(raw, samples())
    raw.xgroup_create(STREAM, GROUP, "0")
    raw.acl_setuser("reader", enabled=True, nopass=True, keys=["*"], categories=["+@read", "+@connection"],
                    commands=["+time", "+dbsize", "+xinfo", "+xpending"])  # fmt: skip
    before = raw.info("stats")["total_commands_processed"], raw.xinfo_stream(STREAM)
    told = quantum("--redis-url", server.url.replace("//", "//reader@"))
    assert (told.returncode, told.stderr) == (0, "")
    assert raw.xinfo_stream(STREAM) == before[1]
    raw.acl_deluser("reader")
