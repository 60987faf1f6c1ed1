"""`flows.alerts` as a process, as its own user: started several times, killed, stopped, and sending to receivers."""

from __future__ import annotations

import signal
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
import redis

from connectors.private_redis import PrivateRedis, free_port
from tests.support import users
from tests.support.alert_world import STREAM, published
from tests.support.flow_process import FlowProcess
from tests.support.http_receiver import SECRET, HttpReceiver
from tests.support.users import SecuredRedis
from tests.support.waiting import wait_for

USER = users.login("quantum-alerts")
QUICK = {"ALERT_INTERVAL_SEC": "0.2", "P35_ALERT_COOLDOWN": "0", "module": "flows.alerts", **USER}


def explode(client: redis.Redis, gate: str, stopped: int = 700) -> None:
    """So many of 1,000 decisions of this minute are stopped by the gate. All else is forgotten."""
    minute = int(client.time()[0]) // 60
    before = list(client.scan_iter("quantum:p35:bucket:*"))
    with client.pipeline(transaction=True) as step:
        step.delete("no bucket", *before)
        for ahead in (0, 1):  # (the next minute may begin before this is looked at)
            key = f"quantum:p35:bucket:{time.strftime('%Y%m%d%H%M', time.gmtime((minute + ahead) * 60))}"
            fields = {"decision:EXECUTE": 1000 - stopped, "decision:BLOCKED": stopped, f"reason:{gate}:why": stopped}
            step.hset(key, mapping={**fields, f"symbol_reason:SOLUSDT:{gate}:why": stopped})
        step.execute()


def states(client: redis.Redis) -> Counter[tuple[str, str]]:
    """How often each gate was told to be in each state."""
    return Counter((one["reason"], one["state"]) for one in published(client))


def test_an_explosion_is_told_once_by_three_instances_that_are_killed_and_started_again(
    client: redis.Redis, flows: FlowProcess.Factory
) -> None:
    """As many starts as there are explosions, none of them told twice."""
    running = [flows(**QUICK) for _ in range(3)]
    wait_for(lambda: client.hget("quantum:p35:alerts:state", "version"), "a check")
    expected: Counter[tuple[str, str]] = Counter()
    for number in range(8):
        gate = f"gate_{number}"
        explode(client, gate)
        wait_for(lambda gate=gate: states(client)[gate, "firing"], f"the alert of {gate}")
        running[number % 3].kill()
        running[number % 3] = flows(**QUICK)
        explode(client, "nothing", 0)
        wait_for(lambda gate=gate: states(client)[gate, "resolved"], f"the end of {gate}")
        expected += Counter({(gate, "firing"): 1, (gate, "resolved"): 1})
    assert states(client) == expected
    wait_for(lambda: all("connected" in flow.log() for flow in running), "the last one that was started")
    assert [flow.stop() for flow in running] == [0, 0, 0]
    expected_or_load = ("alerts: alert fires ", "skipping polls")
    lines = [line for flow in running for line in flow.log().splitlines()]
    lines = [line for line in lines if not any(what in line for what in expected_or_load)]
    assert not [line for line in lines if "Traceback" in line or "warning" in line]


def test_a_restart_neither_repeats_nor_forgets_what_fires(client: redis.Redis, flows: FlowProcess.Factory) -> None:
    first = flows(**QUICK)
    explode(client, "a")
    wait_for(lambda: states(client)["a", "firing"], "the alert")
    first.kill()
    second = flows(**QUICK)
    version = client.hget("quantum:p35:alerts:state", "version")
    wait_for(lambda: client.hget("quantum:p35:alerts:state", "version") != version, "a check by the second")
    assert states(client) == {("a", "firing"): 1}
    second.kill()
    explode(client, "nothing", 0)
    flows(**QUICK)
    wait_for(lambda: states(client)["a", "resolved"], "the end, that nobody was there to see")
    assert states(client) == {("a", "firing"): 1, ("a", "resolved"): 1}


def test_the_entry_is_the_contracts(client: redis.Redis, flows: FlowProcess.Factory) -> None:
    explode(client, "p33_permit_denied", 847)
    flows(**QUICK)
    (one,) = wait_for(lambda: published(client), "the alert")
    fields = {"alert_id", "window", "reason", "score", "total", "share", "timestamp", "severity"}
    assert set(one) == fields | {"kind", "state", "message"}
    assert one["alert_id"] == f"p35_alert_{one['timestamp']}_p33_permit_denied"
    assert abs(int(one["timestamp"]) - time.time()) < 30
    shown = {name: one[name] for name in ("window", "reason", "share", "severity", "kind", "state")}
    assert shown == {
        "window": "5m",
        "reason": "p33_permit_denied",
        "share": "0.847",
        "severity": "CRITICAL",
        "kind": "gate_explosion",
        "state": "firing",
    }
    assert (int(one["score"]), int(one["total"])) in ((847, 1000), (1694, 2000))
    assert "most affected: SOLUSDT" in one["message"]
    assert "P3.3 gave no valid permit" in one["message"]


