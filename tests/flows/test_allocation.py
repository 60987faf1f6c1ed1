"""The allocation proposer: the dataflow on lists, and as a process on a real Redis, as its own user."""

from __future__ import annotations

import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import redis
from bytewax.testing import TestingSink, TestingSource, run_main
from prometheus_client.parser import text_string_to_metric_families

from connectors.lookup import MemoryLookup
from connectors.lookup_result import Failed, Found, LookupResult
from connectors.private_redis import PrivateRedis, free_port
from connectors.table import InvalidRow, Table
from flows.allocation import Ends, parse, topology
from flows.settings.joins import AllocationSettings
from sinks.values.joins import Proposals
from tests.support.efficiencies import allocation_sample, efficiency, expected_proposal, put
from tests.support.flow_process import FlowProcess
from tests.support.users import login
from tests.support.waiting import wait_for

STREAM = "quantum:stream:allocation.target.proposed"
TARGET, PROPOSED, EFFICIENCY = (
    "quantum:allocation:target:",
    "quantum:allocation:target:proposed:",
    "quantum:capital:efficiency:",
)
T = 1_769_929_020.0


def run(tables: list[Table[float]], rows: dict[str, LookupResult], **changes: Any) -> list[Proposals]:
    """Run the flow to the end of its input."""
    out: list[Proposals] = []
    ends = Ends(TestingSource(tables), MemoryLookup(rows, 0.0), TestingSink(out))
    run_main(topology(AllocationSettings(**changes), ends))  # type: ignore[no-untyped-call]
    return out


def counting(score: bytes = b"0.9") -> Found:
    return Found({b"efficiency_score": score, b"confidence": b"0.9", b"ts": b"%d" % T})


def test_every_target_gets_a_proposal_by_the_time_of_its_loop() -> None:
    rows: dict[str, LookupResult] = {f"{EFFICIENCY}A": counting(), f"{EFFICIENCY}B": Failed("x")}
    table = Table(T + 600.9, 7.0, {"A": 1000.0, "B": 5.0, "C": 0.0}, 2)
    (loop,) = run([table], rows)
    assert [(one.symbol, one.proposed_target, one.efficiency.reason) for one in loop.proposals] == [
        ("A", pytest.approx(1400), "ok"),
        ("B", 5.0, "redis_error"),
        ("C", 0.0, "missing_eff"),
    ]
    assert (loop.at, loop.turn, loop.invalid, loop.started) == (T + 600, T + 600, 2, 7.0)
    (later,) = run([Table(T + 601, 7.0, {"A": 1000.0}, 0)], rows)
    assert [one.efficiency.reason for one in later.proposals] == ["stale_eff"]


@pytest.mark.parametrize(
    ("interval", "at", "expected"),
    [
        (10, T + 13.7, (T + 13, T + 10)),
        (10, T + 10.0, (T + 10, T + 10)),
        (0.5, T + 13.7004, (T + 13.7, T + 13.5)),
        (2.5, T + 4.99, (T + 4.99, T + 2.5)),
    ],
)
def test_a_loop_stands_for_the_interval_that_it_began_in(
    interval: float, at: float, expected: tuple[float, float]
) -> None:
    (loop,) = run([Table(at, 0.0, {}, 0)], {}, loop_interval_sec=interval)
    assert (loop.at, loop.turn) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("value", ["", "x", "nan", "inf", "-0.01", "1e16", "1_0", None])
def test_a_target_that_is_no_amount_is_no_target(value: str | None) -> None:
    with pytest.raises(InvalidRow):
        parse("BTCUSDT", {} if value is None else {b"target_usd": value.encode()})


@pytest.mark.parametrize("symbol", ["", "a\nb", "\udcff", "x" * 129, "\u202e"])
def test_a_symbol_that_cannot_be_shown_is_none(symbol: str) -> None:
    with pytest.raises(InvalidRow):
        parse(symbol, {b"target_usd": b"1"})


@pytest.mark.parametrize(("value", "expected"), [(b"0", 0.0), (b"750.5", 750.5), (b" 1e3 ", 1000.0)])
def test_a_target_is_an_amount(value: bytes, expected: float) -> None:
    assert parse("proposed", {b"target_usd": value}) == expected


Start = Callable[..., FlowProcess]


