"""`quantum alerts --replay`: the rules over the buckets, beside what the real flow published of the same minutes."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
import redis

from connectors.private_redis import PrivateRedis
from flows.settings.alerts import AlertsSettings
from tests.flows.domain.alerts.test_hour import MINUTES, script
from tests.support import alert_world
from tests.support.alert_world import GROUP, STATUS, STREAM, World, new_metrics, published, run
from tests.support.quantum import environment, here, quantum

SPAN = "80min"


def replayed(url: str, *arguments: str) -> dict[str, Any]:
    """The JSON of a replay that was answered."""
    done = here(url, "alerts", "--replay", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def explode(client: redis.Redis, gate: str, ago: int, minutes: int, stopped: int = 90) -> int:
    """`gate` stops so many of 100 decisions in `minutes` minutes from `ago` minutes ago on; when they began."""
    now = int(time.time() // 60)
    counts = {"decision:EXECUTE": 60, "decision:SKIP": 40, f"reason:{gate}": stopped, "reason:none": 100 - stopped}
    for minute in range(now - ago, now - ago + minutes):
        name = time.strftime("quantum:p35:bucket:%Y%m%d%H%M", time.gmtime(minute * 60))
        client.hset(name, mapping=counts)
    return (now - ago) * 60


def publish(client: redis.Redis, reason: str, since: int, ended: int, kind: str = "gate_explosion") -> None:
    """An alert fired, and has ended."""
    one = {"alert_id": f"id {reason}", "kind": kind, "reason": reason, "window": "5m", "severity": "HIGH"}
    client.xadd("quantum:p35:alerts", {**one, "state": "firing", "timestamp": since})
    client.xadd("quantum:p35:alerts", {**one, "state": "resolved", "timestamp": ended})


def test_a_replay_says_what_the_flow_said_of_the_same_hour(
    server: PrivateRedis, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flow checks a scripted hour as it happens, at whole minutes; its alerts are those of the replay."""
    start = int(time.time() // 60) * 60 - 60 * (MINUTES + 5)
    monkeypatch.setattr(alert_world, "START", start)
    monkeypatch.setattr("tests.flows.domain.alerts.test_hour.at", lambda minute: start + 60 * minute)
    client.xgroup_create(STREAM, GROUP, "0", mkstream=True)
    client.hset(STATUS, "trimmed_total", 3)
    world, ids = World(client), list[str]()

    def times() -> Any:
        for minute in range(MINUTES):
            script(world, client, minute, ids)
            if minute >= 28:
                executed = minute <= 29 or minute == 62
                world.count(minute, {"EXECUTE" if executed else "SKIP": 1}, {}, "STUCK")
                if executed:
                    client.hset("quantum:p35:symbol:last_execute", "STUCK", start + 60 * minute + 20)
            yield start + 60 * (minute + 1) + 0.2

    run(server.url, AlertsSettings(), new_metrics(), times())
    real: dict[tuple[str, ...], list[Any]] = {}
    for one in published(client):
        since, _ended, _severity = real.setdefault(
            (one["kind"], one["reason"], one["window"], one["alert_id"]), [int(one["timestamp"]), None, ""]
        )
        ended = int(one["timestamp"]) if one["state"] == "resolved" else None
        real[one["kind"], one["reason"], one["window"], one["alert_id"]] = [since, ended, one["severity"]]

    said = replayed(server.url, SPAN, "--symbols")
    rows = {(row["kind"], row["reason"], row["window"], row["real"][0]["alert_id"]): row for row in said["rows"]}
    assert rows.keys() == real.keys()
    for key, row in rows.items():
        shown = row["real"] if key[0] == "consumer_behind" else [row["replay"], *row["real"]]
        assert [[one["since"], one["ended"], one["severity"]] for one in shown] == [real[key]] * len(shown), key
    assert {row["kind"] for row in said["rows"] if row["where"] == "both"} == {
        "gate_explosion",
        "execute_low",
        "skip_high",
        "error_high",
        "symbol_stuck",
    }
    assert {row["kind"] for row in said["rows"] if row["where"] == "untold"} == {"consumer_behind"}
    told = sum(key[0] != "consumer_behind" for key in real)
    assert [said[name] for name in ("would_have_fired", "fired", "only_replay", "only_real")] == [told, told, 0, 0]
    assert [one["kind"] for one in said["untold"]] == ["share_shift", "consumer_behind"]
    assert (said["checks"], said["interval_sec"], said["to"] - said["from"]) == (80, 60, 79 * 60)

    # The same past under other thresholds; and without the symbols.
    tried = replayed(server.url, SPAN, "--set", "P35_ALERT_THRESHOLD_MEDIUM=0.35", "--set", "p35_alert_skip_high=0.8")
    assert (
        tried["set"]
        == [
            {"name": "P35_ALERT_THRESHOLD_MEDIUM", "value": 0.35, "otherwise": 0.4},
            {"name": "P35_ALERT_SKIP_HIGH", "value": 0.8, "otherwise": 0.7},
        ]
        or tried["set"]
    )
    found = {(row["reason"], row["where"]) for row in tried["rows"]}
    assert {("g399", "only_replay"), ("g400", "both"), ("STUCK", "untold")} <= found


def test_the_table_tells_what_is_in_both_and_what_in_one(server: PrivateRedis, client: redis.Redis) -> None:
    both = explode(client, "alike", 100, 10)
    explode(client, "anew", 60, 10, 70)
    publish(client, "alike", both + 60, both + 14 * 60)
    publish(client, "lag", both, both + 600, "consumer_behind")
    publish(client, "of_old", both - 7200, both - 3600)
    publish(client, "gone", both, both + 600)
    client.hset("quantum:p35:alerts:state", "checked_at", time.time())
    done = here(server.url, "alerts", "--replay", "2h")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "2 alerts would have fired, 2 did: 1 only in the replay, 1 not in the replay, 1 more that no replay can tell of"
    )
    rows = {cells[1]: cells for line in lines if len(cells := re.split(" {2,}", line)) == 7}
    assert {name: (cells[0], cells[2], cells[5], cells[6]) for name, cells in rows.items() if name != "subject"} == {
        "alike": ("gate_explosion", "CRITICAL", "13 min", rows["alike"][6]),
        "anew": ("gate_explosion", "HIGH", "13 min", "no, only in the replay"),
        "gone": ("gate_explosion", "HIGH", "10 min", "yes, not in the replay"),
        "lag": ("consumer_behind", "HIGH", "10 min", "yes, cannot be replayed"),
    }
    assert rows["alike"][6].startswith("yes, HIGH ")
    assert rows["alike"][3].endswith(time.strftime("%H:%M", time.gmtime(both + 60)))
    assert any(line.startswith("not replayed: consumer_behind: ") for line in lines)
    assert any(line.startswith("not replayed: symbol_stuck: ") and "--symbols" in line for line in lines)