def test_a_p35_that_has_died_is_told_by_the_lag_that_grows(client: redis.Redis, flows: FlowProcess.Factory) -> None:
    p35 = flows()
    alerts = flows(**QUICK)
    wait_for(lambda: client.exists(STREAM), "flows.p35")
    client.xadd(STREAM, {"decision": "EXECUTE"})
    wait_for(lambda: client.hget("quantum:p35:status", "processed_total") == "1", "the first decision")
    p35.kill()
    pipeline = client.pipeline()
    for _ in range(1_100):
        pipeline.xadd(STREAM, {"decision": "EXECUTE", "symbol": "BTCUSDT"})
    pipeline.execute()
    wait_for(lambda: states(client)["lag", "firing"], "the alert")
    flows(LEASE_TTL_SEC="0.5")
    wait_for(lambda: states(client)["lag", "resolved"], "the end")
    assert states(client)["lag", "firing"] == 1
    assert alerts.stop() == 0


def test_receivers_get_what_is_severe_enough_also_its_end(client: redis.Redis, flows: FlowProcess.Factory) -> None:
    notify = {"ALERT_NOTIFY_SPACING_SEC": "0", "LOG_LEVEL": "DEBUG"}
    with HttpReceiver() as one, HttpReceiver() as two:
        flow = flows(**QUICK, **notify, ALERT_NOTIFY_URLS=f"{one.url}, {two.url}\n")
        wait_for(lambda: client.hget("quantum:p35:alerts:state", "version"), "a check")
        explode(client, "mild", 450)
        wait_for(lambda: states(client)["mild", "firing"], "the mild one")
        explode(client, "@everyone", 900)
        wait_for(lambda: len(one.messages) == len(two.messages) == 1, "the severe one at both")
        explode(client, "nothing", 0)
        wait_for(lambda: len(one.messages) == len(two.messages) == 2, "its end at both")
        assert flow.stop() == 0
    assert one.texts == two.texts
    assert one.messages[0]["title"] == "CRITICAL gate_explosion (at)everyone"
    assert one.messages[0]["message"].startswith("CRITICAL gate_explosion (at)everyone: (at)everyone accounts for 90 %")
    assert one.messages[1]["title"] == "resolved: CRITICAL gate_explosion (at)everyone"
    assert [one_["type"] for one_ in one.messages] == ["failure", "success"]
    assert SECRET not in flow.log()
    assert client.xlen("quantum:p35:alerts:dead") == 0


def test_a_receiver_that_hangs_holds_up_neither_checks_nor_the_stop(
    client: redis.Redis, flows: FlowProcess.Factory
) -> None:
    with HttpReceiver() as web:
        web.hang.set()
        flow = flows(**QUICK, ALERT_NOTIFY_URLS=web.url)
        explode(client, "a")
        wait_for(lambda: web.attempts, "an attempt")
        explode(client, "b")
        wait_for(lambda: states(client)["b", "firing"], "the next alert")
        assert flow.stop(seconds=25) == 0
        assert web.messages == []
        web.hang.clear()
        flows(**QUICK, ALERT_NOTIFY_URLS=web.url, ALERT_NOTIFY_SPACING_SEC="0")
        wait_for(lambda: any("b accounts for" in text for text in web.texts), "both alerts, after a restart")
        assert any("a accounts for" in text for text in web.texts)


def test_a_receiver_that_refuses_leaves_dead_letters_without_secrets(
    client: redis.Redis, flows: FlowProcess.Factory, tmp_path: Path
) -> None:
    with HttpReceiver() as web:
        web.status = 403
        (tmp_path / "urls").write_text(f"{web.url}\n", "utf-8")
        flow = flows(**QUICK, ALERT_NOTIFY_URLS_FILE=str(tmp_path / "urls"), ALERT_NOTIFY_ATTEMPTS="2")
        explode(client, "a")
        ((_id, dead),) = wait_for(lambda: client.xrange("quantum:p35:alerts:dead"), "the dead letter")
    assert dead.items() >= {"receiver": "1", "attempts": "2", "reason": "a", "severity": "HIGH"}.items()
    assert "403" in dead["failure"]
    assert SECRET not in str(dead) + flow.log()
    assert "gave up; moved to the dead letters" in flow.log()