@pytest.fixture
def start(flows: FlowProcess.Factory) -> Start:
    """Starts the flow as its user, with a loop each second."""

    def starter(**env: str) -> FlowProcess:
        return flows(module="flows.allocation", **{"LOOP_INTERVAL_SEC": "1", **login("quantum-allocation"), **env})

    return starter


def proposals(client: redis.Redis) -> list[dict[str, str]]:
    """All entries, oldest first."""
    return [fields for _id, fields in client.xrange(STREAM)]


def newest(client: redis.Redis) -> dict[str, dict[str, str]]:
    """The newest entry of each symbol."""
    return {entry["symbol"]: entry for entry in proposals(client)}


def metrics(port: int) -> dict[tuple[str, str], float]:
    """What the flow serves: name and label -> value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith(("_created", "_bucket"))
    }


def test_the_samples_give_what_the_contract_says(client: redis.Redis, start: Start) -> None:
    now = int(time.time())
    rows = allocation_sample(now)
    put(client, rows)
    process = start()
    wait_for(lambda: client.xlen(STREAM) >= 10, "two loops")
    targets = {key.removeprefix(TARGET): row for key, row in rows.items() if key.startswith(TARGET)}
    assert len(targets) == 5
    found = newest(client)
    assert {
        symbol: {name: value for name, value in entry.items() if name != "ts_epoch"} for symbol, entry in found.items()
    } == {
        symbol: expected_proposal(symbol, row, rows.get(f"{EFFICIENCY}{symbol}"), now)
        for symbol, row in targets.items()
    }
    assert {entry["reason"] for entry in found.values()} == {"ok", "missing_eff", "stale_eff", "low_conf"}
    for symbol in targets:
        key = client.hgetall(f"{PROPOSED}{symbol}")
        assert 590 <= client.ttl(f"{PROPOSED}{symbol}") <= 600
        assert key["last_update_ts_epoch"] == key["ts_epoch"]
        assert key.keys() - {"last_update_ts_epoch"} == found[symbol].keys()
        assert abs(int(key["ts_epoch"]) - time.time()) < 30
    assert process.stop() == 0, process.log()
    assert {key: client.hgetall(key) for key in rows} == rows, "what it reads is as it was"


CASES: dict[str, tuple[dict[str, str] | str | None, tuple[str, str, str, str, str]]] = {
    "FINE": (efficiency(), ("1.3000", "0.8000", "0.900", "0", "ok")),
    "NEGATIVE": (efficiency(-3), ("0.5000", "0.0000", "0.900", "0", "ok")),
    "ABOVE": (efficiency(7), ("1.5000", "1.0000", "0.900", "0", "ok")),
    "EDGE": (efficiency(confidence="0.65"), ("1.3000", "0.8000", "0.650", "0", "ok")),
    "BELOW": (efficiency(confidence="0.6499"), ("1.0000", "0.8000", "0.650", "0", "low_conf")),
    "NONE": (None, ("1.0000", "", "", "0", "missing_eff")),
    "NAN": (efficiency("nan"), ("1.0000", "", "0.900", "0", "missing_eff")),
    "TEXT": (efficiency(confidence="high"), ("1.0000", "0.8000", "", "0", "missing_eff")),
    "NO_TIME": ({"efficiency_score": "0.8", "confidence": "0.9"}, ("1.0000", "0.8000", "0.900", "0", "missing_eff")),
    "OTHER": ({"mode": "x"}, ("1.0000", "", "", "0", "missing_eff")),
    "OLD": (efficiency(ts=int(time.time()) - 200_000), ("1.0000", "0.8000", "0.900", "1", "stale_eff")),
    "AHEAD": (efficiency(ts=int(time.time()) + 200_000), ("1.0000", "0.8000", "0.900", "1", "stale_eff")),
    "WRONG": ("a string", ("1.0000", "", "", "0", "redis_error")),
}


def test_every_way_to_fail_leaves_the_target_as_it_is(client: redis.Redis, start: Start) -> None:
    for symbol, (row, _expected) in CASES.items():
        client.hset(f"{TARGET}{symbol}", "target_usd", "100")
        if isinstance(row, str):
            client.set(f"{EFFICIENCY}{symbol}", row)
        elif row is not None:
            client.hset(f"{EFFICIENCY}{symbol}", mapping=row)  # type: ignore[arg-type]
    process = start(P31_STALE_SEC="86400")
    found = wait_for(lambda: len(newest(client)) == len(CASES) and newest(client), "a loop")
    fields = ("multiplier", "eff_score", "eff_confidence", "eff_stale", "reason")
    assert {symbol: tuple(entry[name] for name in fields) for symbol, entry in found.items()} == {
        symbol: expected for symbol, (_row, expected) in CASES.items()
    }
    for entry in found.values():
        assert float(entry["proposed_target"]) == pytest.approx(100 * float(entry["multiplier"]))
        assert client.hget(f"{PROPOSED}{entry['symbol']}", "reason") == entry["reason"]
    assert process.log().count("skipping unusable keys") == 1
    assert "WRONG: WRONGTYPE" in process.log()


def test_rows_come_and_go_and_their_series_with_them(client: redis.Redis, start: Start) -> None:
    port = free_port()
    for symbol in ("A", "B"):
        put(client, {f"{TARGET}{symbol}": {"target_usd": "10"}, f"{EFFICIENCY}{symbol}": efficiency("0.7")})
    client.set(f"{TARGET}BROKEN", "x")
    client.hset(f"{TARGET}NAN", "target_usd", "nan")
    client.hset(f"{PROPOSED}X", "target_usd", "10")
    process = start(METRICS_PORT=str(port))
    wait_for(lambda: client.xlen(STREAM) >= 4, "two loops")
    seen = wait_for(lambda: (m := metrics(port))["p29_shadow_loops_total", ""] >= 2 and m, "the metrics of two loops")
    loops = seen["p29_shadow_loops_total", ""]
    assert seen["p29_shadow_proposed_total", "ok"] == 2 * loops
    assert seen["p29_shadow_invalid_total", ""] == 2 * loops
    assert seen["p29_shadow_loop_seconds_count", ""] == loops
    for name, value in (("multiplier", 1.2), ("eff_score", 0.7), ("eff_confidence", 0.9)):
        assert {label: shown for (known, label), shown in seen.items() if known == f"p29_shadow_{name}"} == {
            "A": pytest.approx(value),
            "B": pytest.approx(value),
        }
    client.delete(f"{TARGET}A", f"{TARGET}BROKEN")
    put(client, {f"{TARGET}C": {"target_usd": "10"}, f"{TARGET}BROKEN": {"target_usd": "3"}})
    wait_for(lambda: {"B", "BROKEN", "C"} <= newest(client).keys(), "the new symbols")
    shown = wait_for(
        lambda: "C" in (m := {label for name, label in metrics(port) if name == "p29_shadow_multiplier"}) and m, "C"
    )
    assert shown == {"B", "BROKEN", "C"}
    assert "X" not in newest(client)
    log = process.log()
    assert log.count("BROKEN: WRONGTYPE") == log.count("NAN: target_usd is no amount") == 1
    assert log.count("keys are usable again, or gone") == 1


def test_several_instances_and_a_kill_give_one_entry_a_symbol_and_loop(client: redis.Redis, start: Start) -> None:
    symbols = [f"S{number:03}" for number in range(700)]
    put(client, {f"{TARGET}{symbol}": {"target_usd": "10"} for symbol in symbols})
    running = [start() for _ in range(2)]
    for _ in range(3):
        done = client.xlen(STREAM)
        wait_for(lambda done=done: client.xlen(STREAM) > done, "the begin of a loop", every=0.001)  # type: ignore[misc]
        running.pop(0).kill()
        running.append(start())
    done = client.xlen(STREAM)
    wait_for(lambda: client.xlen(STREAM) >= done + 1_500, "two more loops")
    wait_for(lambda: all("connected" in process.log() for process in running), "the last one that was started")
    for process in running:
        assert process.stop() == 0, process.log()
    counts = Counter((entry["symbol"], entry["ts_epoch"]) for entry in proposals(client))
    assert set(counts.values()) == {1}
    last = max(entry["ts_epoch"] for entry in proposals(client))
    for symbol in symbols:
        assert client.hget(f"{PROPOSED}{symbol}", "ts_epoch") in (last, str(int(last) - 1))


def test_a_target_is_never_written(client: redis.Redis, start: Start, server: PrivateRedis) -> None:
    put(client, {f"{TARGET}A": {"target_usd": "10"}, f"{TARGET}proposed": {"target_usd": "20"}})
    commands: list[str] = []
    with server.client(decode_responses=True) as watcher, watcher.monitor() as monitor:
        process = start()
        for command in monitor.listen():
            commands.append(command["command"])
            if sum("XADD" in one for one in commands) >= 6:
                break
    writes = [
        one.split()[:2]
        for one in commands
        if one.split()[0].upper()
        not in ("SCAN", "HMGET", "HGET", "TYPE", "EVALSHA", "EVAL", "AUTH", "CLIENT", "SELECT", "HELLO", "TIME")
    ]
    assert {tuple(one) for one in writes} == {
        ("XADD", STREAM),
        *((name, "quantum:flow:allocation") for name in ("HDEL", "HSET")),
        *((name, f"{PROPOSED}{symbol}") for name in ("HSET", "EXPIRE") for symbol in ("A", "proposed")),
    }
    assert process.stop() == 0, process.log()


def test_the_user_of_the_flow_may_not_write_a_target(client: redis.Redis, server: PrivateRedis) -> None:
    put(client, {f"{TARGET}A": {"target_usd": "10"}})
    who = login("quantum-allocation")
    with server.client(username=who["REDIS_USERNAME"], password=who["REDIS_PASSWORD"]) as user:
        attempts: list[tuple[str, ...]] = [
            ("HSET", f"{TARGET}A", "target_usd", "1"),
            ("EXPIRE", f"{TARGET}A", "1"),
            ("XADD", f"{TARGET}B", "*", "a", "b"),
            ("HSET", f"{TARGET}proposed", "target_usd", "1"),
            ("DEL", f"{TARGET}A"),
            ("EVAL", "return redis.call('HSET', KEYS[1], 'target_usd', 1)", "1", f"{TARGET}A"),
            ("EVAL", f"return redis.call('HSET', '{TARGET}A', 'target_usd', 1)", "0"),
        ]
        for attempt in attempts:
            with pytest.raises(redis.ResponseError, match=r"(?i)permission|can't|ACL"):
                user.execute_command(*attempt)
        assert user.execute_command("HSET", f"{PROPOSED}A", "a", "b") == 1
    assert client.hgetall(f"{TARGET}A") == {"target_usd": "10"}


def test_another_prefix_and_another_stream(client: redis.Redis, flows: FlowProcess.Factory) -> None:
    put(client, {"{q*}:allocation:target:A": {"target_usd": "10"}, "{qx}:allocation:target:B": {"target_usd": "10"}})
    put(client, {"{q*}:capital:efficiency:A": efficiency("0.5")})
    env = {"KEY_PREFIX": "{q*}", "PROPOSE_STREAM_NAME": "elsewhere", "PROPOSE_KEY_TTL": "77"}
    process = flows(module="flows.allocation", **env)
    wait_for(lambda: client.exists("{q*}:allocation:target:proposed:A"), "a loop")
    assert process.stop() == 0, process.log()
    assert [(fields["symbol"], fields["reason"]) for _, fields in client.xrange("elsewhere")] == [("A", "ok")]
    assert 70 <= client.ttl("{q*}:allocation:target:proposed:A") <= 77
    assert not client.exists("{qx}:allocation:target:proposed:B", STREAM)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOOP_INTERVAL_SEC", "0"),
        ("P31_MAX_MULT", "0.9"),
        ("P31_MIN_CONF", "nan"),
        ("PROPOSE_STREAM_NAME", f"{TARGET}BTC"),
    ],
)
def test_a_wrong_setting_is_one_line_and_status_78(flows: FlowProcess.Factory, name: str, value: str) -> None:
    process = flows(module="flows.allocation", **{name: value})
    assert process.wait() == 78
    assert process.log().startswith(f"setting {name}='{value}' is wrong: must ")
    assert process.log().count("\n") == 1


def test_redis_away_is_waited_for(start: Start) -> None:
    with PrivateRedis() as own:
        own.kill()
        process = start(REDIS_URL=own.url, REDIS_USERNAME="", REDIS_PASSWORD="")
        wait_for(lambda: "waiting for Redis" in process.log(), "the line")
        own.start()
        with own.client(decode_responses=True) as raw:
            put(raw, {f"{TARGET}A": {"target_usd": "10"}})
            wait_for(lambda: raw.xlen(STREAM), "a loop")
        process.send(signal.SIGINT)
        assert process.wait() == 0, process.log()
