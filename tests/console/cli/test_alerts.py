"""`quantum alerts`, the line in `why` and `all`, and `quantum notify`: from what the real flow left in Redis."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis

from connectors.private_redis import PrivateRedis, free_port
from console.queries.readable import moment
from tests.flows.test_alerts_process import QUICK, explode
from tests.support.alert_world import published
from tests.support.flow_process import FlowProcess
from tests.support.http_receiver import SECRET, HttpReceiver
from tests.support.quantum import here, quantum
from tests.support.waiting import wait_for

STATE = "quantum:p35:alerts:state"
NOW = 1_769_929_500.0
"""2026-02-01 07:05:00 UTC."""


def ask(url: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit status and JSON of `quantum ... --json`."""
    done = here(url, *arguments, "--json")
    return done.exit_code, json.loads(done.stdout)


def fires(client: redis.Redis, reason: str, severity: str = "HIGH", ago: float = 60, checked_ago: float = 1) -> float:
    """An alert fires, as `flows.alerts` would have written it; since when (epoch seconds)."""
    seconds, micros = client.time()
    now = seconds + micros / 1e6
    began = round(now - ago, 3)
    value = {"since": {severity: began}, "alert_id": f"id {reason}", "severity": severity, "started_at": began}
    client.hset(STATE, f"gate_explosion 5m {reason}", json.dumps(value | {"published_at": began}))
    client.hset(STATE, "checked_at", now - checked_ago)
    return began


def test_what_fires_what_did_and_who_was_told(
    server: PrivateRedis, client: redis.Redis, flows: FlowProcess.Factory
) -> None:
    with HttpReceiver() as well, HttpReceiver() as refusing:
        refusing.status = 403
        notify = {"ALERT_NOTIFY_SPACING_SEC": "0", "ALERT_NOTIFY_ATTEMPTS": "2"}
        flows(**QUICK, **notify, ALERT_NOTIFY_URLS=f"{well.url} {refusing.url}")
        wait_for(lambda: client.exists("quantum:p35:alerts:lease:2", "quantum:p35:alerts:lease:1") == 2, "senders")
        explode(client, "gate", 450)
        wait_for(lambda: len(published(client)) == 1, "MEDIUM, of which nobody is told")
        explode(client, "gate", 900)
        wait_for(lambda: client.xlen("quantum:p35:alerts:dead") == 1, "the dead letter of the second receiver")
        wait_for(lambda: client.xlen("quantum:p35:alerts:sent") == 1, "the message at the first")
        first, second = published(client)

        status, said = ask(server.url, "alerts")
        assert (status, said["version"], said["query"], said["warnings"], said["ended"]) == (1, 1, "alerts", [], [])
        assert said["as_of"] - said["checked_at"] < 30
        (one,) = said["firing"]
        assert one["alert_id"] == first["alert_id"] == second["alert_id"]
        shown = {name: one[name] for name in ("kind", "reason", "window", "severity", "ended", "message")}
        assert shown == {
            "kind": "gate_explosion",
            "reason": "gate",
            "window": "5m",
            "severity": "CRITICAL",
            "ended": None,
            "message": second["message"],
        }
        assert int(one["since"]) == int(first["timestamp"])
        assert one["share"] == 0.9
        told = [
            {name: each[name] for name in ("receiver", "outcome", "state", "severity")} for each in one["deliveries"]
        ]
        assert told == [
            {"receiver": "1", "outcome": "sent", "state": "firing", "severity": "CRITICAL"},
            {"receiver": "2", "outcome": "given_up", "state": "firing", "severity": "CRITICAL"},
        ]
        assert one["deliveries"][1]["attempts"] == 2
        assert "403" in one["deliveries"][1]["failure"]

        refusing.hang.set()
        explode(client, "nothing", 0)
        wait_for(lambda: client.xlen("quantum:p35:alerts:sent") == 2, "the end at the first receiver")
        wait_for(lambda: client.xpending("quantum:p35:alerts", "notify-2")["pending"] == 1, "and waiting at the second")
        status, said = ask(server.url, "alerts")
        assert (status, said["firing"]) == (0, [])
        (one,) = said["ended"]
        assert int(one["ended"]) == int(published(client)[-1]["timestamp"])
        assert [(each["receiver"], each["outcome"], each["state"]) for each in one["deliveries"]] == [
            ("1", "sent", "firing"),
            ("2", "given_up", "firing"),
            ("1", "sent", "resolved"),
            ("2", "waiting", "resolved"),
        ]
        assert [(each["receiver"], each["name"], each["running"]) for each in said["receivers"]] == [
            ("1", "JSON", True),
            ("2", "JSON", True),
        ]
        assert [(each["waiting"], each["given_up"], each["failures"]) for each in said["receivers"]] == [
            (0, 0, 0),
            (1, 1, 2),
        ]
        sent_at = client.xrevrange("quantum:p35:alerts:sent", count=1)[0][0].partition("-")[0]
        assert [each["sent_at"] for each in said["receivers"]] == [int(sent_at) / 1000, None]
        assert ask(server.url, "alerts", "-n", "0")[1]["ended"] == []

        text = here(server.url, "alerts")
        refusing.hang.clear()
    assert text.exit_code == 0
    lines = text.stdout.splitlines()
    assert lines[0] == "nothing fires"
    assert any(line.startswith("CRITICAL gate_explosion gate ") for line in lines)
    assert any(line.startswith("    sent      1 JSON: CRITICAL ") for line in lines)
    assert any(line.startswith("    given up  2 JSON: CRITICAL (tried 2 times): ") for line in lines)
    assert any(line.startswith("    waiting   2 JSON: resolved (tried once)") for line in lines)
    assert any(line.startswith("    1 JSON: last message ") for line in lines)
    assert SECRET not in text.stdout + json.dumps(said)