def test_metrics(client: redis.Redis, flows: FlowProcess.Factory) -> None:
    port = free_port()
    with HttpReceiver() as web:
        explode(client, "a")
        flows(**QUICK, METRICS_PORT=str(port), ALERT_NOTIFY_URLS=web.url)
        wait_for(lambda: web.messages, "the message")

        def scrape() -> dict[str, float]:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                lines = answer.read().decode().splitlines()
            return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}

        wait_for(lambda: scrape()['p35_alert_notifications_total{outcome="sent"}'] == 1, "the message in the metrics")
        figures = scrape()
    assert figures['p35_alerts_total{kind="gate_explosion",severity="HIGH"}'] == 1
    assert figures['p35_alerts_firing{kind="gate_explosion",severity="HIGH"}'] == 1
    assert figures['p35_alerts_firing{kind="gate_explosion",severity="MEDIUM"}'] == 0
    assert figures["p35_alert_evaluation_seconds_count"] >= 1
    assert figures["p35_alert_redis_up"] == 1
    explode(client, "nothing", 0)
    wait_for(lambda: scrape()['p35_alerts_firing{kind="gate_explosion",severity="HIGH"}'] == 0, "the end")
    assert scrape()['p35_alerts_resolved_total{kind="gate_explosion"}'] == 1


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"ALERT_INTERVAL_SEC": "0"}, "ALERT_INTERVAL_SEC='0'"),
        ({"P35_ALERT_THRESHOLD_MEDIUM": "0.7"}, "P35_ALERT_THRESHOLD_HIGH='0.6'"),
        ({"P35_ALERT_THRESHOLD_CRITICAL": "0.5"}, "P35_ALERT_THRESHOLD_CRITICAL='0.5'"),
        ({"P35_ALERT_SKIP_SEVERE": "0.6"}, "P35_ALERT_SKIP_SEVERE='0.6'"),
        ({"ALERT_NOTIFY_MIN_SEVERITY": "LOUD"}, "ALERT_NOTIFY_MIN_SEVERITY='LOUD'"),
        ({"ALERT_NOTIFY_URLS": f"json://host/{SECRET} nobody://{SECRET}"}, "ALERT_NOTIFY_URLS=(not shown)"),
        ({"ALERT_NOTIFY_URLS": SECRET}, "ALERT_NOTIFY_URLS=(not shown)"),
        ({"ALERT_NOTIFY_URLS_FILE": "/does/not/exist"}, "ALERT_NOTIFY_URLS_FILE='/does/not/exist'"),
    ],
)
def test_a_wrong_setting_is_one_line_and_status_78(flows: FlowProcess.Factory, env: dict[str, str], named: str) -> None:
    flow = flows(module="flows.alerts", **env)
    assert flow.wait() == 78
    (line,) = flow.log().strip().splitlines()
    assert line.startswith(f"setting {named} is wrong: ")
    assert SECRET not in line


def test_a_redis_that_is_away_is_waited_for(flows: FlowProcess.Factory) -> None:
    with SecuredRedis() as late, HttpReceiver() as web:
        late.kill()
        flow = flows(REDIS_URL=late.url, ALERT_NOTIFY_URLS=web.url, **QUICK)
        wait_for(lambda: "waiting for Redis" in flow.log(), "the line that says so")
        late.start()
        with late.client(decode_responses=True) as client:
            explode(client, "a")
            wait_for(lambda: states(client)["a", "firing"], "the alert")
            wait_for(lambda: web.messages, "the message")
        assert flow.stop() == 0
        assert "Traceback" not in flow.log()


@pytest.mark.parametrize(("version", "delivered"), [("6.2", users.EVERY_VERSION), ("8.2", users.EVERY_VERSION)])
def test_no_right_is_missing_with_the_users_of_every_version(
    flows: FlowProcess.Factory, version: str, delivered: str
) -> None:
    with SecuredRedis(version, delivered) as own, own.client(decode_responses=True) as client, HttpReceiver() as web:
        notify = {"ALERT_NOTIFY_URLS": web.url, "ALERT_NOTIFY_SPACING_SEC": "0"}
        flow = flows(REDIS_URL=own.url, **QUICK, **notify)
        explode(client, "a", 900)
        wait_for(lambda: web.messages, "a message")
        web.status = 500
        explode(client, "b", 900)
        wait_for(lambda: web.attempts > 2, "an attempt that fails")
        web.status = 200
        wait_for(lambda: any("b accounts for" in text for text in web.texts), "the message after that")
        assert flow.stop() == 0
        assert client.acl_log() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0(
    server: PrivateRedis, client: redis.Redis, flows: FlowProcess.Factory, number: signal.Signals
) -> None:
    with HttpReceiver() as web:
        flow = flows(module="flows.alerts", ALERT_NOTIFY_URLS=web.url, **USER)  # (with an interval of a minute)
        wait_for(lambda: client.exists("quantum:p35:alerts:lease:1", "quantum:p35:alerts:state") == 2, "the flow")
        flow.send(number)
        assert flow.wait() == 0
    assert not client.exists("quantum:p35:alerts:lease:1")
