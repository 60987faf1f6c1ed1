"""What the documents say is so: pictures, commands and examples are checked against the program."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
import redis
from bytewax.testing import TestingSink, TestingSource

import flows as flows_package
from connectors import private_redis
from connectors.private_redis import PrivateRedis
from flows.alerts import Ends as AlertsEnds
from flows.alerts import topology as alerts_topology
from flows.domain.alerts.rules import RULES
from flows.p35 import Ends, topology
from flows.settings.alerts import AlertsSettings
from flows.settings.p35 import P35Settings
from tests.support import configuration, users
from tests.support.flow_process import FlowProcess
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text("utf-8")
ALERTS = (ROOT / "docs/alerts.md").read_text("utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str, page: str = README) -> list[str]:
    """The fenced blocks of `page` in `language`."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def schema_keys() -> dict[str, str]:
    """The keys that the schema documents, and the type that it gives each."""
    text = (ROOT / "docs/redis-schema.md").read_text("utf-8")
    return dict(re.findall(r"^### `([^`]+)`\n\n([A-Z]+)", text, re.MULTILINE))


def documented(key: str) -> str | None:
    """The documented type of `key`, or None."""
    parts = {
        r"\{w\}": "(1m|5m|15m|1h)",
        r"\{consumer\}": ".+",
        r"\{receiver\}": r"\d+",
        r"\{S\}": ".+",
        r"\{plan_id\}": ".+",
        r"\{flow\}": "(p35|alerts|allocation|governor|history)",
        "YYYYMMDDHHMM": r"\d{12}",
        "YYYYMMDDHH": r"\d{10}",
        "YYYYMMDD": r"\d{8}",
    }
    for name, kind in schema_keys().items():
        pattern = re.escape(name)
        for placeholder, regex in parts.items():
            pattern = pattern.replace(placeholder, regex)
        if re.fullmatch(pattern, key):
            return kind.lower()
    return None


@pytest.fixture
def shell(server: PrivateRedis, tmp_path: Path) -> dict[str, str]:
    """An environment in which `redis-cli` talks to the private Redis."""
    program = tmp_path / "bin" / "redis-cli"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{private_redis.cli()}" -p {server.port} "$@"\n', "utf-8")
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}


def run(command: str, env: dict[str, str]) -> str:
    """What `command` prints; it must succeed."""
    done = subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_picture_shows_every_step_of_the_flow() -> None:
    ends = Ends(
        TestingSource([]), TestingSink([]), TestingSource([]), TestingSink([]), TestingSource([]), TestingSink([])
    )
    dataflow = topology(P35Settings(), ends)
    (picture,) = blocks("mermaid", ARCHITECTURE)
    steps = {step.step_id.partition(".")[2] for step in dataflow.substeps}
    assert len(steps) > 10
    drawn = set(re.findall(r"\b[a-z_]+\b", re.sub(r'"[^"]*"|\(.*?\)', "", picture)))
    assert steps <= drawn


def test_the_commands_of_the_readme_answer(
    client: redis.Redis, flows: FlowProcess.Factory, shell: dict[str, str]
) -> None:
    publish, ask = (block.strip().splitlines() for block in blocks("sh"))
    assert len(publish) == 2
    if time.time() % 60 > 50:  # too close to the next minute: the bucket asked for would be the next one
        time.sleep(60.1 - time.time() % 60)
    process = flows(SNAPSHOT_INTERVAL_SEC="0.2", STATUS_INTERVAL_SEC="0.2")
    for command in publish:
        assert re.fullmatch(r"\d+-\d+", run(command, shell))
    wait_for(lambda: client.hget("quantum:p35:status", "processed_total") == "2", "both decisions")
    wait_for(lambda: client.hget("quantum:p35:decision:counts:1h", "BLOCKED") == "1", "the snapshots")
    wait_for(lambda: client.hexists("quantum:p35:status", "version"), "the status")
    answers = {command: run(command, shell).split() for command in ask}
    assert len(answers) == len(ask) == 7
    assert all(answers.values()), answers
    counts, reasons, gates, bucket, last_execute, status, groups = answers.values()
    assert dict(zip(counts[::2], counts[1::2], strict=True)) == {"EXECUTE": "1", "BLOCKED": "1"}
    assert reasons == ["p33_permit_denied:stale", "1", "none", "1"]
    assert gates == ["p33_permit_denied", "1", "none", "1"]
    assert "symbol_reason:ETHUSDT:p33_permit_denied:stale" in bucket
    assert float(last_execute[0]) == pytest.approx(time.time(), abs=60)
    assert status[status.index("version") + 1] == flows_package.__version__
    assert "p35_decision_intel" in groups
    assert process.stop() == 0


def test_every_key_that_the_flow_writes_is_documented(client: redis.Redis, flows: FlowProcess.Factory) -> None:
    flows(SNAPSHOT_INTERVAL_SEC="0.2")
    for decision in ("EXECUTE", "never heard of"):
        client.xadd("quantum:stream:apply.result", {"decision": decision, "symbol": "BTCUSDT"})
    wait_for(lambda: client.zcard("quantum:p35:unknown_decision:top:5m"), "the snapshots")
    keys = client.keys()
    assert {key: documented(key) for key in keys} == {key: client.type(key) for key in keys}
    unseen = [name for name in schema_keys() if name.startswith("quantum:p35:") and not re.search("{|YYYY", name)]
    unseen = [name for name in unseen if not name.startswith("quantum:p35:alerts")]
    assert sorted(set(unseen) - set(keys)) == []
    status = client.hgetall("quantum:p35:status")
    rows = re.findall(r"^\| `([a-z_]+)` \|.*\|.*\|$", (ROOT / "docs/redis-schema.md").read_text("utf-8"), re.MULTILINE)
    assert set(status) <= set(rows)


