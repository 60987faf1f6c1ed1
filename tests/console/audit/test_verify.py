"""`quantum verify`: no difference where there is none, even while the flow counts, and each that there is."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import NoGroup
from connectors.private_redis import PrivateRedis, free_port
from console.audit.bounds import Bounds, Difference, compare
from console.audit.recount import Recount
from console.audit.run import Audit, AuditResult
from console.audit.text import as_json, as_text
from flows.settings.p35 import P35Settings
from sinks.times import minute_name
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.recount import BUCKET, GROUP, STATUS, STREAM, processed, samples, wait_until_counted
from tests.support.waiting import wait_for

BACKLOG, MOST = 2_000, 40_000
"""Entries that a loader leaves uncounted, and how many it adds: each audit reads them all."""

COMMAND = [sys.executable, "-m", "console", "verify"]
KEPT = {name: os.environ[name] for name in ("PATH", "HOME", "VIRTUAL_ENV", "TMPDIR") if name in os.environ}


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> Iterator[redis.Redis]:
    with server.client(socket_timeout=20) as one:
        yield one


def quantum(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`quantum verify` as a process, without a terminal."""
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, env=KEPT | env, capture_output=True, text=True, timeout=240, check=False
    )


def audit(raw: redis.Redis, since: int | None = None, **settings: Any) -> AuditResult:
    """An audit in this process."""
    return Audit(raw, P35Settings(**settings), since).run()


def publish(raw: redis.Redis, rows: list[dict[str, str]], **options: Any) -> None:
    pipeline = raw.pipeline(transaction=False)
    for row in rows:
        pipeline.xadd(STREAM, row, **options)  # type: ignore[arg-type]
    pipeline.execute()


def count(raw: redis.Redis, flows: FlowProcess.Factory, total: int, **env: str) -> None:
    """Have the flow count what is there, and end."""
    flow = flows(**env)
    wait_until_counted(raw, total)
    assert flow.stop() == 0


def bucket(raw: redis.Redis) -> bytes:
    return min(raw.keys(BUCKET + "*"))


def at(second: float, number: int, **fields: str) -> dict[str, Any]:
    """Arguments of XADD for an entry of that second."""
    return {"fields": {"timestamp": str(second), **fields}, "id": f"{int(second * 1000)}-{number}"}


# The comparison.

FIELDS = st.dictionaries(
    st.sampled_from(["decision:SKIP", "reason:a", "reason:b", "symbol_reason:S:a"]), st.integers(1, 9)
)


@given(FIELDS, FIELDS)
def test_the_comparison_finds_each_field_that_differs_and_no_other(least: dict[str, int], more: dict[str, int]) -> None:
    found = {name: least.get(name, 0) + more.get(name, 0) for name in {*least, *more}}
    inner = ("reason:*", "symbol_reason:*")
    if found:
        exact = compare("k", "m", found, Bounds(least, least))
        assert {one.field for one in exact} - set(inner) == set(more)
        assert {one.field for one in compare("k", "m", found, Bounds(least, None))} <= set(inner)
        assert {one.field for one in compare("k", "m", found, Bounds({}, found))} <= set(inner)
    if least:
        assert {one.field for one in compare("k", "m", least, Bounds(found, None))} - set(inner) == set(more)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1), st.sets(st.sampled_from("abcdefgh")))
def test_what_is_folded_is_compared_in_sum(reasons: list[str], kept: set[str]) -> None:
    expected = {"decision:SKIP": len(reasons), **Counter(f"reason:{one}" for one in reasons)}
    folded = [one if one in kept else "__other__" for one in reasons]
    found = {"decision:SKIP": len(reasons), **Counter(f"reason:{one}" for one in folded)}
    assert compare("k", "m", found, Bounds(expected, expected)) == []
    assert compare("k", "m", found, Bounds(expected, None)) == []
    for name in found:
        assert compare("k", "m", {**found, name: found[name] + 1}, Bounds(expected, expected))
        assert compare("k", "m", {**found, name: found[name] - 1}, Bounds(expected, expected))


def test_a_bucket_that_contradicts_itself_is_found_without_any_recount() -> None:
    found = {"decision:SKIP": 3, "reason:a": 2}
    assert compare("k", "m", found, Bounds({}, None)) == [Difference("k", "m", "reason:*", 3, 3, 2)]


def test_at_most_twenty_differences_are_shown_and_all_are_in_json() -> None:
    hostile = Difference("k", "202602010657", "reason:\x1b[31m\x7f[bold]", 1, 1, 2)
    report = AuditResult(9, {"exact": [1], "at_least": [], "expired": [], "moving": []}, [hostile] * 23, True, 0, 0, 9)
    text = as_text(report)
    assert text.count("expected 1, found") == 20
    assert "and 3 more differences\n23 differences: 9 messages, 1 bucket\n" in text
    assert "[bold]" in text
    line = as_json(report)
    assert text.replace("\n", "").isprintable()
    assert line[:-1].isprintable()
    read = json.loads(line)
    assert (read["version"], read["exact"], len(read["differences"])) == (1, False, 23)
    assert read["differences"][0]["field"] == hostile.field


# On a real Redis, after the real flow.


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
    with pytest.raises(NoGroup, match="once more"):
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


# The command.


def test_a_redis_that_is_away_is_one_line_and_status_3() -> None:
    told = quantum(REDIS_PORT=str(free_port()))
    assert (told.returncode, told.stdout) == (3, "")
    assert told.stderr.startswith("quantum: Redis at localhost:")
    assert told.stderr.count("\n") == 1


def test_nothing_to_verify_is_one_line_and_status_3(server: PrivateRedis, raw: redis.Redis) -> None:
    for prepare in (lambda: None, lambda: raw.xadd(STREAM, {"a": "b"}), lambda: raw.set(STATUS, "text")):
        prepare()
        told = quantum(REDIS_URL=server.url)
        assert (told.returncode, told.stdout, told.stderr.count("\n")) == (3, "", 1), told.stderr


@pytest.mark.parametrize(("name", "value"), [("MAX_FUTURE_SKEW_SEC", "soon"), ("REDIS_URL", "http://u:secret@h")])
def test_a_wrong_setting_is_one_line_and_status_78(name: str, value: str) -> None:
    told = quantum(**{name: value})
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (78, "", 1)
    assert name in told.stderr
    assert "secret" not in told.stderr


def test_a_minute_that_is_none_is_wrong_usage() -> None:
    for name in ("yesterday", "202613010000", "2026-02-01"):
        told = quantum("--since", name)
        assert (told.returncode, told.stderr.count("\n")) == (2, 1)


def test_a_bar_is_drawn_on_a_terminal_only_and_not_on_standard_output(
    server: PrivateRedis, raw: redis.Redis, flows: FlowProcess.Factory
) -> None:
    publish(raw, samples())
    count(raw, flows, 400)
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "--json"],
        cwd=ROOT,
        env=KEPT | {"REDIS_URL": server.url, "TERM": "xterm-256color"},
        stdout=subprocess.PIPE,
        stderr=slave,
    ) as process:
        out, _ = process.communicate(timeout=240)
    os.close(slave)
    drawn = os.read(master, 65_536).decode()
    os.close(master)
    assert "stream" in drawn or "buckets" in drawn
    assert json.loads(out)["exact"] is True


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"]])
def test_help(arguments: list[str]) -> None:
    command = [*COMMAND[:-1], *arguments]
    told = subprocess.run(command, cwd=ROOT, env=KEPT, capture_output=True, text=True, timeout=240, check=True)
    assert told.stdout.startswith("Usage: quantum ")
    assert "exact" in told.stdout or "verify" in told.stdout
