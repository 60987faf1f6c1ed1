"""The proofs, against services that run as they are installed, and against services that are broken on purpose."""

from __future__ import annotations

import os
import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from connectors.private_redis import PrivateRedis, free_port
from tests.support.env_files import SETTINGS
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.forked import run
from tests.support.installation import configure
from tests.support.quantum import quantum
from tests.support.unit_process import UnitProcess, starting
from tests.support.users import password
from tests.support.waiting import wait_for

UNITS = {
    "p35": "p35-decision-intelligence",
    "alerts": "p35-alerts",
    "allocation": "allocation-target",
    "governor": "governor",
    "history": "history",
}
USERS = {
    "p35": "quantum-p35",
    "alerts": "quantum-alerts",
    "allocation": "quantum-allocation",
    "governor": "quantum-governor",
    "history": "quantum-history",
}
QUICK = {
    "p35": {"SNAPSHOT_INTERVAL_SEC": "1"},
    "alerts": {"ALERT_INTERVAL_SEC": "1"},
    "allocation": {"LOOP_INTERVAL_SEC": "1"},
    "governor": {},
    "history": {"HISTORY_INTERVAL_SEC": "1"},
}
NAMES = re.compile(r"PROOF[0-9A-F]{8}|proof[_-][0-9A-Fa-f]{8}")
STAY = {
    "quantum:stream:apply.result": "where all decisions are published",
    "quantum:stream:apply.plan": "where all plans are",
    "quantum:p35:bucket:197001010000": "what was counted and taken back",
    "quantum:p35:alerts:state": "the cooldown of an alert, for five minutes",
}
"""Key -> why it may name a proof that is over."""
SUMMARY = re.compile(r"SUMMARY: (PASS \((\d+) checks\)|FAIL \((\d+) of (\d+)\))")


def summary(output: str) -> tuple[bool, int, int]:
    """Whether the last line says that all is well; how many checks failed, and of how many. Each check is a line."""
    lines = output.splitlines()
    match = SUMMARY.fullmatch(lines[-1])
    assert match is not None, output
    failed = sum(line.startswith("FAIL  ") for line in lines)
    total = failed + sum(line.startswith("PASS  ") for line in lines)
    assert (int(match[2] or match[4]), int(match[3] or 0)) == (total, failed)
    return match[3] is None, failed, total


