"""The governor: the dataflow on lists, and as a process on a real Redis, as its own user."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import redis
from bytewax.testing import TestingSink, TestingSource, run_main
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.delivery import Batch, Delivery, Entry, Part
from connectors.effects import Merge
from connectors.lookup import MemoryLookup
from connectors.lookup_result import Failed, Found, LookupResult
from connectors.private_redis import free_port
from flows.governor import Ends, topology
from flows.settings.joins import GovernorSettings
from sinks.values.joins import PermitNote
from tests.flows.test_allocation import metrics
from tests.support.efficiencies import allocation_sample, efficiency, expected_hint, plan_sample, put
from tests.support.flow_process import FlowProcess
from tests.support.users import login
from tests.support.waiting import wait_for

STREAM, GROUP, STATUS = "quantum:stream:apply.plan", "p31_governor", "quantum:governor:status"
PERMIT, EFFICIENCY = "quantum:permit:", "quantum:capital:efficiency:"
T = 1_769_929_020
DELIVERY = Delivery(STREAM, GROUP, "one", "lease:one", "token")

Pairs = list[tuple[bytes, bytes]]


def batch(*entries: Pairs) -> Batch:
    return Batch(
        DELIVERY, [Entry(b"%d000-%d" % (T, n), [v for pair in e for v in pair]) for n, e in enumerate(entries)]
    )


def run(batches: list[Batch], rows: dict[str, LookupResult] | None = None, **changes: Any) -> list[Part]:
    """Run the flow to the end of its input."""
    out: list[Part] = []
    ends = Ends(
        TestingSource(batches), MemoryLookup(rows or {}, T + 0.25), TestingSink(out), TestingSource([]), TestingSink([])
    )
    run_main(topology(GovernorSettings(**changes), ends))  # type: ignore[no-untyped-call]
    return out


def merges(parts: list[Part]) -> list[Merge]:
    return [effect for part in parts for effect in part.effects if isinstance(effect, Merge)]


def plan(plan_id: bytes = b"p", symbol: bytes = b"S", decision: bytes = b"EXECUTE") -> Pairs:
    return [(b"plan_id", plan_id), (b"symbol", symbol), (b"decision", decision), (b"action", b"OPEN")]


def test_a_plan_gets_the_permit_of_the_worked_example() -> None:
    row = Found({b"efficiency_score": b"0.2", b"confidence": b"0.9", b"ts": b"%d" % T})
    (permit,) = merges(run([batch(plan())], {f"{EFFICIENCY}S": row}))
    assert permit == Merge(
        "quantum:permit:p",
        {
            "eff_score": Decimal("0.2000"),
            "eff_confidence": Decimal("0.900"),
            "eff_stale": 0,
            "eff_factor": Decimal("0.4444"),
            "eff_action": "DOWNSIZE",
            "eff_reason": "ok",
            "downsize_factor": Decimal("0.4444"),
            "extra_cooldown_sec": 96,
        },
        {
            "plan_id": "p",
            "symbol": "S",
            "action": "OPEN",
            "decision": "EXECUTE",
            "granted": True,
            "created_at": Decimal("1769929020.250"),
            "consumed": False,
        },
        60,
        False,
    )


def test_what_gets_no_permit_is_acknowledged_with_the_rest_and_counted() -> None:
    entries = [
        plan(b"1"),
        plan(b"2", decision=b"SKIP"),
        plan(b"3", decision=b""),
        plan(b""),
        plan(b"5", symbol=b" "),
        [],
        plan(b"7", decision=b" execute "),
        [*plan(b"8", decision=b"SKIP"), (b"decision", b"EXECUTE"), (b"extra", b"\xff")],
        plan(b"9\xff", symbol=b"\xff"),
    ]
    (part,) = run([batch(*entries)])
    assert part.ids == tuple(b"%d000-%d" % (T, number) for number in range(len(entries)))
    assert [one.key.removeprefix(PERMIT) for one in merges([part])] == ["1", "7", "8", "9\udcff"]
    assert isinstance(part.note, PermitNote)
    assert (len(part.note.permits), part.note.not_execute, part.note.incomplete) == (4, 3, 2)


def test_a_lookup_that_fails_still_gives_a_permit() -> None:
    (permit,) = merges(run([batch(plan())], {f"{EFFICIENCY}S": Failed("away")}))
    assert (permit.fields["eff_reason"], permit.fields["eff_action"]) == ("redis_error", "NONE")
    assert permit.fields["downsize_factor"] == Decimal("1.0000")
    assert permit.fields["eff_score"] is permit.fields["eff_confidence"] is None


BYTES = st.binary(max_size=6) | st.sampled_from([b"EXECUTE", b"SKIP", b"a", b"BTC"])
NAMES = st.sampled_from([b"plan_id", b"symbol", b"decision", b"action", b"other"])
ENTRIES = st.lists(st.lists(st.tuples(NAMES, BYTES), max_size=6), min_size=1, max_size=5)
VALUES = st.binary(max_size=6) | st.floats().map(lambda number: repr(number).encode())
ROWS = st.dictionaries(st.sampled_from([b"efficiency_score", b"confidence", b"ts"]), VALUES).map(Found) | st.just(
    Failed("x")
)


@settings(max_examples=40)
@given(ENTRIES, ROWS)
def test_no_input_blocks_or_raises(entries: list[Pairs], row: LookupResult) -> None:
    (part,) = run([batch(*entries)], {f"{EFFICIENCY}BTC": row, f"{EFFICIENCY}a": row})
    assert len(part.ids) == len(entries)
    expected = 0
    for entry in entries:
        last = dict(entry)
        wanted = last.get(b"decision", b"").strip().upper() == b"EXECUTE"
        named = all(last.get(n, b"").decode("utf-8", "surrogateescape").strip() for n in (b"plan_id", b"symbol"))
        expected += wanted and named
    assert len(merges([part])) == expected
    for one in merges([part]):
        assert Decimal("0.25") <= one.fields["downsize_factor"] <= 1  # type: ignore[operator]


Start = Callable[..., FlowProcess]


@pytest.fixture
def start(flows: FlowProcess.Factory, client: redis.Redis) -> Start:
    """Starts the flow as its user; returns when its group is there."""

    def starter(**env: str) -> FlowProcess:
        process = flows(module="flows.governor", **{**login("quantum-governor"), **env})
        wait_for(lambda: client.exists(STREAM) and client.xinfo_groups(STREAM), "the group")
        return process

    return starter


def add(client: redis.Redis, plan_id: str, symbol: str = "S", **more: str) -> None:
    client.xadd(STREAM, {"plan_id": plan_id, "symbol": symbol, "decision": "EXECUTE", "action": "OPEN", **more})


def wait_until_all_are_acknowledged(client: redis.Redis, total: int) -> None:
    wait_for(lambda: client.hget(STATUS, "processed_total") == str(total), f"{total} plans acknowledged")
    assert client.xpending(STREAM, GROUP)["pending"] == 0


@pytest.mark.parametrize("form", ["hash", "json"])
def test_the_samples_give_what_the_contract_says(client: redis.Redis, start: Start, form: str) -> None:
    now = int(time.time())
    rows = allocation_sample(now)
    put(client, rows)
    start(PERMIT_FORMAT=form)
    plans = plan_sample()
    for one in plans:
        client.xadd(STREAM, one)  # type: ignore[arg-type]
    wait_until_all_are_acknowledged(client, len(plans))
    executed = {one["plan_id"]: one for one in plans if one["decision"] == "EXECUTE"}
    assert {key.removeprefix(PERMIT) for key in client.keys(f"{PERMIT}*")} == executed.keys()
    assert 20 < len(executed) < len(plans)
    actions = set()
    for plan_id, one in executed.items():
        key = f"{PERMIT}{plan_id}"
        assert 0 < client.ttl(key) <= 60
        beside = {"plan_id": plan_id, "symbol": one["symbol"], "action": one["action"], "decision": "EXECUTE"}
        hint = expected_hint(rows.get(f"{EFFICIENCY}{one['symbol']}"), now)
        actions.add((hint["eff_action"], hint["eff_reason"]))
        if form == "hash":
            found = client.hgetall(key)
            created_at = float(found.pop("created_at"))
            assert found == {**hint, **beside, "granted": "1", "consumed": "0"}
        else:
            loaded = json.loads(client.get(key), parse_float=str, parse_int=str)  # type: ignore[arg-type]
            created_at = float(loaded.pop("created_at"))
            numbers = {name: value or None for name, value in hint.items()}
            assert loaded == {**numbers, **beside, "granted": True, "consumed": False}
        assert now <= created_at <= time.time()
    assert actions == {
        ("NONE", "ok"),
        ("DOWNSIZE", "ok"),
        *(("NONE", r) for r in ("missing_eff", "stale_eff", "low_conf")),
    }


CASES: dict[str, tuple[dict[str, str] | str | None, tuple[str, str, str, str]]] = {
    "EXAMPLE": (efficiency("0.2"), ("DOWNSIZE", "0.4444", "96", "ok")),
    "EDGE": (efficiency("0.45"), ("NONE", "1.0000", "0", "ok")),
    "BELOW": (efficiency("0.4499"), ("DOWNSIZE", "0.9998", "66", "ok")),
    "NEGATIVE": (efficiency("-1"), ("DOWNSIZE", "0.2500", "120", "ok")),
    "ABOVE": (efficiency("2"), ("NONE", "1.0000", "0", "ok")),
    "NONE": (None, ("NONE", "1.0000", "0", "missing_eff")),
    "NAN": (efficiency("nan"), ("NONE", "1.0000", "0", "missing_eff")),
    "TEXT": (efficiency("0.2", "high"), ("NONE", "1.0000", "0", "missing_eff")),
    "OLD": (efficiency("0.2", ts=int(time.time()) - 200_000), ("NONE", "1.0000", "0", "stale_eff")),
    "AHEAD": (efficiency("0.2", ts=int(time.time()) + 200_000), ("NONE", "1.0000", "0", "stale_eff")),
    "UNSURE": (efficiency("0.2", "0.6499"), ("NONE", "1.0000", "0", "low_conf")),
    "SURE": (efficiency("0.2", "0.65"), ("DOWNSIZE", "0.4444", "96", "ok")),
    "WRONG": ("a string", ("NONE", "1.0000", "0", "redis_error")),
}


def test_every_way_to_fail_gives_a_permit_that_suggests_nothing(client: redis.Redis, start: Start) -> None:
    start(P31_EFF_TTL_SEC="86400")
    for symbol, (row, _expected) in CASES.items():
        if isinstance(row, str):
            client.set(f"{EFFICIENCY}{symbol}", row)
        elif row is not None:
            client.hset(f"{EFFICIENCY}{symbol}", mapping=row)  # type: ignore[arg-type]
        add(client, f"of {symbol}", symbol)
    wait_until_all_are_acknowledged(client, len(CASES))
    fields = ["eff_action", "downsize_factor", "extra_cooldown_sec", "eff_reason"]
    found = {symbol: tuple(client.hmget(f"{PERMIT}of {symbol}", fields)) for symbol in CASES}
    assert found == {symbol: expected for symbol, (_row, expected) in CASES.items()}


def test_what_another_governor_said_stays(client: redis.Redis, start: Start) -> None:
    put(client, {f"{EFFICIENCY}S": efficiency("0.2")})
    theirs = '{"granted": false, "qty": 12345678901234567890, "list": [], "eff_score": 9, "consumed": true}'
    client.hset(f"{PERMIT}h", mapping={"granted": "0", "eff_action": "OLD", "consumed": "1"})
    client.expire(f"{PERMIT}h", 1_000)
    client.set(f"{PERMIT}j", theirs, ex=1_000)
    client.set(f"{PERMIT}t", "no object", ex=1_000)
    client.rpush(f"{PERMIT}l", "a list")
    port = free_port()
    process = start(METRICS_PORT=str(port))
    for plan_id in "hjtl":
        add(client, plan_id)
    add(client, "n", decision="SKIP")
    add(client, "")
    wait_until_all_are_acknowledged(client, 6)
    found = client.hgetall(f"{PERMIT}h")
    assert (found["granted"], found["consumed"], found["downsize_factor"]) == ("0", "1", "0.4444")
    assert found["eff_action"] == "DOWNSIZE"
    assert "plan_id" not in found
    text = client.get(f"{PERMIT}j")
    assert text.startswith(
        '{"granted": false,"qty": 12345678901234567890,"list": [],"consumed": true,"eff_score":0.2000,'
    )
    assert json.loads(text)["downsize_factor"] == 0.4444
    assert client.get(f"{PERMIT}t") == "no object"
    assert client.lrange(f"{PERMIT}l", 0, -1) == ["a list"]
    assert all(900 < client.ttl(f"{PERMIT}{plan_id}") <= 1_000 for plan_id in "hjt")
    seen = wait_for(lambda: (m := metrics(port))["p32_messages_total", ""] == 6 and m, "the metrics of all")
    outcomes = {label: value for (name, label), value in seen.items() if name == "p32_plans_total"}
    assert outcomes == {"permit": 2, "unmerged": 2, "not_execute": 1, "incomplete": 1}
    assert seen["p32_eff_factor", "S"] == pytest.approx(0.2 / 0.45)
    assert seen["p32_permit_seconds_count", ""] == 4
    assert seen["p32_eff_apply_total", "DOWNSIZE"] == 4
    assert "left as they are" in process.log()
    assert process.stop() == 0, process.log()


def test_an_efficiency_that_may_not_be_read_blocks_no_plan(client: redis.Redis, start: Start) -> None:
    put(client, {f"{EFFICIENCY}S": efficiency("0.2")})
    rules = client.execute_command("ACL", "LIST")
    before = next(line for line in rules if line.startswith("user quantum-governor "))
    client.execute_command(
        "ACL",
        "SETUSER",
        *before.replace(f"%R~{EFFICIENCY}*", "").split()[1:2],
        "reset",
        *_rules(before.replace(f"%R~{EFFICIENCY}*", "")),
    )
    try:
        start()
        add(client, "p")
        wait_until_all_are_acknowledged(client, 1)
        assert client.hget(f"{PERMIT}p", "eff_reason") == "redis_error"
        client.execute_command("ACL", "SETUSER", "quantum-governor", "reset", *_rules(before))
        add(client, "q")
        wait_until_all_are_acknowledged(client, 2)
        assert client.hget(f"{PERMIT}q", "eff_action") == "DOWNSIZE"
    finally:
        client.execute_command("ACL", "SETUSER", "quantum-governor", "reset", *_rules(before))


def _rules(line: str) -> list[str]:
    """The rules of a line of ACL LIST, selectors whole."""
    found: list[str] = []
    depth = ""
    for word in line.split()[2:]:
        depth = f"{depth} {word}".strip()
        if not depth.startswith("(") or depth.endswith(")"):
            found.append(depth)
            depth = ""
    return found


def test_plans_from_before_its_first_start_are_not_its_own(client: redis.Redis, start: Start) -> None:
    add(client, "old")
    process = start()
    add(client, "new")
    wait_until_all_are_acknowledged(client, 1)
    assert client.keys(f"{PERMIT}*") == [f"{PERMIT}new"]
    assert process.stop() == 0, process.log()
    add(client, "while it was away")
    start()
    wait_until_all_are_acknowledged(client, 2)
    assert client.exists(f"{PERMIT}while it was away")


def test_status_and_group_are_as_the_settings_say(client: redis.Redis, start: Start) -> None:
    start(PLAN_GROUP="other", STATUS_INTERVAL_SEC="0.2")
    assert [row["name"] for row in client.xinfo_groups(STREAM)] == ["other"]
    add(client, "p")
    wait_for(lambda: client.hget(STATUS, "processed_total") == "1", "the plan")
    status = wait_for(lambda: (s := client.hgetall(STATUS)).get("lag") == "0" and s, "the status")
    assert (status["permits_total"], status["pending_estimate"]) == ("1", "0")
    assert status["last_id"] == client.xinfo_stream(STREAM)["last-generated-id"]


@pytest.mark.parametrize(
    ("name", "value"), [("PERMIT_FORMAT", "xml"), ("P31_DOWNSIZE_THRESHOLD", "1.5"), ("PLAN_GROUP", "x" * 129)]
)
def test_a_wrong_setting_is_one_line_and_status_78(flows: FlowProcess.Factory, name: str, value: str) -> None:
    process = flows(module="flows.governor", **{name: value})
    assert process.wait() == 78
    assert process.log().startswith(f"setting {name}=")
    assert process.log().count("\n") == 1