def test_what_is_hostile_is_shown_without_control_characters(server: PrivateRedis, client: redis.Redis) -> None:
    hostile = "\x1b[2J\u202eevil\r\nforged"
    since = explode(client, hostile, 30, 5)
    publish(client, hostile, since, since + 600, hostile)
    publish(client, hostile, since, since + 600)
    client.xadd("quantum:p35:alerts", {"nothing": "that is known"})
    done = here(server.url, "alerts", "--replay", "1h", "--symbols")
    assert done.exit_code == 0
    assert "evil" in done.stdout
    assert all(line.isprintable() for line in (done.stdout + done.stderr).splitlines())
    assert "forged" not in {line.split()[0] for line in done.stdout.splitlines() if line}
    assert hostile in {row["reason"] for row in replayed(server.url, "1h")["rows"]}


def test_nothing_to_replay_is_status_3(server: PrivateRedis, client: redis.Redis) -> None:
    done = here(server.url, "alerts", "--replay", "1h")
    assert done.exit_code == 3
    assert "0 alerts would have fired, 0 did" in done.stdout
    assert done.stderr == "quantum: nothing was counted in that time, so there is nothing to replay\n"
    explode(client, "gate", 30, 1)
    assert here(server.url, "alerts", "--replay", "1h").exit_code == 0
    assert here("redis://127.0.0.1:1/0", "alerts", "--replay", "1h").exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--replay", "yesterday"], "--replay 'yesterday' is not a length of time"),
        (["--replay", "49h"], "--replay 49h: minutes are kept for 48 h (BUCKET_TTL_SEC)"),
        (["--replay", "59s"], "--replay 59s: checks are 60 s apart"),
        (["--replay", "1h", "-n", "10"], "--count is not for --replay, which lists all alerts of its LENGTH"),
        (["--set", "P35_ALERT_MIN_TOTAL=1"], "--set and --symbols are for --replay LENGTH"),
        (["--replay", "1h", "--set", "P35_ALERT_MIN_TOTAL"], "--set 'P35_ALERT_MIN_TOTAL' must be NAME=VALUE"),
        (["--replay", "1h", "--set", "REDIS_PORT=1"], "--set 'REDIS_PORT=1' must be NAME=VALUE, where NAME is one of "),
        (["--replay", "1h", "--set", "\x1b[2J\u202e=1"], "--set '"),
        (
            ["--replay", "1h", "--set", "P35_ALERT_THRESHOLD_MEDIUM=2"],
            "setting P35_ALERT_THRESHOLD_MEDIUM='2' is wrong: must be less than or equal to 1 (",
        ),
        (
            ["--replay", "1h", "--set", "P35_ALERT_THRESHOLD_MEDIUM=0.7"],
            "setting P35_ALERT_THRESHOLD_HIGH='0.6' is wrong: must not be below P35_ALERT_THRESHOLD_MEDIUM=0.7 (",
        ),
        (["--replay", "1h", "--set", "P35_ALERT_COOLDOWN=\x1b[2J"], "setting P35_ALERT_COOLDOWN='"),
    ],
)
def test_what_is_typed_wrong_is_one_line(arguments: list[str], said: str) -> None:
    done = here("redis://127.0.0.1:1/0", "alerts", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"quantum: {said}")
    assert done.stderr.count("\n") == 1
    assert done.stderr[:-1].isprintable()


def test_a_setting_of_the_environment_that_is_wrong_is_status_78(server: PrivateRedis) -> None:
    assert "P35_ALERT_COOLDOWN" not in environment(server.url)
    done = quantum(server.url, "alerts", "--replay", "1h", P35_ALERT_COOLDOWN="soon")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith("setting P35_ALERT_COOLDOWN='soon' is wrong: must be ")
