"""Queries a to e on a real Redis after the real flow, against numbers that are worked out from the entries alone."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from connectors.private_redis import PrivateRedis, free_port
from tests.support import oracle, users
from tests.support.flow_process import FlowProcess
from tests.support.quantum import COMMAND, answer, environment, fields_of, publish_samples, quantum
from tests.support.recount import STREAM, entries, wait_until_counted
from tests.support.terminal import Terminal

WINDOWS = list(oracle.MINUTES_BEFORE)
Buckets = dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[str, redis.Redis, Buckets]]:
    """A Redis on which the flow has counted the samples and runs on; and what must be in its buckets."""
    with (
        users.SecuredRedis() as private,
        private.client(socket_timeout=20) as raw,
        FlowProcess.factory(private.url, users.LOGIN) as flows,
    ):
        total = publish_samples(raw)
        flows()
        wait_until_counted(raw, total)
        yield private.url, raw, oracle.expected_buckets(entries(raw))


def ranked(fields: dict[str, int], start: str, *, gates: bool) -> list[tuple[str, int]]:
    """The reasons among `fields` that begin with `start`, or the gates; most first, equal ones by name."""
    counts: dict[str, int] = {}
    for name, count in fields.items():
        if name.startswith(start):
            reason = name[len(start) :]
            one = (reason.split(":")[0].strip() or reason) if gates else reason
            counts[one] = counts.get(one, 0) + count
    if gates:
        counts.pop("none", None)
    return sorted(sorted(counts.items()), key=lambda pair: pair[1], reverse=True)


def decisions(fields: dict[str, int], start: str = "decision:") -> dict[str, int]:
    return {name: fields.get(f"{start}{name}", 0) for name in ("EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN")}


@pytest.mark.parametrize("window", WINDOWS)
def test_why(asked: tuple[str, redis.Redis, Buckets], window: str) -> None:
    url, _, buckets = asked
    said = answer(url, "why", "--window", window)
    fields = fields_of(window, buckets, said["as_of"])
    wanted = decisions(fields)
    total = sum(wanted.values())
    assert (said["version"], said["window"], said["total"], said["decisions"]) == (1, window, total, wanted)
    assert total > 0 or window in ("1m", "5m"), "(a slow machine may be past those minutes)"
    assert said["skip_rate"] == (wanted["SKIP"] / total if total else 0)
    reasons = ranked(fields, "reason:", gates=False)[:15]
    assert said["reasons"] == [{"reason": name, "count": n, "share": n / total} for name, n in reasons]
    assert said["warnings"] == []


@pytest.mark.parametrize("full", [False, True])
def test_share_and_drift(asked: tuple[str, redis.Redis, Buckets], full: bool) -> None:
    url, _, buckets = asked
    more = ["--full"] if full else []
    said = answer(url, "c", "-w", "1h", *more)
    fields = fields_of("1h", buckets, said["as_of"])
    total = sum(decisions(fields).values())
    names = [pair for pair in ranked(fields, "reason:", gates=not full) if pair[0] != "none"]
    wanted = [{"gate": name, "count": n, "share": n / total, "flagged": n / total > 0.4} for name, n in names]
    assert said["gates"] == wanted[:10]
    share = names[1][1] / total
    said = answer(url, "drift", str(share * 100 - 0.001), "-w", "1h", *more, status=1)
    assert said["gates"] == [{**one, "flagged": True} for one in wanted if one["share"] >= share]
    # Exactly at the threshold is not above it.
    said = answer(url, "drift", "25", "-w", "1h", *more, status=int(names[0][1] / total > 0.25))
    assert said["threshold"] == 0.25
    assert answer(url, "d", "99.9", "-w", "1h")["gates"] == []


def test_symbols(asked: tuple[str, redis.Redis, Buckets]) -> None:
    url, _, buckets = asked
    said = answer(url, "symbols", "--window", "1h")
    fields = fields_of("1h", buckets, said["as_of"])
    totals: dict[str, int] = {}
    for name, count in fields.items():
        if name.startswith("symbol_decision:"):
            symbol = name.split(":", 1)[1].rsplit(":", 1)[0]
            totals[symbol] = totals.get(symbol, 0) + count
    busiest = sorted(sorted(totals), key=lambda name: totals[name], reverse=True)
    assert len(busiest) > 3
    assert [one["symbol"] for one in said["symbols"]] == busiest[:10]
    assert said["other_symbols"] == len(busiest[10:])
    for one in said["symbols"]:
        assert_symbol(one, fields, gates=True)
    named = answer(url, "b", busiest[-1], "NOTHING", busiest[0], "-w", "1h", "--full")
    assert [one["symbol"] for one in named["symbols"]] == [busiest[-1], "NOTHING", busiest[0]]
    for one in named["symbols"]:
        assert_symbol(one, fields, gates=False)
    assert named["symbols"][1]["total"] == 0


def assert_symbol(said: dict[str, Any], fields: dict[str, int], *, gates: bool) -> None:
    symbol = said["symbol"]
    wanted = decisions(fields, f"symbol_decision:{symbol}:")
    total = sum(wanted.values())
    assert (said["total"], said["decisions"]) == (total, wanted)
    top = [pair for pair in ranked(fields, f"symbol_reason:{symbol}:", gates=gates) if pair[0] != "none"][:10]
    assert said["gates"] == [{"gate": name, "count": n, "share": n / total} for name, n in top]


def test_health(asked: tuple[str, redis.Redis, Buckets]) -> None:
    url, raw, buckets = asked
    said = answer(url, "e", "-w", "1h")
    counted = decisions(fields_of("1h", buckets, said["as_of"]))
    assert (said["window"], said["total"], said["decisions"]) == ("1h", sum(counted.values()), counted)
    assert said["total"] > 0
    wanted = oracle.expected_status(entries(raw))
    assert said["redis_up"] is True
    assert said["group"]["pending"] == 0
    assert said["group"]["lag"] == 0
    assert said["group"]["consumers"] == len(said["consumers"]) == 1
    assert said["consumers"][0]["alive"] is True
    assert said["running"] is True
    assert {name: said["status"][name] for name in ("processed_total", "skewed_total", "last_id", "last_ts")} == {
        "processed_total": int(wanted["processed_total"]),
        "skewed_total": int(wanted["skewed_total"]),
        "last_id": wanted["last_id"],
        "last_ts": float(wanted["last_ts"]),
    }


def test_all_is_the_five_at_once(asked: tuple[str, redis.Redis, Buckets]) -> None:
    url, _, buckets = asked
    said = answer(url, "all", "-w", "1h")
    total = sum(decisions(fields_of("1h", buckets, said["as_of"])).values())
    assert said["why"]["total"] == said["share"]["total"] == said["drift"]["total"] == total
    assert {"symbols", "window", "from", "to", "other_symbols"} == set(said["symbols"])
    assert said["health"]["status"]["processed_total"] == sum(sum(decisions(one).values()) for one in buckets.values())
    text = quantum(url, "all", "-w", "1h")
    assert (text.returncode, text.stderr) == (0, "")
    for title in ("a) why", "b) symbols", "c) share", "d) drift", "e) health"):
        assert f"{title}\n" in text.stdout


@pytest.mark.parametrize("query", ["a", "b", "c", "d", "e", "all"])
def test_text_for_a_pipe_is_plain_and_whole(asked: tuple[str, redis.Redis, Buckets], query: str) -> None:
    done = quantum(asked[0], query)
    assert done.stdout.replace("\n", "").isprintable()
    assert "…" not in done.stdout
    assert not re.search(r" $", done.stdout, re.MULTILINE)
    assert done.stderr == ""


def test_the_command_line_wins_over_the_environment(asked: tuple[str, redis.Redis, Buckets]) -> None:
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    # (Asked of now, two answers are at times of two minutes.)
    then = ("why", "--at", oracle.minute_name(int(time.time()) // 60 - 1))
    assert answer(nobody, *then, "--redis-url", asked[0])["total"] == answer(asked[0], *then)["total"] > 0
    done = quantum(nobody, "why", "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(r"quantum: Redis at 127\.0\.0\.1:\d+/0: .*\n", done.stderr)
    done = quantum(nobody, "health", "--json")
    assert done.returncode == 3
    said = json.loads(done.stdout)
    assert (said["redis_up"], said["status"], said["group"]) == (False, {}, None)


# What is not as it should be.


def test_an_empty_redis_is_said_to_be_empty(server: PrivateRedis, client: redis.Redis) -> None:
    for query in ("a", "b", "c", "e"):
        done = quantum(server.url, query)
        assert done.returncode == 0, done.stderr
        assert "flows.p35 has counted nothing here yet" in done.stdout + done.stderr
    assert quantum(server.url, "drift").returncode == 3, "nobody may take silence for an answer"
    assert answer(server.url, "why")["total"] == 0


def test_numbers_of_a_flow_that_is_dead_are_called_so(server: PrivateRedis, client: redis.Redis) -> None:
    ago = time.time() - 7200
    client.hset("quantum:p35:status", mapping={"processed_total": 5, "last_ts": ago})
    client.xgroup_create(STREAM, "p35_decision_intel", mkstream=True)
    client.xgroup_createconsumer(STREAM, "p35_decision_intel", "gone")
    client.hset("quantum:p35:decision:counts:5m", mapping={"EXECUTE": 100})  # as the flow left it
    done = quantum(server.url, "why")
    assert done.stdout.startswith("Unknown: flows.p35 is not running; it counted up to 2 h ago\n")
    assert re.search(r"flows\.p35 is not running; the newest decision it counted is of .* UTC, 2 h ago", done.stderr)
    assert quantum(server.url, "drift").returncode == 3
    said = answer(server.url, "health")
    assert (said["running"], said["consumers"][0]["alive"]) == (False, False)
    client.set("quantum:p35:lease:gone", "token")
    assert answer(server.url, "health")["running"] is True
    assert quantum(server.url, "drift").returncode == 0


def test_what_a_dead_flow_left_is_no_verdict(server: PrivateRedis, client: redis.Redis) -> None:
    now = time.time()
    client.hset("quantum:p35:status", mapping={"processed_total": 9, "last_ts": now - 130})
    client.xgroup_create(STREAM, "p35_decision_intel", mkstream=True)
    client.hset(f"quantum:p35:bucket:{oracle.minute_name(int(now) // 60)}", mapping={"decision:EXECUTE": 9})
    said = answer(server.url, "why", "-w", "15m")
    assert (said["verdict"], said["severity"]) == (
        "Unknown: flows.p35 is not running; it counted up to 2 min ago",
        "serious",
    )
    assert said["total"] == 9
    client.delete(f"quantum:p35:bucket:{oracle.minute_name(int(now) // 60)}")
    assert "Unknown: flows.p35 is not running" in quantum(server.url, "drift").stdout


@pytest.mark.parametrize("query", ["why", "all"])
def test_a_warning_does_not_push_the_answer_off_the_screen(
    server: PrivateRedis, client: redis.Redis, query: str
) -> None:
    now = int(time.time())
    client.hset("quantum:p35:status", mapping={"processed_total": 900, "last_ts": now - 130})
    client.xgroup_create(STREAM, "p35_decision_intel", mkstream=True)
    fields = {f"reason:gate{number}": 10 + number for number in range(40)}
    client.hset(f"quantum:p35:bucket:{oracle.minute_name(now // 60)}", mapping={"decision:BLOCKED": 900, **fields})
    with Terminal([*COMMAND, query, "-w", "15m"], environment(server.url)) as terminal:
        terminal.process.wait(120)
        terminal.wait(lambda text: "gate39" in text, "the answer")
        assert terminal.lines[0].startswith("! flows.p35 is not running; the newest decision it counted is of")
        assert terminal.lines[2].startswith("Unknown: flows.p35 is not running")


def test_a_consumer_that_is_behind_is_called_so(server: PrivateRedis, client: redis.Redis) -> None:
    client.xgroup_create(STREAM, "p35_decision_intel", mkstream=True)
    pipeline = client.pipeline()
    for _ in range(1_001):
        pipeline.xadd(STREAM, {"f": "v"})
    pipeline.execute()
    client.hset("quantum:p35:status", "processed_total", "1")
    assert "1,001 decisions are not counted yet" in quantum(server.url, "why").stderr


def test_hostile_names_are_shown_safely(server: PrivateRedis, client: redis.Redis) -> None:
    minute = oracle.minute_name(int(time.time()) // 60)
    evil = "\x1b[2J\x07[bold]\u202e:x\ny"
    client.hset(
        f"quantum:p35:bucket:{minute}",
        mapping={
            "decision:BLOCKED": 3,
            f"reason:{evil}": 3,
            f"symbol_decision:{evil}:BLOCKED": 3,
            f"symbol_reason:{evil}:{evil}": 3,
        },
    )
    client.hset("quantum:p35:status", mapping={"last_id": evil, "version": evil, "processed_total": "3"})
    for arguments in (["why"], ["symbols"], ["share", "--full"], ["drift"], ["health"], ["all"]):
        done = quantum(server.url, *arguments, "-w", "15m")
        assert (done.stdout + done.stderr).replace("\n", "").isprintable(), arguments
    client.hset(f"quantum:p35:bucket:{minute}", "reason:$(reboot)", 9)
    assert "quantum explain '$(reboot)'\n" in quantum(server.url, "why", "-w", "15m").stdout, "safe to copy"
    said = answer(server.url, "symbols", "-w", "15m", "--full")
    assert said["symbols"][0]["gates"] == [{"gate": evil, "count": 3, "share": 1.0}], "JSON has it as it is"


def test_a_key_of_another_type_is_named(server: PrivateRedis, client: redis.Redis) -> None:
    client.set(f"quantum:p35:bucket:{oracle.minute_name(int(time.time()) // 60)}", "?")
    done = quantum(server.url, "why", "-w", "15m")
    assert done.returncode == 3
    assert re.search(r"key quantum:p35:bucket:\d{12} holds something of another type", done.stderr)


def test_health_says_the_rest_when_a_bucket_cannot_be_read(server: PrivateRedis, client: redis.Redis) -> None:
    client.set(f"quantum:p35:bucket:{oracle.minute_name(int(time.time()) // 60)}", "?")
    client.hset("quantum:p35:status", "processed_total", "7")
    said = answer(server.url, "health")
    assert (said["redis_up"], said["status"]["processed_total"], said["window"], said["total"]) == (True, 7, None, None)
    assert re.search(r"counted is unknown: key quantum:p35:bucket:\d{12} holds", said["warnings"][-1])
    done = quantum(server.url, "health")
    assert done.returncode == 0
    assert "! what was counted is unknown: key quantum:p35:bucket:" in done.stdout
    assert "processed   7," in done.stdout


def test_a_redis_that_answers_is_up_whatever_it_holds(server: PrivateRedis, client: redis.Redis) -> None:
    client.set("quantum:p35:status", "?")
    done = quantum(server.url, "health", "--json")
    assert done.returncode == 3
    said = json.loads(done.stdout)
    assert (said["redis_up"], said["status"]) == (True, {})
    assert "quantum:p35:status" in said["warnings"][0]


@pytest.mark.parametrize("version", ["6.2"])
def test_redis_6_does_not_know_the_lag(version: str) -> None:
    with users.SecuredRedis(version) as old, old.client() as raw:
        raw.xgroup_create(STREAM, "p35_decision_intel", mkstream=True)
        said = answer(old.url, "health")
        assert (said["group"]["lag"], said["group"]["pending"]) == (None, 0)
        assert "lag unknown" in quantum(old.url, "health").stdout