def script(root: Path, flow: str, *arguments: str, secret: Path) -> subprocess.CompletedProcess[str]:
    """`deploy/proof_{flow}.sh`, as an administrator runs it."""
    environment = {
        "PATH": os.environ["PATH"],
        "ROOT": str(root),
        "PROOF_USERNAME": "quantum-proof",
        "PROOF_PASSWORD_FILE": str(secret),
    }
    return subprocess.run(
        ["sh", str(ROOT / f"deploy/proof_{flow}.sh"), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        cwd="/",
    )


def command(url: str, flow: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`quantum proof {flow}` of this source tree."""
    environment = {"PATH": os.environ["PATH"], "REDIS_URL": url, **env}
    return run("console", ["proof", flow, *arguments], ROOT, environment, together=True)


def content(client: redis.Redis, key: str) -> str:
    """All that lies under `key`, as text."""
    read: dict[str, Callable[[], object]] = {
        "hash": lambda: client.hgetall(key),
        "stream": lambda: client.xrange(key),
        "zset": lambda: client.zrange(key, 0, -1),
        "string": lambda: client.get(key),
    }
    kind = str(client.type(key))
    return "" if kind == "none" else str(read[kind]())


def named(client: redis.Redis, pattern: str = "*") -> set[str]:
    """The keys that match and name a proof."""
    return {key for key in map(str, client.scan_iter(pattern)) if NAMES.search(key + content(client, key))}


def assert_nothing_is_left(client: redis.Redis, url: str, metrics: Iterable[int], **login: str) -> None:
    """No key, no answer, no screen and no series names a proof, but for those that must."""
    # (Hours and days have none of them any more after the next look.)
    wait_for(lambda: not named(client, "*:p35:hour:*") and not named(client, "*:p35:day:*"), "the next look")
    assert named(client) <= set(STAY)
    for arguments in (["watch"], ["why", "-w", "1h", "--full"], ["symbols", "-w", "1h"], ["all"], ["report"]):
        done = quantum(url, *arguments, **login)
        assert done.returncode == 0, done.stderr
        assert not NAMES.search(done.stdout), done.stdout
    for port in metrics:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
            assert not NAMES.search(reply.read().decode())
    verified = quantum(url, "verify", **login)
    assert (verified.returncode, verified.stdout[:7]) == (0, "exact: "), verified.stdout


def test_all_services_as_installed_are_proved_and_fail_when_they_are_gone(
    root: Path, locked: PrivateRedis, tmp_path: Path
) -> None:
    assert set(UNITS.values()) == set(SETTINGS)
    ports = {flow: free_port() for flow in UNITS}
    for flow, name in UNITS.items():
        path = root / f"etc/quantum/credentials/{name}.redis_password"
        path.write_text(password(USERS[flow]) + "\n", "utf-8")
        place = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(locked.port), "METRICS_PORT": str(ports[flow])}
        configure(root, name, REDIS_USERNAME=USERS[flow], **place, **QUICK[flow])
    secret = tmp_path / "secret"
    secret.write_text(password("quantum-proof") + "\n", "utf-8")
    running = {flow: UnitProcess(root, name) for flow, name in UNITS.items()}
    with starting(*running.values()), locked.client(password="admin", decode_responses=True) as client:
        for one in running.values():
            one.wait_until_ready()
        wait_for(lambda: client.exists("quantum:p35:alerts:state"), "the first check")
        # Someone else's numbers, which must stay as they are.
        client.xadd("quantum:stream:apply.result", {"decision": "EXECUTE", "symbol": "BTCUSDT"})
        client.hset("quantum:allocation:target:BTCUSDT", mapping={"target_usd": "5"})
        wait_for(lambda: client.hget("quantum:p35:status", "processed_total") == "1", "the count")

        with ThreadPoolExecutor() as side_by_side:
            proofs = side_by_side.map(
                lambda flow: script(root, flow, *(["--explode"] if flow == "alerts" else []), secret=secret), UNITS
            )
        for flow, done in zip(UNITS, proofs, strict=True):
            assert done.returncode == 0, done.stdout
            passed, _failed, total = summary(done.stdout)
            assert passed
            assert total >= {"p35": 14, "allocation": 6, "governor": 6, "alerts": 6, "history": 12}[flow]

        login = {"REDIS_USERNAME": "quantum-console", "REDIS_PASSWORD": password("quantum-console")}
        assert_nothing_is_left(client, locked.url, ports.values(), **login)
        assert client.hgetall("quantum:allocation:target:BTCUSDT") == {"target_usd": "5"}
        # (Blocked are two of the six of p35, all of the alerts and two of the three of history.)
        added = 6 + int(client.hget("quantum:p35:bucket:197001010000", "decision:BLOCKED") or 0) - 2 + 1
        assert added >= 6 + 110
        assert int(client.hget("quantum:p35:status", "processed_total") or 0) == 1 + added

        for one in running.values():
            assert one.stop() == 0, one.log()
        with ThreadPoolExecutor() as side_by_side:
            proofs = side_by_side.map(lambda flow: script(root, flow, "--wait", "1.5", secret=secret), UNITS)
        for done in proofs:
            assert done.returncode == 1, done.stdout
            assert not summary(done.stdout)[0]
        # Where nobody counts, nothing was published that would be counted later.
        assert client.xlen("quantum:stream:apply.result") == 1 + added
        assert {key for key in client.scan_iter() if NAMES.search(key + content(client, key))} <= set(STAY)


BROKEN = [
    ("p35", {"ENABLE_SYMBOL_BREAKDOWN": "false"}, ("counts: the symbol has them",)),
    (
        "p35",
        {"SNAPSHOT_INTERVAL_SEC": "3600"},
        ("windows: 1m", "windows: 5m", "windows: 15m", "windows: 1h", "top reasons"),
    ),
    ("allocation", {"P31_SCALE": "2"}, ("HIGH: ok", "LOW: ok")),
    ("allocation", {"P31_STALE_SEC": "86400"}, ("STALE: stale_eff", "stream: an entry for each")),
    ("governor", {"P31_DOWNSIZE_THRESHOLD": "0.9"}, ("HIGH: ok", "LOW: ok", "a permit of others: keeps its fields")),
    ("governor", {"P31_MIN_CONF": "0"}, ("UNSURE: low_conf",)),
    ("alerts", {"P35_ALERT_MIN_TOTAL": "100000"}, ("explosion: it is published",)),
    ("history", {"HISTORY_DAY_TTL_SEC": "345600000"}, ("day: it expires",)),
]


@pytest.mark.parametrize(("flow", "wrong", "found"), BROKEN, ids=lambda value: str(value))
def test_a_service_that_does_something_else_is_found_out(
    server: PrivateRedis,
    client: redis.Redis,
    flows: FlowProcess.Factory,
    flow: str,
    wrong: dict[str, str],
    found: tuple[str, ...],
) -> None:
    if flow in ("alerts", "history"):
        flows(**QUICK["p35"])
    client.hset("quantum:allocation:target:BTCUSDT", "target_usd", "5")
    flows(module=f"flows.{flow}", **{**QUICK[flow], **wrong})
    written = {
        "governor": lambda: client.exists("quantum:stream:apply.plan"),
        "p35": lambda: client.hexists("quantum:p35:status", "version"),
        "alerts": lambda: client.exists("quantum:p35:alerts:state") and client.hexists("quantum:p35:status", "version"),
        "allocation": lambda: client.exists("quantum:allocation:target:proposed:BTCUSDT"),
        "history": lambda: client.exists("quantum:flow:history") and client.hexists("quantum:p35:status", "version"),
    }
    wait_for(written[flow], "the service")
    arguments = ("--explode",) if flow == "alerts" else ()
    done = command(server.url, flow, "--wait", "10", *arguments, **QUICK[flow])
    assert done.returncode == 1, done.stdout
    summary(done.stdout)
    failed = [line.removeprefix("FAIL  ") for line in done.stdout.splitlines() if line.startswith("FAIL  ")]
    assert {next((what for what in found if line.startswith(what)), line) for line in failed} == set(found), done.stdout


def test_on_a_node_of_a_cluster_all_proofs_pass() -> None:
    """One that has all slots: it refuses keys of several slots in one script or transaction."""
    prefix = {"KEY_PREFIX": "{quantum}"}
    node = PrivateRedis(cluster_enabled="yes", cluster_port=str(free_port()))
    with node, node.client() as client, FlowProcess.factory(node.url) as start:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        wait_for(lambda: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO"), "the cluster")
        for flow in UNITS:
            start(module=f"flows.{flow}", **prefix, **QUICK[flow])
        client.hset("{quantum}:allocation:target:BTCUSDT", "target_usd", "5")
        wait_for(lambda: client.exists("{quantum}:p35:alerts:state"), "a check")
        wait_for(lambda: client.exists("{quantum}:allocation:target:proposed:BTCUSDT"), "a loop")
        wait_for(lambda: client.exists("{quantum}:stream:apply.plan"), "the governor")
        with ThreadPoolExecutor() as side_by_side:
            proofs = side_by_side.map(lambda flow: command(node.url, flow, **prefix, **QUICK[flow]), UNITS)
        for done in proofs:
            assert summary(done.stdout)[0], done.stdout


def test_a_proof_begins_before_the_service_has_said_anything(
    server: PrivateRedis, client: redis.Redis, flows: FlowProcess.Factory
) -> None:
    with ThreadPoolExecutor() as beside:
        proof = beside.submit(command, server.url, "p35", **QUICK["p35"])
        flows(**QUICK["p35"])
        done = proof.result()
    assert summary(done.stdout)[0], done.stdout
    assert_nothing_is_left(client, server.url, ())


@pytest.mark.parametrize("flow", ["p35", "allocation", "governor", "alerts", "history"])
def test_a_user_that_may_not_write_is_told_what_it_may_not_and_leaves_nothing(
    server: PrivateRedis, client: redis.Redis, flows: FlowProcess.Factory, flow: str
) -> None:
    flows(**QUICK["p35"])
    flows(module=f"flows.{flow}", **QUICK[flow]) if flow != "p35" else None
    wait_for(lambda: client.hexists("quantum:p35:status", "version"), "the service")
    client.acl_setuser("looks", enabled=True, passwords=["+word"], keys=["*"], commands=["+@all", "-@write"])
    user = {"REDIS_USERNAME": "looks", "REDIS_PASSWORD": "word"}
    try:
        arguments = ["--explode"] if flow == "alerts" else []
        done = command(server.url, flow, *arguments, **QUICK[flow], **user)
    finally:
        client.acl_deluser("looks")
    assert done.returncode == 1
    said = [line for line in done.stdout.splitlines() if line.startswith("FAIL  ")]
    first = {"p35": "xadd", "allocation": "hset", "governor": "hset", "alerts": "xadd", "history": "xadd"}[flow]
    assert len(said) == 1, done.stdout
    assert said[0].startswith("FAIL  Redis lets this user do it: Redis denies this user a command or key")
    assert f"'{first}'" in said[0]
    assert not [key for key in client.scan_iter() if NAMES.search(key + content(client, key))]


@pytest.mark.parametrize("flow", UNITS)
def test_without_redis_no_proof_holds(flow: str) -> None:
    with PrivateRedis() as gone:
        gone.kill()
        done = command(gone.url, flow)
    assert done.returncode == 1
    assert summary(done.stdout)[:2] == (False, 1)
    assert "Traceback" not in done.stdout
