"""The monitoring under the real programs: promtool, a Prometheus that scrapes a real flow, and amtool.

They come with Debian's packages `prometheus` and `prometheus-alertmanager`; `.ci/run` fetches them where it can. Where
there are none, tests/deploy/test_monitoring.py still parses every query and holds it against what the flows show.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from connectors.private_redis import die_with_parent, free_port
from tests.deploy.test_monitoring import PROMETHEUS, RULES
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.waiting import wait_for


def program(name: str, package: str) -> str:
    """Where it is; else the test is skipped, and says how to get it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here (Debian: apt-get install {package}, or .ci/run as root)")
    return found


@pytest.fixture
def promtool() -> str:
    return program("promtool", "prometheus")


@pytest.fixture
def amtool() -> str:
    return program("amtool", "prometheus-alertmanager")


def run(*command: str | Path) -> str:
    """What it prints; it must succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_promtool_has_nothing_to_say_against_configuration_and_rules(promtool: str) -> None:
    said = run(promtool, "check", "config", PROMETHEUS / "prometheus.yml")
    assert f"SUCCESS: {len(RULES)} rules found" in said


def test_the_rules_say_when_what_and_to_whom(promtool: str) -> None:
    said = run(promtool, "test", "rules", ROOT / "tests/deploy/rules_test.yml")
    assert "SUCCESS" in said
    tested = (ROOT / "tests/deploy/rules_test.yml").read_text("utf-8")
    critical = {rule["alert"] for rule in RULES if rule["labels"]["severity"] == "critical"}
    assert not {name for name in critical if f"alertname: {name}" not in tested}


@pytest.mark.parametrize(("severity", "receiver"), [("critical", "on-call"), ("warning", "chat")])
def test_alertmanager_sends_each_severity_to_its_receiver(amtool: str, severity: str, receiver: str) -> None:
    path = PROMETHEUS / "alertmanager.yml"
    assert "SUCCESS" in run(amtool, "check-config", path)
    routes = [amtool, "config", "routes", "test", f"--config.file={path}", f"--verify.receivers={receiver}"]
    assert receiver in run(*routes, f"severity={severity}", "alertname=QuantumFlowDown")
    # (that of QuantumAlertFires is that of the alert that fires)
    fixed = {rule["labels"]["severity"] for rule in RULES if rule["alert"] != "QuantumAlertFires"}
    assert fixed == {"critical", "warning"}


def test_what_an_alert_mutes_is_an_alert() -> None:
    (rule,) = yaml.safe_load((PROMETHEUS / "alertmanager.yml").read_text("utf-8"))["inhibit_rules"]
    named = [part.split('"')[1] for part in (*rule["source_matchers"], *rule["target_matchers"])]
    assert {name for text in named for name in text.split("|")} <= {one["alert"] for one in RULES}


class Server:
    """A Prometheus on the loopback, with the configuration that is delivered, a second between scrapes."""

    def __init__(self, folder: Path, targets: dict[str, int]) -> None:
        config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
        shutil.copy(PROMETHEUS / "rules.yml", folder)
        groups = [{"labels": {"flow": flow}, "targets": [f"127.0.0.1:{port}"]} for flow, port in targets.items()]
        (folder / "targets.yml").write_text(yaml.safe_dump(groups), "utf-8")
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = folder / "log"
        command = [
            program("prometheus", "prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
        ]
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=die_with_parent()
            )

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API; None while it does not answer."""
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            query = urllib.parse.urlencode(parameters)
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=10) as reply:
                return json.load(reply)["data"]
        assert self._process.poll() is None, self.log.read_text("utf-8")
        return None

    def value(self, query: str) -> float | None:
        """The one value of a query; None where it has none."""
        answer = self.ask("query", query=query)
        return float(answer["result"][0]["value"][1]) if answer and answer["result"] else None

    def rules(self) -> list[dict[str, Any]]:
        """All rules, as it judges them."""
        answer = self.ask("rules") or {"groups": []}
        return [rule for group in answer["groups"] for rule in group["rules"]]

    def kill(self) -> None:
        """At once."""
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def serving(folder: Path, targets: dict[str, int]) -> Iterator[Server]:
    """It does not outlive this."""
    server = Server(folder, targets)
    try:
        yield server
    finally:
        server.kill()


def test_a_real_prometheus_scrapes_a_real_flow_and_judges_it(
    client: redis.Redis, flows: FlowProcess.Factory, tmp_path: Path
) -> None:
    program("prometheus", "prometheus")
    port = free_port()
    one = flows(METRICS_PORT=str(port), SNAPSHOT_INTERVAL_SEC="0.2")
    for decision in ("EXECUTE", "SKIP", "SKIP"):
        client.xadd("quantum:stream:apply.result", {"decision": decision, "error": "no_position"})
    wait_for(lambda: client.hget("quantum:p35:status", "processed_total") == "3", "the counts")
    with serving(tmp_path, {"p35": port}) as prometheus:
        wait_for(lambda: prometheus.value('up{job="quantum", flow="p35"}') == 1, "the scrape")
        wait_for(lambda: prometheus.value('p35_decisions_total{decision="SKIP"}') == 2, "what it shows")
        wait_for(lambda: prometheus.value('p35_window_decisions{window="5m", decision="SKIP"}') == 2, "the window")
        rules = wait_for(
            lambda: found if (found := prometheus.rules()) and all(r["health"] == "ok" for r in found) else None,
            "all rules to be judged",
        )
        assert {rule["name"] for rule in rules} == {rule["alert"] for rule in RULES}
        # (the rules may have been judged once before the first scrape)
        wait_for(lambda: all(rule["state"] == "inactive" for rule in prometheus.rules()), "peace")
        assert one.stop() == 0
        # (pending: it fires once this has lasted for two minutes)
        wait_for(
            lambda: (
                {rule["name"] for rule in prometheus.rules() if rule["state"] == "pending"}
                >= {"QuantumFlowDown", "QuantumFlowGone"}
            ),
            "the alerts",
        )
