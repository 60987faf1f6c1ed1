"""The commands in the manuals are run, and their code, too."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import redis
import yaml

from connectors import private_redis
from connectors.private_redis import PrivateRedis
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.waiting import wait_for

MANUALS = ["getting-started", "operations", "redis", "scaling"]
UNITS = {path.stem for path in (ROOT / "deploy/systemd").glob("*.service")}
TARGETS = set(re.findall(r"^(\S+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)) | {".venv/.ready"}


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks in `language` of the page `name`."""
    page = (ROOT / f"docs/{name}.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def commands(name: str) -> list[str]:
    """All that a reader of the page is told to type, each line once."""
    return list(dict.fromkeys(line for block in blocks(name, "sh") for line in block.splitlines()))


@pytest.fixture
def terminal(server: PrivateRedis, tmp_path: Path) -> dict[str, str]:
    """An environment in which `redis-cli` and `quantum` find the private Redis."""
    program = tmp_path / "bin/redis-cli"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{private_redis.cli()}" -e -p {server.port} "$@"\n', "utf-8")
    program.chmod(0o755)
    path = f"{program.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"PATH": path, "REDIS_URL": server.url, "HOME": str(tmp_path)}


def type_in(command: str, env: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `command` as a shell does."""
    return subprocess.run(["sh", "-c", command], env=env, cwd=folder, capture_output=True, text=True, timeout=240)


@pytest.mark.parametrize("name", MANUALS)
def test_what_a_manual_says_to_type_can_be_typed(
    name: str, client: redis.Redis, flows: FlowProcess.Factory, terminal: dict[str, str], tmp_path: Path
) -> None:
    flows(SNAPSHOT_INTERVAL_SEC="0.2")
    flows(module="flows.alerts", ALERT_INTERVAL_SEC="0.2")
    flows(module="flows.history")
    client.xadd("quantum:stream:apply.result", {"decision": "EXECUTE", "symbol": "BTCUSDT"})
    wait_for(lambda: client.exists("quantum:p35:decision:counts:5m"), "the snapshots")
    wait_for(lambda: client.exists("quantum:p35:alerts:state"), "a check for alerts")
    wait_for(lambda: client.exists("quantum:flow:history"), "a sign of life")
    (tmp_path / "root").mkdir()
    typed = commands(name)
    assert len(typed) >= 4
    for command in typed:
        words = [word for word in shlex.split(command) if "=" not in word or word.startswith("-")]
        words = words[1:] if words[0] == "sudo" else words
        if words[0] in ("quantum", "redis-cli"):
            done = type_in(command, terminal, tmp_path)
            # (1: the answer calls for action)
            assert done.returncode == 0 or (words[0] == "quantum" and done.returncode == 1), (command, done.stderr)
            continue
        if words[0] == "deploy/install.sh":
            dry = [*words, "--dry-run", "--root", str(tmp_path / "root")]
            done = type_in(shlex.join(dry), terminal, ROOT)
            assert done.returncode == 0 or "there is no version before" in done.stderr, command
        elif words[0].startswith("deploy/proof_"):
            assert os.access(ROOT / words[0], os.X_OK), command
        elif words[0] in ("systemctl", "journalctl"):
            assert {word for word in words[1:] if word.startswith("quantum")} <= UNITS, command
            assert set(words[1:]) & UNITS, command
        elif words[0] == "make":
            assert set(words[1:]) <= TARGETS, command
        elif words[0] == "docker":
            assert yaml.safe_load((ROOT / words[words.index("-f") + 1]).read_text("utf-8"))["services"]
        else:
            assert words[0].endswith("python"), command
            assert words[1:3] == ["-m", "bytewax.run"]
            assert (ROOT / f"{words[3].replace('.', '/')}.py").exists(), command


def test_the_flow_of_the_manual_passes_on_what_is_large_and_its_own_test_holds(
    client: redis.Redis, flows: FlowProcess.Factory, tmp_path: Path
) -> None:
    flow, test = blocks("flow-reference", "python")
    (tmp_path / "large_orders.py").write_text(flow, "utf-8")
    (tmp_path / "test.py").write_text(test, "utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    subprocess.run([sys.executable, "test.py"], cwd=tmp_path, env=environment, check=True, timeout=240)

    for usd in ("2500", "999", "a lot", "1000"):
        client.xadd("orders", {"usd": usd, "customer": "ann"})
    process = flows(module="large_orders", PYTHONPATH=str(tmp_path))
    wait_for(lambda: client.hexists("orders:group:large", "last_id"), "the commit")
    assert [order["usd"] for _id, order in client.xrange("orders:large")] == ["2500", "1000"]
    assert [letter["error"] for _id, letter in client.xrange("orders:dead")] == [
        "ValueError: could not convert string to float: 'a lot'"
    ]
    assert client.xpending("orders", "large")["pending"] == 0
    assert process.stop() == 0, process.log()


def test_every_name_in_the_table_of_parts_is_there() -> None:
    page = (ROOT / "docs/flow-reference.md").read_text("utf-8")
    code = "".join(path.read_text("utf-8") for path in (ROOT / "connectors").glob("*.py"))
    names = set(re.findall(r"`([A-Z][A-Za-z]+)`", page))
    assert len(names) >= 10
    assert {name for name in names if not re.search(rf"^class {name}\b", code, re.MULTILINE)} == set()


def test_each_rule_leads_to_a_runbook_and_each_runbook_is_led_to() -> None:
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    rules = (ROOT / "deploy/prometheus/rules.yml").read_text("utf-8")
    runbooks = {heading.lower().replace(" ", "-") for heading in re.findall(r"^### (.*)$", page, re.MULTILINE)}
    asked = set(re.findall(r"runbook: docs/operations\.md#(.*)$", rules, re.MULTILINE))
    assert asked - {"an-alert-fires"} == runbooks
    assert "## An alert fires\n" in page
