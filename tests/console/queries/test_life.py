"""Which flows run and which should: what `check`, `health` and `all` say of each."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping

import pytest
import redis

from connectors.private_redis import PrivateRedis
from connectors.sign import ALIVE_SECONDS, is_alive, key
from console.queries.counting import read_flow
from console.queries.life import UNITS, Life, read_lives
from console.queries.unit import UnitState
from flows.domain.thresholds import Thresholds
from tests.support import users
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.quantum import COMMAND, answer, environment, quantum
from tests.support.terminal import Terminal
from tests.support.unit_file import read_unit
from tests.support.waiting import wait_for

HERE = f"{socket.gethostname()}-17"
RUNNING = UnitState("", "active", "running", 0, "enabled")
STOPPED = UnitState("", "inactive", "dead", 0, "enabled")
SWITCHED_OFF = UnitState("", "inactive", "dead", 0, "disabled")
MASKED = UnitState("", "inactive", "dead", None, "masked")
FAILED = UnitState("", "failed", "failed", 0, "disabled")
NO_UNIT = UnitState("", "not installed", "no such unit", None)
NO_SYSTEMD = UnitState("", None, None, None)


def seen(client: redis.Redis, flow: str, ago: float, instance: str = HERE) -> None:
    """A sign of life of `flow`, `ago` seconds old by the clock of Redis."""
    client.hset(f"quantum:flow:{flow}", mapping={"seen_at": client.time()[0] - ago, "instance": instance})


def lives(client: redis.Redis, units: Mapping[str, UnitState]) -> dict[str, Life]:
    found = read_lives(client, "quantum", read_flow(client, "quantum", Thresholds()), units)
    return {one.name: one for one in found.flows}


def test_the_table_has_every_unit_that_is_delivered_and_its_flow() -> None:
    delivered = {}
    for path in (ROOT / "deploy/systemd").glob("*.service"):
        started = read_unit(path)["Service"]["ExecStart"][-1]
        if not started.endswith(" serve"):  # (no flow)
            (module,) = re.findall(r"bytewax\.run flows\.(\w+)", started)
            delivered[module] = path.name
    assert delivered == UNITS


@pytest.mark.parametrize(
    ("ago", "alive"),
    [(0.0, True), (ALIVE_SECONDS, True), (ALIVE_SECONDS + 0.1, False), (-5.0, True), (-3600.0, False)],
)
def test_alive_is_whoever_was_seen_of_late(ago: float, alive: bool) -> None:
    assert is_alive(1_000_000.0 - ago, 1_000_000.0) is alive
    assert not is_alive(None, 1_000_000.0)


@pytest.mark.parametrize(
    ("unit", "instance", "expected", "off"),
    [
        (NO_SYSTEMD, None, False, False),
        (NO_UNIT, None, False, False),
        (RUNNING, None, True, False),
        (STOPPED, None, True, False),
        (FAILED, None, True, False),
        (SWITCHED_OFF, None, False, True),
        (NO_SYSTEMD, HERE, True, False),
        (NO_UNIT, HERE, True, False),
        (STOPPED, HERE, True, False),
        (FAILED, HERE, True, False),
        (SWITCHED_OFF, HERE, False, True),
        (MASKED, HERE, False, True),
        (SWITCHED_OFF, "elsewhere-17", True, False),
    ],
)
def test_who_should_run(client: redis.Redis, unit: UnitState, instance: str | None, expected: bool, off: bool) -> None:
    if instance is not None:
        seen(client, "alerts", ago=3600, instance=instance)
    one = lives(client, {"alerts": unit})["alerts"]
    assert (one.alive, one.expected, one.off) == (False, expected, off)
    assert lives(client, {})["p35"].expected, "always"


def test_what_was_never_seen_is_not_spoken_of_unless_asked_for(server: PrivateRedis, client: redis.Redis) -> None:
    done = quantum(server.url, "check")
    assert (done.returncode, done.stdout.count("flows.")) == (2, 1)
    assert [one["name"] for one in answer(server.url, "health")["flows"]] == ["p35"]
    done = quantum(server.url, "check", "--flow", "alerts", "--flow", "governor")
    assert done.returncode == 2
    assert done.stdout.startswith(
        "P35 CRITICAL - flows.alerts is not running and never has, here; "
        "flows.governor is not running and never has, here | pending="
    )
    seen(client, "alerts", 1)
    seen(client, "governor", 1)
    done = quantum(server.url, "check", "--flow", "alerts", "--flow", "governor")
    assert done.returncode == 0
    assert done.stdout.startswith("P35 OK - flows.alerts is running; flows.governor is running | pending=")
    done = quantum(server.url, "check", "--flow", "other\x1b[2J")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.replace("\n", "").isprintable()


@pytest.mark.parametrize("flow", [name for name in UNITS if name != "p35"])
def test_one_that_was_killed_is_named_until_it_is_back(
    server: PrivateRedis, client: redis.Redis, flows: FlowProcess.Factory, flow: str
) -> None:
    process = flows(module=f"flows.{flow}", **users.login(f"quantum-{flow}"))
    wait_for(lambda: client.exists(key("quantum", flow)), "a sign of life")
    said = {one["name"]: one for one in answer(server.url, "health")["flows"]}[flow]
    assert (said["alive"], said["expected"]) == (True, True)
    assert said["instance"] == f"{socket.gethostname()}-{process.pid}"
    process.kill()
    # What is left to do is to wait.
    client.hincrbyfloat(key("quantum", flow), "seen_at", -120)
    dead = rf"flows\.{flow} is not running, last seen 2 min ago \(\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)"
    done = quantum(server.url, "check")
    assert done.returncode == 2
    assert re.search(dead, done.stdout)
    assert re.search(rf"^flow {{8}}{dead}$", quantum(server.url, "health").stdout, re.MULTILINE)
    assert re.search(rf"^flow {{8}}{dead}$", quantum(server.url, "all").stdout, re.MULTILINE)
    assert answer(server.url, "all")["health"]["flows"][1]["alive"] is False
    flows(module=f"flows.{flow}", **users.login(f"quantum-{flow}"))
    wait_for(lambda: lives(client, {})[flow].alive, "its return")
    assert quantum(server.url, "check", "--flow", flow).returncode == 0


def test_on_a_screen_the_dead_are_named_and_the_living_listed(server: PrivateRedis, client: redis.Redis) -> None:
    seen(client, "alerts", 1)
    seen(client, "governor", 1)
    seen(client, "allocation", 600)
    with Terminal([*COMMAND, "all"], environment(server.url)) as terminal:
        terminal.process.wait(60)
        terminal.wait(lambda text: "running     alerts, governor\n" in text, "those that run")
        assert re.search(
            r"^flow {8}flows\.allocation is not running, last seen 10 min ago", terminal.text, re.MULTILINE
        )


def test_without_the_right_to_look_the_rest_is_said(server: PrivateRedis, client: redis.Redis) -> None:
    client.set("quantum:p35:lease:one", "token")
    client.xgroup_create("quantum:stream:apply.result", "p35_decision_intel", mkstream=True)
    client.xgroup_createconsumer("quantum:stream:apply.result", "p35_decision_intel", "one")
    client.set("quantum:flow:alerts", "?")
    done = quantum(server.url, "check")
    assert done.returncode == 3
    assert "which other flows run is unknown: key quantum:flow:alerts holds something of another type" in done.stdout
    assert quantum(server.url, "check", "--flow", "p35").returncode == 0
    said = answer(server.url, "health")
    assert (said["running"], [one["name"] for one in said["flows"]]) == (True, ["p35"])
    assert said["warnings"][0].startswith("which other flows run is unknown")
    client.delete("quantum:p35:lease:one")
    assert quantum(server.url, "check").returncode == 2, "that p35 is dead counts for more"


def test_hostile_text_is_shown_safely(server: PrivateRedis, client: redis.Redis) -> None:
    evil = "\x1b[2J\x07\u202e\ny"
    client.hset("quantum:flow:alerts", mapping=dict.fromkeys(("seen_at", "instance", "version", evil), evil))
    for arguments in (["check"], ["health"], ["all"]):
        done = quantum(server.url, *arguments)
        assert (done.stdout + done.stderr).replace("\n", "").isprintable(), arguments
    client.hset("quantum:flow:alerts", "seen_at", "1e300")
    assert "flows.alerts is not running" in quantum(server.url, "health").stdout