def test_every_key_and_field_of_the_joins_is_documented(client: redis.Redis, flows: FlowProcess.Factory) -> None:
    client.hset("quantum:allocation:target:BTCUSDT", "target_usd", "1")
    client.hset("quantum:capital:efficiency:BTCUSDT", "ts", "1")
    flows(module="flows.allocation")
    flows(module="flows.governor", STATUS_INTERVAL_SEC="0.2")
    plans = "quantum:stream:apply.plan"
    wait_for(lambda: client.exists(plans) and client.xinfo_groups(plans), "the governor")
    client.xadd(plans, {"plan_id": "1", "symbol": "BTCUSDT", "decision": "EXECUTE"})
    wait_for(lambda: client.exists("quantum:permit:1"), "the permit")
    wait_for(lambda: client.exists("quantum:stream:allocation.target.proposed"), "a proposal")
    wait_for(lambda: client.hexists("quantum:governor:status", "version"), "the status")
    wait_for(lambda: client.exists("quantum:flow:governor"), "a sign of life")
    keys = client.keys()
    assert {key: documented(key) for key in keys} == {key: client.type(key) for key in keys}
    page = (ROOT / "docs/redis-schema.md").read_text("utf-8")
    for key in (
        "quantum:permit:1",
        "quantum:allocation:target:proposed:BTCUSDT",
        "quantum:governor:status",
        "quantum:flow:governor",
    ):
        assert [field for field in client.hgetall(key) if f"`{field}`" not in page] == []


def test_every_key_that_the_alerts_write_is_documented(client: redis.Redis, flows: FlowProcess.Factory) -> None:
    bucket = time.strftime("quantum:p35:bucket:%Y%m%d%H%M", time.gmtime())
    client.hset(bucket, mapping={"decision:SKIP": 100, "reason:no_position": 100})
    receiver = {"ALERT_NOTIFY_URLS": f"json://127.0.0.1:{private_redis.free_port()}", "ALERT_NOTIFY_ATTEMPTS": "1"}
    flows(module="flows.alerts", ALERT_INTERVAL_SEC="0.2", **receiver, **users.login("quantum-alerts"))
    wait_for(lambda: client.exists("quantum:p35:alerts:dead"), "the dead letter")
    keys = client.keys("quantum:p35:alerts*")
    assert {key: documented(key) for key in keys} == {key: client.type(key) for key in keys}
    assert len(keys) == 5
    assert documented("quantum:p35:alerts:sent") == "stream"
    text = (ROOT / "docs/redis-schema.md").read_text("utf-8")
    (_id, dead), *_ = client.xrange("quantum:p35:alerts:dead")
    assert all(f"`{field}`" in text for field in dead)


def test_the_picture_of_the_alerts_shows_every_step() -> None:
    dataflow = alerts_topology(
        AlertsSettings(), AlertsEnds(TestingSource([]), TestingSink([]), TestingSource([]), TestingSink([]))
    )
    steps = {step.step_id.partition(".")[2] for step in dataflow.substeps}
    assert steps == {"checks", "judge", "publish", "hours", "compare", "keep"}
    assert steps <= set(re.findall(r"\b[a-z_]+\b", ALERTS.partition("```mermaid")[2].partition("```")[0]))


def test_the_table_of_alert_rules_is_the_table_in_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (at once|\d+ min|see below) \| .*\|$", ALERTS, re.MULTILINE)
    lasts = {"at once": 0.0, "see below": 900.0}
    documented = [(kind, lasts[text] if text in lasts else 60.0 * int(text.split()[0])) for kind, text in rows]
    assert documented == [(rule.kind, rule.lasts) for rule in RULES]


def test_the_flow_of_the_readme_counts(client: redis.Redis, flows: FlowProcess.Factory, tmp_path: Path) -> None:
    (source,) = blocks("python")
    (tmp_path / "orders.py").write_text(source, "utf-8")
    for customer in ("ann", "bob", "ann"):
        client.xadd("orders", {"customer": customer, "n": "3"})
    client.xadd("orders", {"other": "field"})
    process = flows(module=f"{tmp_path}/orders:app")
    wait_for(lambda: client.xlen("orders:dead"), "the last of them")
    assert client.hgetall("orders:by_customer") == {"ann": "6", "bob": "3"}
    assert client.xpending("orders", "orders")["pending"] == 0
    assert process.stop() == 0, process.log()


def test_the_configuration_page_is_what_the_settings_say() -> None:
    written = (ROOT / "docs/configuration.md").read_text("utf-8")
    assert written == configuration.document(), "run `make docs`"


def anchors(page: Path) -> set[str]:
    """What a link may have behind its #: the headings of `page`."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", path.read_text("utf-8")):
        if "://" not in link:
            name, _, anchor = link.partition("#")
            page = path.parent / name if name else path
            assert page.exists(), link
            assert not anchor or anchor in anchors(page), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(path: Path) -> None:
    names = re.findall(r"`((?:connectors|flows|sinks|console|tests|docs)/[\w./]*)`", path.read_text("utf-8"))
    assert not [name for name in names if not (ROOT / name).exists()]


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{flows_package.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {name for path in DOCUMENTS for name in re.findall(r"`make ([a-z]+)`", path.read_text("utf-8"))}
    assert named
    assert named <= targets