def test_what_is_hostile_is_shown_without_control_characters(server: PrivateRedis, client: redis.Redis) -> None:
    hostile = "\x1b[2J\u202eevil\r\nforged"
    fires(client, hostile)
    client.xadd("quantum:p35:alerts", {"alert_id": hostile, "reason": hostile, "state": "resolved", "message": hostile})
    client.xadd("quantum:p35:alerts", {"nothing": "that is known"})
    client.xadd("quantum:p35:alerts:sent", {"receiver": hostile, "entries": hostile})
    client.xadd("quantum:p35:alerts:dead", {"failure": hostile})
    client.xgroup_create("quantum:p35:alerts", "notify-1", "0")
    client.xgroup_create("quantum:p35:alerts", "notify-٣", "0")
    client.hset("quantum:p35:alerts:receiver:1", mapping={"name": hostile, "failure": hostile, "failures": "x"})
    for command in (["alerts"], ["why"], ["all"]):
        done = here(server.url, *command)
        assert done.exit_code in (0, 1)
        assert "evil" in done.stdout
        assert all(line.isprintable() for line in (done.stdout + done.stderr).splitlines())
    assert [one["receiver"] for one in ask(server.url, "alerts")[1]["receivers"]] == ["1"]


def test_who_never_looked_or_not_for_long_is_told_and_status_3(server: PrivateRedis, client: redis.Redis) -> None:
    done = here(server.url, "alerts")
    assert done.exit_code == 3
    assert "flows.alerts has never looked" in done.stdout
    client.hset(STATE, "checked_at", client.time()[0] - 290)
    assert here(server.url, "alerts").exit_code == 0
    client.hset(STATE, "checked_at", client.time()[0] - 3_700)
    status, said = ask(server.url, "alerts")
    assert (status, said["warnings"]) == (3, ["flows.alerts has not looked for 1 h"])
    fires(client, "gate", checked_ago=3_700)
    assert ask(server.url, "alerts")[0] == 1


