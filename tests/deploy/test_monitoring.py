"""Scrape configuration, alert rules and dashboard: each of their queries finds what running flows really show."""

from __future__ import annotations

import contextlib
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from connectors.private_redis import PrivateRedis, free_port
from flows.settings.alerts import AlertsSettings
from flows.settings.history import HistorySettings
from flows.settings.joins import AllocationSettings, GovernorSettings
from flows.settings.p35 import P35Settings
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.promql import Exposed, exposed, labels_of, names, unmet
from tests.support.waiting import wait_for

PROMETHEUS = ROOT / "deploy/prometheus"
GRAFANA = ROOT / "deploy/grafana"
PORTS = {
    flow: settings.model_fields["metrics_port"].default
    for flow, settings in {
        "p35": P35Settings,
        "alerts": AlertsSettings,
        "governor": GovernorSettings,
        "allocation": AllocationSettings,
        "history": HistorySettings,
    }.items()
}
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((PROMETHEUS / "rules.yml").read_text("utf-8"))["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards/quantum.json").read_text("utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RUNTIME = re.compile(r"(_created|_info)$|^(python|process)_")
"""Series that say nothing of the flows' own work."""


def targets() -> dict[str, dict[str, str]]:
    """Flow -> the labels that Prometheus gives its series."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    (job,) = config["scrape_configs"]
    (path,) = job["file_sd_configs"][0]["files"]
    found = {}
    for group in yaml.safe_load((PROMETHEUS / path).read_text("utf-8")):
        (instance,) = group["targets"]
        found[group["labels"]["flow"]] = {"job": job["job_name"], "instance": instance, **group["labels"]}
    return found


@pytest.fixture(scope="module")
def shown() -> Iterator[Exposed]:
    """What all flows show while they work."""
    with PrivateRedis() as server, server.client() as client, FlowProcess.factory(server.url) as start:
        ports = {flow: free_port() for flow in PORTS}
        for flow, port in ports.items():
            quick = {"SNAPSHOT_INTERVAL_SEC": "0.2", "LOOP_INTERVAL_SEC": "0.2", "ALERT_INTERVAL_SEC": "0.2"}
            quick["HISTORY_INTERVAL_SEC"] = "1"
            quick["P35_ALERT_MIN_TOTAL"] = "1"
            notify = {"ALERT_NOTIFY_URLS": "json://127.0.0.1:9"} if flow == "alerts" else {}
            start(module=f"flows.{flow}", METRICS_PORT=str(port), **quick, **notify)
        client.hset("quantum:allocation:target:BTCUSDT", mapping={"target_usd": "5"})
        score = {"efficiency_score": "0.2", "confidence": "0.9", "ts": str(time.time())}
        client.hset("quantum:capital:efficiency:BTCUSDT", mapping=score)
        client.xadd("quantum:stream:apply.result", {"decision": "BLOCKED", "error": "kill_score_critical"})
        plans = "quantum:stream:apply.plan"
        wait_for(lambda: client.exists(plans) and client.xinfo_groups(plans), "the governor")
        client.xadd(plans, {"plan_id": "1", "symbol": "BTCUSDT", "decision": "EXECUTE"})

        wanted = {
            "p35_lag",
            "p35_window_gates",
            "p35_alert_notifications_waiting",
            "p35_alert_firing_since_timestamp_seconds",
            "p32_lag",
            "p32_eff_apply_total",
            "p29_shadow_eff_score",
            "p35_history_last_pass_timestamp_seconds",
        }
        yield wait_for(lambda: found if wanted <= set(found := look(ports)) else None, "all series")


def look(ports: dict[str, int]) -> dict[str, list[Any]]:
    """All series of the flows that answer."""
    found: dict[str, list[Any]] = {}
    for flow, port in ports.items():
        with contextlib.suppress(urllib.error.URLError):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as reply:
                text = reply.read().decode()
            for name, series in exposed(text, targets()[flow]).items():
                found.setdefault(name, []).extend(series)
    return found


def test_prometheus_looks_where_the_flows_serve() -> None:
    assert {flow: labels["instance"] for flow, labels in targets().items()} == {
        flow: f"127.0.0.1:{port}" for flow, port in PORTS.items()
    }


def test_each_rule_asks_for_what_is_there_and_says_what_to_do(shown: Exposed) -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES) > 10
    for rule in RULES:
        assert unmet(rule["expr"], shown) == [], rule["alert"]
        severity = rule["labels"]["severity"]
        assert severity in {"warning", "critical"} or rule["alert"] == "QuantumAlertFires"
        assert rule["annotations"]["runbook"].startswith("docs/operations.md#")
        given = labels_of(rule["expr"], shown)
        templates = " ".join([rule["annotations"]["summary"], *rule["labels"].values()])
        asked = set(re.findall(r"\$labels\.(\w+)", templates))
        assert asked <= given, rule["alert"]


def test_an_alert_that_fires_is_passed_on_with_its_severity_and_gate(shown: Exposed) -> None:
    (rule,) = [rule for rule in RULES if rule["alert"] == "QuantumAlertFires"]
    assert labels_of(rule["expr"], shown) == {"kind", "reason", "severity"}
    assert re.fullmatch(
        r'{{ if eq \$labels.severity "CRITICAL" }}critical{{ else }}warning{{ end }}', rule["labels"]["severity"]
    )
    (kind,) = re.findall(r'{{ if eq \$labels.kind "(\w+)" }}{{ \$labels.reason }}{{ end }}', rule["labels"]["gate"])
    fires = [one for one in shown["p35_alert_firing_since_timestamp_seconds"] if one["kind"] == kind]
    assert [(one["reason"], one["severity"]) for one in fires] == [("kill_score_critical", "CRITICAL")]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_each_panel_asks_for_what_is_there(panel: dict[str, Any], shown: Exposed) -> None:
    assert panel["targets"]
    for target in panel["targets"]:
        assert unmet(target["expr"], shown) == []
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels_of(target["expr"], shown)
        assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_the_dashboard_leaves_nothing_out_and_its_panels_do_not_overlap(shown: Exposed) -> None:
    queries = [target["expr"] for panel in PANELS for target in panel["targets"]] + [rule["expr"] for rule in RULES]
    asked = {re.sub("_(bucket|count)$", "", name) for query in queries for name in names(query)}
    ours = {re.sub("_(bucket|count|sum)$", "", name) for name in shown if not RUNTIME.search(name)}
    assert ours - asked == {"p35_messages_total", "p32_messages_total"} | {
        # (of the governor, what only p35 shows)
        f"p32_{name}"
        for name in ("overflow_total", "claimed_total", "fenced_total", "trimmed_total", "commit_seconds")
    }
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_grafana_is_given_the_dashboard_and_where_prometheus_is() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text("utf-8"))["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "${PROMETHEUS_URL}")
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert variables["window"]["query"] == "1m,5m,15m,1h"
    assert variables["datasource"]["query"] == "prometheus"
    providers = yaml.safe_load((GRAFANA / "provisioning/dashboards/quantum.yml").read_text("utf-8"))["providers"]
    assert [one["options"]["path"] for one in providers] == ["/etc/grafana/dashboards"]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("sum(p35_never)", "no series is p35_never"),
        ('p35_window_decisions{decision="BUY"}', 'no series is p35_window_decisions{decision="BUY"}'),
        ("sum by (symbol) (p35_pending)", "p35_pending has not all of ['symbol']"),
    ],
)
def test_a_query_for_what_is_not_there_is_found(query: str, problem: str, shown: Exposed) -> None:
    assert unmet(query, shown) == [problem]
