"""A severity that rises is told at once, once, whatever the cooldown, the number of instances, and who is killed."""

from __future__ import annotations

import re

import pytest
import redis
from prometheus_client import generate_latest

from connectors.polled import PolledSource
from connectors.private_redis import PrivateRedis
from console.proof.alerts import _repeated
from flows.alerts import redis_ends
from flows.settings.alerts import AlertsSettings
from tests.flows.test_alerts_process import QUICK, explode
from tests.support.alert_world import World, at, new_metrics, published, run
from tests.support.flow_process import FlowProcess
from tests.support.http_receiver import HttpReceiver
from tests.support.services import service
from tests.support.waiting import wait_for

LONG = {**QUICK, "P35_ALERT_COOLDOWN": "86400"}

PERCENT = [39, 41, 39, 65, 65, 58, 90, 90, 41, 85, 36, 35, 90, 30, 61]
"""Of the decisions of each simulated minute, stopped by one gate."""

EXPECTED = [
    (1, "firing", "MEDIUM"),
    (3, "firing", "HIGH"),
    (6, "firing", "CRITICAL"),
    (11, "resolved", "CRITICAL"),
    (12, "firing", "CRITICAL"),
    (13, "resolved", "CRITICAL"),
]
"""Minute, state and severity. The cooldown is five minutes: it is over in minute 11, and not in minute 14."""


def told(client: redis.Redis, gate: str = "gate") -> list[tuple[str, str]]:
    """State and severity of all that was published about the gate, oldest first."""
    return [(one["state"], one["severity"]) for one in published(client) if one["reason"] == gate]


@pytest.mark.parametrize("instances", [1, 2])
def test_by_simulated_minutes_with_a_restart_at_each(server: PrivateRedis, client: redis.Redis, instances: int) -> None:
    world = World(client)
    for minute, percent in enumerate(PERCENT):
        client.delete("no bucket", *client.scan_iter("quantum:p35:*:2026*"))
        counts = {"gate": percent * 10, "none": 1000 - percent * 10}
        world.count(minute, {"EXECUTE": 600, "SKIP": 400}, counts)
        for instance in range(instances):
            # (checks of two instances lie a moment apart, and the later one may be half an interval away)
            run(server.url, AlertsSettings(), new_metrics(), [at(minute, 20 + 35 * instance)])
    alerts = [one for one in published(client) if one["kind"] == "gate_explosion"]
    start = at(0, 0)
    assert [((int(one["timestamp"]) - start) // 60, one["state"], one["severity"]) for one in alerts] == EXPECTED
    first, second = alerts[0]["alert_id"], alerts[4]["alert_id"]
    assert [one["alert_id"] for one in alerts] == [first] * 4 + [second] * 2
    assert first != second
    assert "worse after 2 min" in alerts[1]["message"]
    assert _repeated(alerts, 300) == [], "by the rules of the proof, too"
    assert _repeated([*alerts, alerts[4]], 300) == [alerts[4]]


def test_two_instances_that_are_killed_in_the_middle_tell_each_severity_once(
    client: redis.Redis, flows: FlowProcess.Factory
) -> None:
    expected: list[tuple[str, str]] = []
    everyone: list[FlowProcess] = []

    def start() -> list[FlowProcess]:
        pair = [flows(**LONG) for _ in range(2)]
        everyone.extend(pair)
        wait_for(lambda: all("connected" in flow.log() for flow in pair), "both instances")
        return pair

    def logged() -> list[str]:
        return re.findall(r"alerts: alert (\w+) ", "".join(flow.log() for flow in everyone))

    running = start()
    for stopped, severity in ((410, "MEDIUM"), (650, "HIGH"), (900, "CRITICAL")):
        explode(client, "gate", stopped)
        expected.append(("firing", severity))
        wait_for(lambda: told(client) == expected, f"{severity}, once")
        wait_for(lambda: len(logged()) == len(expected), "the line that says so")
        for flow in running:
            flow.kill()
        # What it has risen to is known to Redis alone; and it falls and rises again while others take over.
        running = start()
        for again in (stopped - 40, stopped):
            explode(client, "gate", again)
            version = client.hget("quantum:p35:alerts:state", "version")
            wait_for(
                lambda version=version: client.hget("quantum:p35:alerts:state", "version") != version, "another check"
            )
        assert told(client) == expected
    for flow in running:
        flow.kill()
    explode(client, "nothing", 0)
    running = start()
    expected.append(("resolved", "CRITICAL"))
    wait_for(lambda: told(client) == expected, "the end")
    assert [flow.stop() for flow in running] == [0, 0]
    assert told(client) == expected
    assert sorted(logged()) == ["ends", "escalates", "escalates", "fires"]


def test_a_default_receiver_hears_of_an_escalation_at_once_and_of_its_end(
    client: redis.Redis, flows: FlowProcess.Factory
) -> None:
    hostile = "a\x1b[2J\nb"
    with HttpReceiver() as web:
        flow = flows(**LONG, ALERT_NOTIFY_URLS=web.url, ALERT_NOTIFY_SPACING_SEC="0")
        wait_for(lambda: client.exists("quantum:p35:alerts:lease:1"), "the sender")
        explode(client, "mild", 410)
        wait_for(lambda: told(client, "mild"), "what a default receiver does not hear of")
        explode(client, hostile, 410)
        wait_for(lambda: told(client, hostile) == [("firing", "MEDIUM")], "another one")
        explode(client, hostile, 900)
        wait_for(lambda: len(web.messages) == 1, "the escalation at the receiver")
        assert told(client, hostile)[-1] == ("firing", "CRITICAL")
        explode(client, "nothing", 0)
        wait_for(lambda: len(web.messages) == 2, "its end at the receiver")
        assert flow.stop() == 0
    assert [one["title"].split()[0] for one in web.messages] == ["CRITICAL", "resolved:"]
    assert "worse after" in web.messages[0]["message"]
    assert not any("mild" in text for text in web.texts)
    lines = [line for line in flow.log().splitlines() if "alert escalates" in line or "alert ends" in line]
    assert lines
    assert all(line.isprintable() for line in lines)


def test_an_instance_that_is_always_second_shows_what_the_first_found(
    server: PrivateRedis, client: redis.Redis
) -> None:
    second, one = new_metrics(), service(server.url)
    checks = redis_ends(AlertsSettings(), one, second).checks
    assert isinstance(checks, PolledSource)
    fires = 'p35_alerts_firing{kind="gate_explosion",severity="CRITICAL"}'
    for minute, stopped in ((0, 900), (10, 0)):
        World(client).count(minute, {"EXECUTE": 1000}, {"gate": stopped, "none": 1000 - stopped})
        run(server.url, AlertsSettings(), new_metrics(), [at(minute)])
        part = checks.build_part("checks", "singleton", None)
        assert part.next_batch()
        part.close()
        shown = generate_latest(second.registry).decode().splitlines()
        assert f"{fires} {float(stopped > 0)}" in shown
        assert ("p35_alert_firing_since_timestamp_seconds{" in str(shown)) == (stopped > 0)