def test_why_and_all_have_a_line_when_something_fires(server: PrivateRedis, client: redis.Redis) -> None:
    assert ask(server.url, "why")[1]["alerts"] == []
    assert "alert" not in here(server.url, "why").stdout
    began = fires(client, "p33_permit_denied")
    clock = time.strftime("%H:%M UTC", time.gmtime(began))
    # (at midnight the day is said, too)
    line = "1 alert fires: HIGH gate_explosion p33_permit_denied since "
    for command in ("why", "all"):
        second = here(server.url, command).stdout.splitlines()[1 if command == "why" else 2]
        assert second.startswith(line)
        assert second.endswith(clock)
    expected = {
        "alert_id": "id p33_permit_denied",
        "kind": "gate_explosion",
        "reason": "p33_permit_denied",
        "window": "5m",
        "severity": "HIGH",
        "since": began,
    }
    checked_at = float(client.hget(STATE, "checked_at"))
    for said in (ask(server.url, "why")[1], ask(server.url, "all")[1]["why"]):
        assert (said["alerts"], said["alerts_checked_at"]) == ([expected], checked_at)
    fires(client, "older", ago=90_000)
    fires(client, "worst", "CRITICAL", ago=5)
    client.hset(STATE, "symbol_stuck 15m PENDING", json.dumps({"since": {"MEDIUM": began}}))
    assert [one["reason"] for one in ask(server.url, "why")[1]["alerts"]] == ["worst", "older", "p33_permit_denied"]
    second = here(server.url, "why").stdout.splitlines()[1]
    assert second.startswith("3 alerts fire: CRITICAL gate_explosion worst since ")
    assert second.endswith(" UTC, and 2 more: quantum alerts")
    fires(client, "worst", "CRITICAL", checked_ago=4_000)
    second = here(server.url, "why").stdout.splitlines()[1]
    assert second.startswith("3 alerts fired when flows.alerts last looked, at ")


def test_a_state_of_another_type_keeps_nobody_from_an_answer(server: PrivateRedis, client: redis.Redis) -> None:
    client.set(STATE, "x")
    assert ask(server.url, "why")[0] == 0
    done = here(server.url, "alerts")
    assert (done.exit_code, done.stdout) == (3, "")
    assert f"key {STATE} holds something of another type" in done.stderr


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(NOW, "07:05 UTC"), (NOW - 60, "07:04 UTC"), (NOW - 86_400, "2026-01-31 07:05 UTC"), (1e18, "unknown")],
)
def test_moments(seconds: float, said: str) -> None:
    assert moment(seconds, NOW) == said


def test_notify_sends_each_receiver_one_message_and_says_who_took_it() -> None:
    with HttpReceiver() as well, HttpReceiver() as refusing:
        refusing.status = 403
        away = f"json://user:{SECRET}@127.0.0.1:{free_port()}/"
        env = {"ALERT_NOTIFY_URLS": f"{well.url} {refusing.url} {away}", "ALERT_NOTIFY_MIN_SEVERITY": "critical"}
        listed = quantum("redis://127.0.0.1:1/0", "notify", **env)
        assert (listed.returncode, listed.stdout, listed.stderr) == (0, "1 JSON\n2 JSON\n3 JSON\n", "")
        assert well.attempts == refusing.attempts == 0
        done = quantum("redis://127.0.0.1:1/0", "notify", "--test", **env)
        assert (done.returncode, done.stderr) == (1, "")
        first, second, third = done.stdout.splitlines()
        assert first == "1 JSON: taken"
        assert second.startswith("2 JSON: not taken: ")
        assert "403" in second
        assert third.startswith("3 JSON: not taken: ")
        (message,) = well.messages
        assert message["title"] == "test of the alerts"
        assert "Alerts of CRITICAL and up would come this way" in message["message"]
        assert (refusing.attempts, refusing.messages) == (1, [])
        refusing.status = 200
        said = quantum("redis://127.0.0.1:1/0", "notify", "--test", "--json", ALERT_NOTIFY_URLS=refusing.url)
        assert (said.returncode, json.loads(said.stdout)) == (
            0,
            {
                "version": 1,
                "query": "notify",
                "receivers": [{"receiver": "1", "name": "JSON", "taken": True, "failure": ""}],
            },
        )
    assert SECRET not in listed.stdout + done.stdout + said.stdout + said.stderr


def test_notify_without_receivers_or_with_a_wrong_one() -> None:
    done = here("redis://127.0.0.1:1/0", "notify", "--test")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "quantum: no receiver: ALERT_NOTIFY_URLS is not set here\n"
    wrong = quantum("redis://127.0.0.1:1/0", "notify", ALERT_NOTIFY_URLS=f"nobody://{SECRET}")
    assert (wrong.returncode, wrong.stdout) == (78, "")
    assert wrong.stderr.startswith("setting ALERT_NOTIFY_URLS=(not shown) is wrong: number 1 ")
    assert SECRET not in wrong.stderr
