"""The guide: complete, true to its page, and of use for what is not in it; and what it shows of Redis."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import redis

from connectors.connection import connect
from connectors.private_redis import PrivateRedis, free_port
from connectors.settings import RedisSettings, load
from console.guide.explanation_text import as_markdown, as_text
from console.queries.guide.explanation import explanation_of
from console.queries.guide.guides import GENERIC, GUIDES, find, nearest
from console.queries.guide.live import redis_cli
from flows.domain.gates import MEANINGS
from tests.support.flow_process import ROOT
from tests.support.oracle import minute_name
from tests.support.quantum import COMMAND, answer, environment, quantum
from tests.support.terminal import Terminal
from tests.support.users import EVERY_VERSION, FROM_7, lines

NOWHERE = f"redis://127.0.0.1:{free_port()}/0"
CONTRACT = {
    "p33_permit_denied": {"p33:symbol:{S}:permit"},
    "no_position": set(),
    "not_in_allowlist": {"p33:allowlist"},
    "leverage_ratio_exceeded": {"leverage:{S}"},
    "insufficient_confidence": {"config:apply"},
    "action_hold": {"global:control", "symbol:{S}:control"},
    "reconciliation_mismatch": {"reconciliation:status"},
    "duplicate_plan": set(),
    "kill_score_critical": set(),
}


def test_the_guide_covers_what_the_contract_and_the_alerts_name() -> None:
    assert set(CONTRACT) <= set(GUIDES)
    assert set(GUIDES) == set(MEANINGS)
    for gate, keys in CONTRACT.items():
        assert keys <= {check.key for check in GUIDES[gate].key_checks}, gate


@pytest.mark.parametrize("gate", GUIDES)
def test_an_entry_is_whole(gate: str) -> None:
    guide = GUIDES[gate]
    assert guide.gate == gate
    assert guide.causes
    assert guide.key_checks
    assert guide.actions
    assert set(guide.related) <= set(GUIDES) - {gate}
    assert all(re.fullmatch(r"\d+( to \d+| or more)?", action.minutes) for action in guide.actions)
    text = "\n".join(as_text(explanation_of(gate)))
    assert text.isascii()
    assert len(text.splitlines()) <= 30


def test_the_page_is_the_guide() -> None:
    written = Path("docs/action-guide.md").read_text("utf-8")
    assert written == as_markdown(list(GUIDES.values()), GENERIC), "run `make docs`"


@pytest.mark.parametrize("name", [EVERY_VERSION, FROM_7])
def test_the_console_may_read_every_key_of_the_guide(name: str) -> None:
    patterns = re.findall(r"~quantum:(\S+)", lines(name)["quantum-console"])
    for guide in [*GUIDES.values(), GENERIC]:
        for check in guide.key_checks:
            regexes = [re.escape(pattern).replace(r"\*", ".*") for pattern in patterns]
            assert any(re.fullmatch(regex, check.key) for regex in regexes), check.key


def test_a_gate_is_found_by_its_name_or_by_a_reason() -> None:
    for asked in ("p33_permit_denied", " P33_PERMIT_DENIED:stale ", "p33_permit_denied: x"):
        assert find(asked) is GUIDES["p33_permit_denied"]
    assert find("permit") is None
    assert nearest("permit_denied")[0] == "p33_permit_denied"
    assert "leverage_ratio_exceeded" in nearest("levrage_ratio_exceded")
    assert nearest("") == []


def test_explaining_needs_no_redis() -> None:
    done = quantum(NOWHERE, "explain", "p33_permit_denied:stale")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("p33_permit_denied\n")
    assert "redis-cli HGETALL 'quantum:p33:symbol:{S}:permit'\n" in done.stdout
    assert "restart the publisher" in done.stdout
    listed = quantum(NOWHERE, "explain")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(GUIDES)


def test_an_unknown_reason_gets_the_nearest_names_and_a_procedure() -> None:
    done = quantum(NOWHERE, "explain", "levrage_ratio")
    assert done.returncode == 0
    assert "did you mean leverage_ratio_exceeded?" in done.stderr
    assert "quantum tail --reason levrage_ratio\n" in done.stdout
    hostile = quantum(NOWHERE, "explain", "\x1b[31mx\x07; reboot")
    assert "quantum tail --reason '\ufffd[31mx\ufffd; reboot'\n" in hostile.stdout, "safe to copy"
    assert (hostile.stdout + hostile.stderr).replace("\n", "").isprintable()


def test_an_empty_name_is_refused() -> None:
    done = quantum(NOWHERE, "explain", " ")
    assert (done.returncode, done.stdout) == (2, "")
    assert "a name is empty" in done.stderr


def test_live_shows_what_the_keys_hold_whatever_they_are(server: PrivateRedis, client: redis.Redis) -> None:
    client.hset("quantum:p33:symbol:BTCUSDT:permit", mapping={"granted": "0", "why": "\x1b[31mstale"})
    client.set("quantum:leverage:BTCUSDT", "7.5/5", ex=100)
    client.rpush("quantum:global:control", *"abcdefghijklm")
    client.sadd("quantum:symbol:BTCUSDT:control", "held")
    keys = ("p33:symbol:BTCUSDT:permit", "leverage:BTCUSDT", "global:control", "symbol:BTCUSDT:control")
    before = {key: client.dump(f"quantum:{key}") for key in keys}
    done = quantum(server.url, "explain", "p33_permit_denied", "--live", "--symbol", "BTCUSDT")
    assert (done.returncode, done.stderr) == (0, "")
    shown = done.stdout
    assert re.search(r"HGETALL quantum:p33:symbol:BTCUSDT:permit\n +=.*granted=0 why=.\[31mstale\n", shown)
    assert re.search(r"quantum:leverage:BTCUSDT\n += 7\.5/5  \(for \d+ s more\)\n", shown)
    assert re.search(r"quantum:global:control\n += a, b, c, d, e, f, g, h, i, j, \.\.\.\n", shown)
    assert re.search(r"quantum:symbol:BTCUSDT:control\n += held\n", shown)
    assert shown.replace("\n", "").isprintable()
    assert {key: client.dump(f"quantum:{key}") for key in keys} == before
    said = answer(server.url, "explain", "kill_score_critical", "--live", "-s", "BTCUSDT")
    assert said["live"]["quantum:capital:efficiency:BTCUSDT"] == "(not there)"


def test_live_takes_the_symbol_that_the_gate_stops_most(server: PrivateRedis, client: redis.Redis) -> None:
    now = int(client.time()[0]) // 60
    client.hset(
        f"quantum:p35:bucket:{minute_name(now)}",
        mapping={
            "symbol_reason:ETHUSDT:leverage_ratio_exceeded": 1,
            "symbol_reason:BTCUSDT:leverage_ratio_exceeded:6>5": 2,
            "symbol_reason:SOLUSDT:leverage_ratio_exceeded_not": 9,
        },
    )
    client.hset("quantum:leverage:BTCUSDT", "current", "6")
    said = answer(server.url, "explain", "leverage_ratio_exceeded", "--live")
    assert said["live"] == {"quantum:leverage:BTCUSDT": "current=6"}
    (look,) = said["look"]
    assert look["command"] == f"redis-cli -p {server.port} HGETALL quantum:leverage:BTCUSDT"
    client.flushall()
    done = quantum(server.url, "explain", "leverage_ratio_exceeded", "--live")
    assert "stopped no symbol in 5m" in done.stderr
    assert "  Now: stops nothing (0 decisions in 5m)\n" in done.stdout


def test_live_says_how_much_the_gate_stops_in_the_window(server: PrivateRedis, client: redis.Redis) -> None:
    now = int(client.time()[0]) // 60
    for back, stopped in ((0, 1), (3, 2), (40, 100)):
        counts = {"decision:EXECUTE": 9 - stopped if stopped < 9 else 0, "decision:BLOCKED": stopped}
        counts |= {"reason:action_hold:a": stopped, "reason:action_holding": 50}
        client.hset(f"quantum:p35:bucket:{minute_name(now - back)}", mapping=counts)
    done = quantum(server.url, "explain", "action_hold:b", "--live")
    assert "  Now: stops 17 % (3 of 18 decisions in 5m)\n" in done.stdout
    said = answer(server.url, "explain", "action_hold", "--live", "-w", "1h")
    assert {name: said[name] for name in ("window", "total", "count", "share")} == {
        "window": "1h",
        "total": 118,
        "count": 103,
        "share": 103 / 118,
    }


def test_a_gate_is_counted_however_it_is_written(server: PrivateRedis, client: redis.Redis) -> None:
    now = int(client.time()[0]) // 60
    odd = "odd\u200bgate"
    client.hset(
        f"quantum:p35:bucket:{minute_name(now)}",
        mapping={
            "decision:BLOCKED": 10,
            "reason:Leverage_Ratio_Exceeded:6": 4,
            "reason:leverage_ratio_exceeded": 2,
            f"reason:{odd}:x": 3,
            "symbol_reason:BTCUSDT:Leverage_Ratio_Exceeded:6": 4,
            "symbol_reason:ETHUSDT:leverage_ratio_exceeded": 2,
        },
    )
    for asked in ("leverage_ratio_exceeded", "LEVERAGE_ratio_exceeded:7"):
        said = answer(server.url, "explain", asked, "--live")
        assert (said["count"], list(said["live"])) == (6, ["quantum:leverage:BTCUSDT"])
    assert answer(server.url, "explain", odd, "--live")["count"] == 3


def test_the_keys_are_shown_when_the_counts_cannot_be_read(server: PrivateRedis, client: redis.Redis) -> None:
    client.set(f"quantum:p35:bucket:{minute_name(int(client.time()[0]) // 60)}", "?")
    client.set("quantum:leverage:X", "7")
    said = answer(server.url, "explain", "leverage_ratio_exceeded", "--live", "-s", "X")
    assert said["live"] == {"quantum:leverage:X": "7"}
    assert (said["window"], said["count"]) == (None, None)
    done = quantum(server.url, "explain", "leverage_ratio_exceeded", "--live", "-s", "X")
    assert "  Now: unknown: key quantum:p35:bucket:" in done.stdout


def test_watched_on_a_terminal_its_head_stays_on_the_screen(server: PrivateRedis, client: redis.Redis) -> None:
    client.hset("quantum:p33:symbol:BTCUSDT:permit", mapping={f"field{number}": "x" * 30 for number in range(9)})
    command = [*COMMAND, "explain", "p33_permit_denied", "--watch", "-s", "BTCUSDT"]
    with Terminal(command, environment(server.url)) as terminal:
        terminal.wait(lambda text: "field0=" in text, "the permit")
        assert terminal.lines[0] == "p33_permit_denied"
        assert terminal.lines[2] == "  Now: stops nothing (0 decisions in 5m)"
    with Terminal([*COMMAND, "explain", "levrage_ratio", "--watch"], environment(server.url)) as terminal:
        terminal.wait(lambda text: "did you mean leverage_ratio_exceeded?" in text, "the nearest name")


def test_what_takes_more_rows_than_the_screen_goes_through_the_pager() -> None:
    width = 24  # so that few lines take many rows
    env = {**environment(NOWHERE), "PAGER": "sed s/^/paged:/"}
    with Terminal([*COMMAND, "explain", "no_position"], env, width, 40) as terminal:
        terminal.process.wait(120)
        terminal.wait(lambda text: "paged:" in text, "the pager")
    with Terminal([*COMMAND, "explain", "no_position"], env, 120, 40) as terminal:
        terminal.process.wait(120)
        assert terminal.wait(lambda text: "Related:" in text, "the end").startswith("no_position")


def test_commands_are_for_the_redis_that_was_asked() -> None:
    for url, words in (
        ("redis://localhost:6379/0", "redis-cli"),
        ("redis://user:secret@10.1.2.3:6380/2", "redis-cli -h 10.1.2.3 -p 6380 -n 2"),
        ("rediss://example.org", "redis-cli -h example.org --tls"),
        ("unix:///run/my redis.sock?db=1", "redis-cli -s '/run/my redis.sock' -n 1"),
    ):
        assert redis_cli(connect(load(RedisSettings, redis_url=url))) == words


def test_it_can_be_watched(server: PrivateRedis, client: redis.Redis) -> None:
    now = int(client.time()[0]) // 60
    client.hset(f"quantum:p35:bucket:{minute_name(now)}", mapping={"decision:SKIP": 1, "reason:no_position": 1})
    command = [*COMMAND, "explain", "no_position", "--watch", "--every", "0.1", "--json"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(server.url), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as watch:
        assert watch.stdout is not None
        assert json.loads(watch.stdout.readline())["count"] == 1
        client.hset(f"quantum:p35:bucket:{minute_name(now)}", mapping={"decision:SKIP": 3, "reason:no_position": 3})
        while json.loads(watch.stdout.readline())["count"] != 3:
            pass
        watch.terminate()


def test_what_this_user_may_not_read_is_said_so(server: PrivateRedis, client: redis.Redis) -> None:
    client.execute_command("ACL", "SETUSER", "half", "on", ">half", "~quantum:p35:*", "+@all")  # type: ignore[no-untyped-call]
    login = {"REDIS_USERNAME": "half", "REDIS_PASSWORD": "half"}
    said = answer(server.url, "explain", "action_hold", "--live", "-s", "X", **login)
    assert "denies" in said["live"]["quantum:global:control"]


def test_json_is_one_object() -> None:
    done = quantum(NOWHERE, "explain", "no_position", "--json")
    value = json.loads(done.stdout)
    assert (value["version"], value["gate"], value["known"], value["live"]) == (1, "no_position", True, None)
    assert [value[name] for name in ("window", "total", "count", "share")] == [None] * 4
    assert {"what", "minutes"} == set(value["actions"][0])
