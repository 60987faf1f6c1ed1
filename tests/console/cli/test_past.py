"""Questions about the past, comparisons, and symbols by other names: on a real Redis, against sums of its buckets."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
import redis

from connectors.private_redis import PrivateRedis
from tests.support import oracle
from tests.support.quantum import COMMAND, answer, environment, quantum
from tests.support.recount import GROUP, STREAM
from tests.support.terminal import Terminal

HOURS = 30


def counts(minute: int) -> dict[str, int]:
    """What was counted in a minute: something else in each of seven on end."""
    stopped, executed = 40 + minute % 7, 30 - minute % 7
    return {
        "decision:EXECUTE": executed,
        "decision:BLOCKED": stopped,
        "reason:none": executed,
        "reason:no_position": 5,
        "reason:p33_permit_denied:stale": stopped - 5,
        "symbol_decision:BTCUSDT:EXECUTE": executed,
        "symbol_decision:BTCUSDT:BLOCKED": stopped,
        "symbol_reason:BTCUSDT:none": executed,
        "symbol_reason:BTCUSDT:no_position": 5,
        "symbol_reason:BTCUSDT:p33_permit_denied:stale": stopped - 5,
    }


@pytest.fixture
def days(server: PrivateRedis, client: redis.Redis) -> tuple[str, int]:
    """Thirty hours of minutes, as flows leave them: summaries of the last two hours only. Its URL, and the minute."""
    now = int(client.time()[0]) // 60
    pipeline = client.pipeline(transaction=False)
    for minute in range(now - HOURS * 60, now + 3):
        fields = counts(minute)
        name = oracle.minute_name(minute)
        pipeline.hset(f"quantum:p35:bucket:{name}", mapping=fields)
        if minute > now - 120:
            summary = {field: count for field, count in fields.items() if not field.startswith("symbol_")}
            pipeline.hset(f"quantum:p35:summary:{name}", mapping=summary)
    pipeline.hset("quantum:p35:status", mapping={"processed_total": 1, "last_ts": now * 60})
    pipeline.hset("quantum:p35:symbol:last_seen", mapping={"BTCUSDT": now * 60, "ETHUSDT": now * 60})
    pipeline.xgroup_create(STREAM, GROUP, mkstream=True)
    pipeline.execute()
    return server.url, now


def total(last: int, span: int, field: str) -> int:
    return sum(counts(minute).get(field, 0) for minute in range(last - span + 1, last + 1))


@pytest.mark.parametrize(("hours", "window", "span"), [(1, "5m", 5), (3, "15m", 15), (24, "1h", 60)])
def test_every_question_about_the_past_is_answered_from_its_minutes(
    days: tuple[str, int], hours: int, window: str, span: int
) -> None:
    url, now = days
    last = now - hours * 60
    at = ["--at", oracle.minute_name(last), "-w", window]
    executed, blocked = total(last, span, "decision:EXECUTE"), total(last, span, "decision:BLOCKED")
    stopped = total(last, span, "reason:p33_permit_denied:stale")
    head = {"from": (last - span + 1) * 60, "to": (last + 1) * 60, "window": window, "total": executed + blocked}
    why = answer(url, "why", *at)
    assert {name: why[name] for name in head} == head
    assert (why["decisions"]["EXECUTE"], why["decisions"]["BLOCKED"]) == (executed, blocked)
    assert why["reasons"][0] == {
        "reason": "p33_permit_denied:stale",
        "count": stopped,
        "share": stopped / (executed + blocked),
    }
    assert (why["last_minute"]["from"], why["last_minute"]["total"]) == (last * 60, 70)
    share = answer(url, "share", *at)
    assert {name: share[name] for name in head} == head
    assert [one["count"] for one in share["gates"]] == [stopped, 5 * span]
    assert answer(url, "drift", "10", *at, status=1)["gates"][0]["count"] == stopped
    (symbol,) = answer(url, "symbols", *at)["symbols"]
    assert (symbol["symbol"], symbol["total"]) == ("BTCUSDT", executed + blocked)
    assert [one["count"] for one in symbol["gates"]] == [stopped, 5 * span]


def test_ago_ends_with_the_minute_that_it_was_then(days: tuple[str, int]) -> None:
    said = answer(days[0], "why", "--ago", "90min")
    assert said["to"] == (int(said["as_of"]) // 60 - 90 + 1) * 60
    live = answer(days[0], "why")
    assert (live["from"], live["to"]) == ((int(live["as_of"]) // 60 - 4) * 60, live["as_of"])
    at = datetime.fromtimestamp(said["to"] - 60, UTC)
    begin = datetime.fromtimestamp(said["from"], UTC)
    done = quantum(days[0], "why", "--at", f"{at:%Y-%m-%dT%H:%M}")
    assert f"5 minutes, {begin:%Y-%m-%d %H:%M} to " in done.stdout


def test_what_was_counted_two_hours_late_does_not_hide_the_rest_of_its_minute(
    days: tuple[str, int], client: redis.Redis
) -> None:
    """The summary has expired by then, and a late decision begins another, with nothing else in it."""
    url, now = days
    name = oracle.minute_name(now - 300)
    client.hincrby(f"quantum:p35:bucket:{name}", "decision:EXECUTE", 1)
    client.hset(f"quantum:p35:summary:{name}", "decision:EXECUTE", 1)
    assert answer(url, "why", "--at", name, "-w", "1m")["total"] == 71
    day = datetime.fromtimestamp((now - 300) * 60, UTC)
    hour = answer(url, "report", "--day", f"{day:%Y-%m-%d}")["hours"][day.hour]
    assert hour["total"] == 60 * 70 + 1


def test_a_dead_flow_is_told_of_the_past_only_where_it_had_not_counted_that_far(
    days: tuple[str, int], client: redis.Redis
) -> None:
    url, now = days
    assert answer(url, "why")["warnings"] != [], "nobody holds a lease"
    said = answer(url, "why", "--ago", "1h")
    assert (said["warnings"], said["verdict"][:7]) == ([], "Trading")
    done = quantum(url, "share", "--ago", "1h")
    assert (done.returncode, done.stderr) == (0, "")
    client.hset("quantum:p35:status", "last_ts", (now - 120) * 60)
    said = answer(url, "why", "--ago", "1h")
    assert said["verdict"] == "Unknown: flows.p35 is not running; it counted up to 2 h ago"
    assert said["warnings"][0].startswith("flows.p35 is not running; the newest decision it counted is of ")
    empty = ["--at", oracle.minute_name(now - 35 * 60)]
    assert quantum(url, "drift", *empty).returncode == 0, "counted, and nothing came"
    client.hset("quantum:p35:status", "last_ts", (now - 40 * 60) * 60)
    assert quantum(url, "drift", *empty).returncode == 3, "nobody can tell"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--ago", "3d"], "is too long ago: minutes are kept for 48 h (BUCKET_TTL_SEC), so ask for "),
        (["--at", "2100-01-01T00:00"], "2100-01-01 00:00 UTC is in the future: it is "),
    ],
)
def test_what_nothing_can_be_told_of_is_one_line(days: tuple[str, int], asked: list[str], told: str) -> None:
    for query in ("why", "symbols", "share", "drift"):
        done = quantum(days[0], query, *asked)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert told in done.stderr
    done = quantum(days[0], "why", "--ago", "5h", BUCKET_TTL_SEC="14400")
    assert "kept for 4 h (BUCKET_TTL_SEC)" in done.stderr
    assert quantum(days[0], "compare", "3d").returncode == 2


def test_then_and_now_are_compared(days: tuple[str, int], client: redis.Redis) -> None:
    url, now = days
    client.set("quantum:p35:lease:one", "token")
    client.xgroup_createconsumer(STREAM, GROUP, "one")
    for minute in range(now - 20, now + 3):  # a gate explodes
        name = oracle.minute_name(minute)
        for kind in ("bucket", "summary"):
            mapping = {
                "decision:EXECUTE": 5,
                "decision:BLOCKED": 95,
                "reason:none": 5,
                "reason:kill_score_critical": 95,
            }
            client.delete(f"quantum:p35:{kind}:{name}")
            client.hset(f"quantum:p35:{kind}:{name}", mapping=mapping)
    said = answer(url, "compare", "1d")
    last = int(said["as_of"]) // 60 - 1440
    of_all = 5 * 70
    stopped = total(last, 5, "reason:p33_permit_denied:stale")
    rows = {(row["kind"], row["name"]): row for row in said["rows"]}
    assert list(rows) == [
        *(("decision", name) for name in ("EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN")),
        ("gate", "kill_score_critical"),
        ("gate", "p33_permit_denied"),
        ("gate", "no_position"),
    ]
    assert rows["gate", "kill_score_critical"] == {
        "kind": "gate",
        "name": "kill_score_critical",
        "then": {"count": 0, "share": 0.0},
        "now": {"count": 475, "share": 0.95},
        "difference": 0.95,
        "clear": True,
    }
    row = rows["gate", "p33_permit_denied"]
    assert (row["then"]["count"], row["now"]["count"], row["difference"]) == (stopped, 0, -stopped / of_all)
    assert rows["gate", "no_position"]["clear"] is False
    assert (said["then"]["to"], said["then"]["total"]) == ((last + 1) * 60, of_all)
    assert said["then"]["verdict"] == answer(url, "why", "--at", oracle.minute_name(last))["verdict"]
    assert said["now"]["verdict"].startswith("Not trading: kill_score_critical blocks 95 % of decisions")
    with Terminal([*COMMAND, "compare"], environment(url)) as terminal:
        assert terminal.end() == 0
        text = terminal.text
        assert "then: 5 minutes, " in text
        assert "Not trading: kill_score_critical blocks 95 % of decisions" in text
        assert next(line for line in terminal.lines if line.startswith("kill_score_critical")).split()[-1] == "+95"
        assert "…" not in text


def test_symbols_are_found_in_any_case_or_the_nearest_are_named(days: tuple[str, int], client: redis.Redis) -> None:
    url, _ = days
    (found,) = answer(url, "symbols", "btcusdt", "BTCUSDT")["symbols"]
    assert (found["symbol"], found["nearest"], found["total"]) == ("BTCUSDT", None, 5 * 70)
    quiet, unknown = answer(url, "symbols", "ethusdt", "btcusd")["symbols"]
    assert (quiet["symbol"], quiet["total"], quiet["nearest"]) == ("ETHUSDT", 0, None)
    assert (unknown["symbol"], unknown["total"], unknown["nearest"][0]) == ("btcusd", 0, "BTCUSDT")
    done = quantum(url, "symbols", "btcusd", "zzz")
    assert "btcusd: no decisions in 5m, and no known symbol; the nearest: BTCUSDT" in done.stdout
    assert "zzz: no decisions in 5m, and no known symbol; none has a name like it" in done.stdout
    # Where Redis does not know when symbols were last seen, those with decisions are known all the same.
    client.delete("quantum:p35:symbol:last_seen")
    (found,) = answer(url, "symbols", "BtcUsdt")["symbols"]
    assert (found["symbol"], found["total"]) == ("BTCUSDT", 5 * 70)


def test_no_symbol_on_a_terminal_is_no_bug(server: PrivateRedis, client: redis.Redis) -> None:
    with Terminal([*COMMAND, "symbols"], environment(server.url)) as terminal:
        assert terminal.end() == 0
        assert "ENABLE_SYMBOL_BREAKDOWN=false" in terminal.text


def test_nothing_that_matters_is_cut_at_80_columns(server: PrivateRedis, client: redis.Redis) -> None:
    gate = "p33_permit_denied_for_a_reason_that_takes_a_long_name_to_tell"
    now = int(time.time()) // 60
    fields = {"decision:EXECUTE": 10, "decision:BLOCKED": 90, f"reason:{gate}": 70, "reason:none": 30}
    fields |= {f"symbol_decision:BTCUSDT:{name}": 50 for name in ("EXECUTE", "BLOCKED")}
    fields |= {"symbol_reason:BTCUSDT:none": 30, "symbol_reason:BTCUSDT:no_position": 40}
    fields |= {f"symbol_reason:BTCUSDT:{gate}": 30}
    for minute in range(now - 20, now + 3):
        client.hset(f"quantum:p35:bucket:{oracle.minute_name(minute)}", mapping=fields)
    client.hset("quantum:p35:status", mapping={"processed_total": 900, "last_ts": now * 60})
    client.xgroup_create(STREAM, GROUP, mkstream=True)
    client.xgroup_createconsumer(STREAM, GROUP, "one")
    client.set("quantum:p35:lease:one", "token")
    verdict = f"Not trading: {gate} blocks 70 % of decisions for 14 min or longer, 10 % executed"
    for arguments, wanted in (
        (["why"], [verdict, "this gate is not in the guide: ask whoever publishes it", f"quantum explain {gate}"]),
        (["share"], ["above 40 %", f"quantum explain {gate}"]),
        (["drift", "30"], ["above 30 %"]),
        (["all"], [verdict, "above 40 %", "flows.p35 is running", "no_position 40 %"]),
        (["compare"], [verdict]),
    ):
        with Terminal([*COMMAND, *arguments], environment(server.url)) as terminal:
            terminal.end()
            assert len(terminal.lines) == 24
            joined = " ".join(" ".join(terminal.lines).split())
            assert [one for one in wanted if one not in joined] == [], terminal.text
            assert "quantum: " not in terminal.text
