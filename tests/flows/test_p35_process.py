"""`python -m bytewax.run flows.p35` on a real Redis, from outside: what it is fed and what lies in Redis then."""

from __future__ import annotations

import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator

import pytest
import redis

from connectors.private_redis import PrivateRedis, cli, free_port
from tests.support import oracle
from tests.support.flow_process import FlowProcess
from tests.support.recount import (
    GROUP,
    STATUS,
    STREAM,
    assert_exact,
    entries,
    processed,
    samples,
    snapshots,
    wait_until_counted,
)
from tests.support.users import SecuredRedis
from tests.support.waiting import wait_for

HOUR = 3600


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> Iterator[redis.Redis]:
    with server.client(socket_timeout=20) as one:
        yield one


def publish(raw: redis.Redis, rows: list[dict[str, str]], shift: int = 0) -> None:
    """Add `rows`, their timestamps moved by `shift` seconds."""
    pipeline = raw.pipeline(transaction=False)
    for row in rows:
        stamp = row.get("timestamp", "")
        moved = {"timestamp": str(int(stamp) + shift)} if shift and stamp.isdigit() else {}
        pipeline.xadd(STREAM, {**row, **moved})
    pipeline.execute()


def shift_to_now(rows: list[dict[str, str]]) -> int:
    """Seconds to add so that the newest of `rows` is now."""
    return int(time.time()) - max(int(row["timestamp"]) for row in rows if row.get("timestamp", "").isdigit())


def test_the_samples_give_exactly_the_expected_buckets_snapshots_and_status(
    raw: redis.Redis, flows: FlowProcess.Factory
) -> None:
    rows = samples()
    publish(raw, rows, shift_to_now(rows))
    flow = flows(SNAPSHOT_INTERVAL_SEC="0.3", STATUS_INTERVAL_SEC="0.2")
    wait_until_counted(raw, len(rows))
    assert_exact(raw, len(rows))
    every = list(entries(raw))
    meanings = [oracle.meaning_of(entry) for entry in every]

    def snapshots_agree() -> bool:
        minute = int(raw.time()[0]) // 60
        expected = oracle.expected_snapshots(oracle.expected_buckets(every), minute, oracle.expected_unknown(every))
        found = snapshots(raw)
        return found == expected and {"gate:top:1h", "decision:counts:5m"} <= set(found)

    wait_for(snapshots_agree, "snapshots equal to the oracle's")
    assert raw.ttl("quantum:p35:gate:top:1h") in range(86_300, 86_401)
    bucket = raw.keys("quantum:p35:bucket:*")[0]
    assert raw.ttl(bucket) in range(172_700, 172_801)
    assert raw.ttl(STATUS) == -1

    wait_for(lambda: raw.hget(STATUS, "lag") == b"0", "the lag in the status")
    status = {name.decode(): value.decode() for name, value in raw.hgetall(STATUS).items()}
    assert status["processed_total"] == "400"
    assert status["skewed_total"] == str(sum(meaning.skewed for meaning in meanings))
    assert status["last_id"] == every[-1][0]
    assert float(status["last_ts"]) == pytest.approx(max(meaning.seconds for meaning in meanings), abs=0.001)
    assert status["pending_estimate"] == "0"
    assert status["consumer_name"].endswith(f"-{flow.pid}")
    assert abs(int(status["service_start_ts"]) - time.time()) < 60
    for counter in ("late_total", "overflow_total", "claimed_total", "fenced_total", "trimmed_total"):
        assert status[counter].isdigit()
    assert {"version"} <= set(status)

    for name, wanted in (("last_seen", None), ("last_execute", "EXECUTE")):
        newest: dict[str, float] = {}
        for meaning in meanings:
            if meaning.symbol and wanted in (None, meaning.decision):
                newest[meaning.symbol] = max(meaning.seconds, newest.get(meaning.symbol, 0))
        found = {key.decode(): float(value) for key, value in raw.hgetall(f"quantum:p35:symbol:{name}").items()}
        assert found == pytest.approx(newest, abs=0.001)


