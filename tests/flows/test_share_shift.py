"""A share that rose against the weeks before is told once, whoever is restarted, and once more when that is over."""

from __future__ import annotations

import pytest
import redis

from connectors.private_redis import PrivateRedis
from console.queries.trend import ask_trend
from flows.domain.alerts.shifts import hours_wanted
from flows.settings.alerts import AlertsSettings
from sinks import alerts
from sinks.alert_shifts import HourReader
from tests.flows.test_alerts_process import QUICK
from tests.support.alert_world import START, at, new_metrics, published, run
from tests.support.flow_process import FlowProcess
from tests.support.rollups import HOUR, plant
from tests.support.waiting import wait_for


def hours(client: redis.Redis, end: int, weeks: int, gate: int) -> None:
    """A day in which `slow` stops so many of 100 decisions an hour, and weeks in which it stops 12."""
    with client.pipeline(transaction=False) as batch:
        for ago in [*range(1, 25), *range(169, 169 + weeks * 168)]:
            gates = {"slow": gate if ago < 25 else 12, "other": 20}
            plant(batch, end - ago * HOUR, {"EXECUTE": 40, "SKIP": 60}, gates, symbols={"S": {"SKIP": 60}})
        batch.execute()


def told(client: redis.Redis) -> list[tuple[str, str, str, str]]:
    return [(one["kind"], one["reason"], one["state"], one["severity"]) for one in published(client)]


def look(server: PrivateRedis, now: float) -> int:
    """Start an instance that looks at the hours once, and stop it; how many hours it found."""
    with server.client() as raw:
        read = HourReader("quantum", hours_wanted, lambda: True)(raw, now)
    run(server.url, AlertsSettings(), new_metrics(), [], [] if read is None else [read])
    return 0 if read is None else len(read.hours)


def test_by_simulated_hours_with_restarts(server: PrivateRedis, client: redis.Redis) -> None:
    hours(client, START, 4, 25)
    assert look(server, at(3, 0)) == 696
    assert look(server, at(3, 1)) == 0, "another instance has judged it"
    for minute in (4, 5, 30):
        for second in (0, 35):  # (two instances, a moment apart)
            run(server.url, AlertsSettings(), new_metrics(), [at(minute, second)])
    assert told(client) == [("share_shift", "slow", "firing", "MEDIUM")]
    (one,) = published(client)
    assert (one["window"], one["score"], one["total"], one["share"]) == ("24h", "600", "2400", "0.250")
    assert "25 % in 24h, 12 % in the same hours of the 4 weeks before (q " in one["message"]
    # An hour later it is as before.
    hours(client, START + HOUR, 4, 13)
    assert look(server, at(63, 0)) > 0
    for minute in (64, 65):
        run(server.url, AlertsSettings(), new_metrics(), [at(minute)])
    assert told(client)[1:] == [("share_shift", "slow", "resolved", "MEDIUM")]
    assert published(client)[1]["alert_id"] == one["alert_id"]


def test_it_says_what_quantum_trend_says(server: PrivateRedis, client: redis.Redis) -> None:
    hours(client, START, 2, 17)
    look(server, at(3, 0))
    with server.client() as raw:
        rows = {row.name: row for row in ask_trend(raw, "quantum", 24, 4, at(3, 0)).trend.rows if row.kind == "gate"}
        shifts = alerts.read(raw, "quantum", at(4)).shifts
    assert shifts is not None
    assert {name: (one.count, one.share, one.before, one.q) for name, one in shifts.gates.items()} == {
        name: (row.now.count, row.now.share, row.then.share, row.q) for name, row in rows.items()
    }


@pytest.mark.parametrize("known", [False, True])
def test_without_history_it_is_silent(server: PrivateRedis, client: redis.Redis, known: bool) -> None:
    if known:  # (since yesterday)
        hours(client, START, 0, 90)
    assert look(server, at(3, 0)) == (24 if known else 0)
    run(server.url, AlertsSettings(), new_metrics(), [at(4), at(5)])
    assert told(client) == []
    assert bool(client.exists("quantum:p35:alerts:shifts")) is known
    assert look(server, at(9, 0)) == 0


def test_as_processes_of_its_own_user_that_are_killed(client: redis.Redis, flows: FlowProcess.Factory) -> None:
    end = (int(client.time()[0]) - 180) // HOUR * HOUR
    hours(client, end, 4, 30)
    hours(client, end + HOUR, 4, 30)  # (the hour may end meanwhile)
    running = [flows(**QUICK) for _ in range(2)]
    wait_for(lambda: told(client) == [("share_shift", "slow", "firing", "MEDIUM")], "the alert")
    for flow in running:
        flow.kill()
    running = [flows(**QUICK) for _ in range(2)]
    for _ in range(2):
        version = client.hget("quantum:p35:alerts:state", "version")
        wait_for(lambda version=version: client.hget("quantum:p35:alerts:state", "version") != version, "another check")
    assert [flow.stop() for flow in running] == [0, 0]
    assert len(told(client)) == 1, "it is told once"
    assert not [flow.log() for flow in running if "Traceback" in flow.log() or "skipping unusable" in flow.log()]