def test_redis_cli_shows_the_contract(server: PrivateRedis, raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    publish(raw, samples())
    flows()
    wait_until_counted(raw, 400)

    def ask(*words: str) -> list[str]:
        command = [str(cli()), "-p", str(server.port), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    bucket = "quantum:p35:bucket:202602010657"
    expected = oracle.expected_buckets(entries(raw))["202602010657"]
    assert ask("HGET", bucket, "decision:EXECUTE") == [str(expected["decision:EXECUTE"])]
    assert ask("HGET", bucket, "reason:kill_score_critical") == [str(expected["reason:kill_score_critical"])]
    assert ask("HGET", STATUS, "processed_total") == ["400"]
    assert ask("XINFO", "GROUPS", STREAM)[:2] == ["name", GROUP]


def test_an_empty_window_has_no_key(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    keys = [f"quantum:p35:{kind}:1m" for kind in ("decision:counts", "reason:top", "gate:top")]
    raw.hset(keys[0], "EXECUTE", 1)
    raw.zadd(keys[1], {"left over": 1})
    raw.zadd(keys[2], {"left over": 1})
    raw.zadd("quantum:p35:unknown_decision:top:5m", {"left over": 1})
    flows(SNAPSHOT_INTERVAL_SEC="0.2")
    wait_for(lambda: not raw.exists(*keys, "quantum:p35:unknown_decision:top:5m"), "the end of stale snapshots")


def test_without_symbol_breakdown_buckets_have_no_symbols(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    publish(raw, samples())
    flows(ENABLE_SYMBOL_BREAKDOWN="false")
    wait_until_counted(raw, 400)
    for key in raw.keys("quantum:p35:bucket:*"):
        assert not [field for field in raw.hkeys(key) if field.startswith(b"symbol_")]


STRANGE: list[dict[str | bytes, str | bytes]] = [
    {"f": "no field that we know"},
    {"decision": "", "executed": "", "error": "", "timestamp": ""},
    {"decision": "EXECUTE", "symbol": "X" * 1_000_000, "error": "E" * 1_000_000, "timestamp": "9" * 1_000_000},
    {"decision": b"\xff\xfe", "error": b"\x80abc", "symbol": b"\xc3\x28"},
    {"decision": "SKIP", "error": "forged\r\nline \x1b[31mred", "symbol": "A\x00B"},
    {"decision": "maybe", "timestamp": "nan"},
    {"decision": "SKIP", "timestamp": "inf"},
    {"decision": "SKIP", "timestamp": "-5"},
    {"decision": "SKIP", "timestamp": "99999999999"},
    {"decision": "SKIP", "timestamp": "1769929020123"},
    {"decision": "SKIP", "timestamp": "1769929020.75"},
    {"decision": "SKIP", "timestamp": "1"},
    {"executed": "false", "details": "[1, 2"},
    {"executed": "false", "details": '["error"]'},
    {"executed": "false", "details": '{"error": {"code": -1}}'},
    {"executed": "false", "details": '{"error": "late", "qty": NaN}'},
    {"executed": "TRUE", "details": "null", "reason": "  why  "},
    {"executed": "false", "details": '{"error": ' + "[" * 100_000},
]


def test_strange_entries_are_counted_as_the_contract_says(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    for fields in STRANGE:
        raw.xadd(STREAM, fields)  # type: ignore[arg-type]
    repeated = [b"decision", b"SKIP", b"decision", b"EXECUTE", b"error", b"first", b"error", b"second"]
    raw.execute_command("XADD", STREAM, "*", *repeated)
    raw.xadd(STREAM, {"decision": "EXECUTE"})
    flow = flows()
    wait_until_counted(raw, len(STRANGE) + 2)
    assert_exact(raw, len(STRANGE) + 2)
    assert "\x1b" not in flow.log()
    assert flow.stop() == 0


def test_a_killed_flow_goes_on_where_it_was(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    rows = samples()
    total = 60_000
    for _ in range(total // len(rows)):
        publish(raw, rows)
    reached = 0
    for _ in range(3):
        flow = flows(LEASE_TTL_SEC="0.5", READ_BATCH="500")
        goal = reached + 5_000
        wait_for(lambda goal=goal: processed(raw) > goal, "progress", every=0.001)  # type: ignore[misc]
        flow.kill()
        reached = processed(raw)
        assert reached < total
    flow = flows(LEASE_TTL_SEC="0.5")
    wait_until_counted(raw, total)
    assert_exact(raw, total)
    assert flow.stop() == 0
    assert raw.xinfo_consumers(STREAM, GROUP) == []


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_with_0(
    raw: redis.Redis, flows: FlowProcess.Factory, signal_number: signal.Signals
) -> None:
    for _ in range(50):
        publish(raw, samples())
    flow = flows()
    wait_for(lambda: processed(raw) > 0, "progress", every=0.001)
    flow.send(signal_number)
    assert flow.wait() == 0
    assert processed(raw) > 0
    assert raw.xpending(STREAM, GROUP)["pending"] == 0
    assert "Traceback" not in flow.log()


def test_two_workers_count_exactly(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    for _ in range(50):
        publish(raw, samples())
    flow = flows("-w", "2")
    wait_until_counted(raw, 20_000)
    assert_exact(raw, 20_000)
    assert flow.stop() == 0


def test_a_cluster_of_two_processes_counts_exactly(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    for _ in range(50):
        publish(raw, samples())
    addresses = f"127.0.0.1:{free_port()};127.0.0.1:{free_port()}"
    cluster = [flows("-i", str(number), "-a", addresses) for number in range(2)]
    wait_until_counted(raw, 20_000)
    assert_exact(raw, 20_000)
    for flow in cluster:
        flow.send(signal.SIGTERM)
    assert [flow.wait() for flow in cluster] == [0, 0]


def test_a_decision_that_comes_alone_waits_for_no_other(raw: redis.Redis, flows: FlowProcess.Factory) -> None:
    """How soon it is in its bucket is measured by `make bench`."""
    flows()
    wait_for(lambda: raw.exists(STREAM), "the flow")
    before = time.time()
    raw.xadd(STREAM, {"decision": "EXECUTE", "timestamp": str(int(before))})
    name = oracle.minute_name(int(before) // 60)
    wait_for(lambda: raw.hget(f"quantum:p35:bucket:{name}", "decision:EXECUTE"), "the bucket")


def test_metrics_are_served_under_the_names_of_the_contract(
    server: PrivateRedis, raw: redis.Redis, flows: FlowProcess.Factory
) -> None:
    publish(raw, samples(), shift_to_now(samples()))
    port = free_port()
    flows(METRICS_PORT=str(port), SNAPSHOT_INTERVAL_SEC="0.2", STATUS_INTERVAL_SEC="0.2")
    wait_until_counted(raw, 400)

    def scrape() -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}

    def last_hour(figures: dict[str, float]) -> float:
        shown = [name for name in figures if name.startswith("p35_window_decisions{") and '"1h"' in name]
        return sum(figures[name] for name in shown)

    def is_up_to_date(figures: dict[str, float]) -> bool:
        return last_hour(figures) == 400 and figures.get("p35_pending") == figures.get("p35_lag") == 0

    # (each comes round at its own time)
    figures = wait_for(lambda: next((one for one in [scrape()] if is_up_to_date(one)), None), "the figures of the end")
    expected = [oracle.meaning_of(entry) for entry in entries(raw)]
    assert figures["p35_messages_total"] == 400
    for decision in ("EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN"):
        total = sum(meaning.decision == decision for meaning in expected)
        assert figures[f'p35_decisions_total{{decision="{decision}"}}'] == total
        assert figures[f'p35_window_decisions{{decision="{decision}",window="1h"}}'] == total
    assert figures["p35_skewed_total"] == sum(meaning.skewed for meaning in expected)
    assert figures["p35_redis_up"] == 1
    assert figures["p35_commit_seconds_count"] >= 1
    assert figures["p35_snapshot_seconds_count"] >= 1
    assert figures["p35_last_message_timestamp_seconds"] == pytest.approx(time.time(), abs=60)
    named = {"late", "overflow", "claimed", "fenced", "trimmed"}
    assert {f"p35_{name}_total" for name in named} <= set(figures)
    assert any(name.startswith("p35_build_info{") for name in figures)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_PORT", "abc"),
        ("SNAPSHOT_INTERVAL_SEC", "-1"),
        ("MAX_FIELDS_PER_BUCKET", "many"),
        ("LOG_FORMAT", "xml"),
        ("REDIS_URL", "http://user:secret-word@host"),
        ("REDIS_PASSWORD_FILE", "/does/not/exist"),
    ],
)
def test_a_wrong_setting_is_one_line_and_status_78(flows: FlowProcess.Factory, name: str, value: str) -> None:
    flow = flows(**{name: value})
    assert flow.wait() == 78
    lines = flow.log().strip().splitlines()
    assert len(lines) == 1
    assert name in lines[0]
    assert "secret-word" not in lines[0]
    if name != "REDIS_URL":
        assert value in lines[0]


def test_a_redis_that_is_away_is_waited_for(flows: FlowProcess.Factory) -> None:
    with SecuredRedis() as late:
        late.kill()
        flow = flows(REDIS_URL=late.url, STATUS_INTERVAL_SEC="0.2", SNAPSHOT_INTERVAL_SEC="0.2")
        wait_for(lambda: "waiting for Redis" in flow.log(), "the line that says so")
        late.start()
        with late.client() as raw:
            publish(raw, samples())
            wait_until_counted(raw, 400)
            # Counting begins before the last part of the process has noticed; until then it is the same outage.
            wait_for(lambda: flow.log().count("Redis is back") == 1, "the end of the first outage")
            late.kill()
            wait_for(lambda: flow.log().count("waiting for Redis") == 2, "the second line")
            late.start()
            wait_for(lambda: flow.log().count("Redis is back") == 2, "the end of the outage")
        assert flow.stop() == 0
        assert "Traceback" not in flow.log()
        assert flow.log().count("waiting for Redis") == 2


def test_a_flow_can_be_stopped_while_redis_is_away(flows: FlowProcess.Factory) -> None:
    flow = flows(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    wait_for(lambda: "waiting for Redis" in flow.log(), "the line that says so")
    assert flow.stop() == 0


def test_a_wrong_password_is_one_line_and_status_78(flows: FlowProcess.Factory) -> None:
    with PrivateRedis(requirepass="right") as locked:
        flow = flows(REDIS_URL=locked.url, REDIS_USERNAME="", REDIS_PASSWORD="wrong-secret")
        assert flow.wait() == 78
        log = flow.log()
        assert "Traceback" not in log
        assert "wrong-secret" not in log
        assert len([line for line in log.splitlines() if "error" in line]) == 1
        assert "REDIS_PASSWORD" in log
        flow = flows(REDIS_URL=locked.url, REDIS_USERNAME="", REDIS_PASSWORD="right")
        with locked.client(password="right") as raw:
            wait_for(lambda: raw.exists(STREAM), "the flow with the right password")
