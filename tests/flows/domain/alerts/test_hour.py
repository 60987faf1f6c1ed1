"""A simulated hour and more with a known script: exactly the alerts that it calls for, whatever is restarted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
import redis

from connectors.private_redis import PrivateRedis
from flows.settings.alerts import AlertsSettings
from tests.support.alert_world import GROUP, STATUS, STREAM, World, at, new_metrics, published, run

MINUTES = 70

BASELINE = {"EXECUTE": 80, "SKIP": 70, "BLOCKED": 40, "ERROR": 10}
GATES = {"none": 80, "no_position": 40, "duplicate_plan": 30, "action_hold": 40, "exception": 10}
WAVE = {"EXECUTE": 40, "SKIP": 150, "BLOCKED": 10}
HIGH_WAVE = {"EXECUTE": 6, "SKIP": 190, "BLOCKED": 4}
SPREAD = {"none": 40, **{f"gate_{number}": 32 for number in range(5)}}
ERRORS = {"EXECUTE": 60, "SKIP": 20, "ERROR": 120}

EXPLOSIONS = {9: ("g399", 399), 14: ("g400", 400), 19: ("g600", 600), 24: ("g800", 800)}
"""Minute -> gate, and how many of 1,000 decisions it stops. The four minutes before and after are silent."""

EXPECTED = [
    (14, "firing", "gate_explosion", "g400", "MEDIUM"),
    (19, "firing", "gate_explosion", "g600", "HIGH"),
    (19, "resolved", "gate_explosion", "g400", "MEDIUM"),
    (24, "firing", "gate_explosion", "g800", "CRITICAL"),
    (24, "resolved", "gate_explosion", "g600", "HIGH"),
    (29, "resolved", "gate_explosion", "g800", "CRITICAL"),
    (33, "firing", "consumer_behind", "lag", "HIGH"),
    (37, "firing", "consumer_behind", "pending", "HIGH"),
    (37, "resolved", "consumer_behind", "lag", "HIGH"),
    (40, "resolved", "consumer_behind", "pending", "HIGH"),
    (41, "firing", "consumer_behind", "trimmed", "HIGH"),
    (42, "resolved", "consumer_behind", "trimmed", "HIGH"),
    (44, "firing", "skip_high", "SKIP", "MEDIUM"),  # above 70 % from minute 29 on
    (44, "firing", "symbol_stuck", "STUCK", "MEDIUM"),  # last executed at the start of minute 29
    (50, "firing", "skip_high", "SKIP", "HIGH"),  # 75 75 75 95 95 are above 80 %: minute 45
    (53, "resolved", "skip_high", "SKIP", "HIGH"),  # 95 95 35 35 35 are 59 %
    (59, "firing", "error_high", "ERROR", "CRITICAL"),  # 0 5 5 5 60 are above 10 %: minute 54
    (62, "resolved", "symbol_stuck", "STUCK", "MEDIUM"),
    (65, "resolved", "error_high", "ERROR", "CRITICAL"),  # 60 5 5 5 5 are 16 % in minute 64
]


def script(world: World, client: redis.Redis, minute: int, ids: list[str]) -> None:
    """What happens in the simulated minute."""
    if minute <= 4:  # a quiet night: a gate stops everything, but hardly anything comes
        world.count(minute, {"SKIP": 10}, {"no_position": 10})
    elif minute in EXPLOSIONS:
        gate, stopped = EXPLOSIONS[minute]
        world.count(minute, {"BLOCKED": stopped, "EXECUTE": 1000 - stopped}, {gate: stopped, "none": 1000 - stopped})
    elif minute < 29:
        return
    elif minute <= 43:
        world.count(minute, WAVE, SPREAD)
    elif minute <= 50:
        world.count(minute, HIGH_WAVE, SPREAD)
    elif 54 <= minute <= 60:
        world.count(minute, ERRORS, {"none": 60, "no_position": 20, "exception": 60, "binance_error": 60})
    else:
        world.count(minute, BASELINE, GATES)
    if minute >= 28:
        world.seen(minute, "STUCK", executed=minute <= 29 or minute == 62)
    if minute == 33:
        world.publish(1_001)
    elif minute == 37:
        ids += world.deliver()
    elif minute == 40:
        world.acknowledge(ids)
    elif minute == 41:
        client.hincrby(STATUS, "trimmed_total", 7)


def rows(alerts: list[dict[str, str]]) -> list[tuple[int, str, str, str, str]]:
    """`alerts` as `EXPECTED` names them, those of one minute sorted."""
    start = at(0, 0)
    minutes = [((int(one["timestamp"]) - start) // 60, one) for one in alerts]
    return sorted((minute, one["state"], one["kind"], one["reason"], one["severity"]) for minute, one in minutes)


@pytest.fixture
def prepared(client: redis.Redis) -> redis.Redis:
    """A Redis in which P3.5 has begun."""
    client.xgroup_create(STREAM, GROUP, "0", mkstream=True)
    client.hset(STATUS, "trimmed_total", 3)
    return client


def test_the_alerts_are_exactly_those_that_the_script_calls_for(server: PrivateRedis, prepared: redis.Redis) -> None:
    """The flow is started anew in the middle of every phase; the checks of the old one went on until then."""
    restarts = [0, 2, 7, 11, 16, 21, 26, 31, 35, 39, 41, 42, 43, 47, 52, 57, 61, 64, MINUTES]
    world, metrics, ids = World(prepared), new_metrics(), list[str]()

    def minutes(first: int, last: int) -> Iterator[float]:
        for minute in range(first, last):
            script(world, prepared, minute, ids)
            yield at(minute)

    for first, last in pairwise(restarts):
        run(server.url, AlertsSettings(), metrics, minutes(first, last))
    assert rows(published(prepared)) == sorted(EXPECTED)
    every = published(prepared)
    ids_of = {one["alert_id"]: [two["state"] for two in every if two["alert_id"] == one["alert_id"]] for one in every}
    assert all(states[-1] == "resolved" and set(states[:-1]) == {"firing"} for states in ids_of.values())
    assert len(ids_of) == 9
    explosion = next(one for one in every if one["reason"] == "g600")
    assert explosion["alert_id"] == f"p35_alert_{at(19)}_g600"
    assert explosion.items() >= {"window": "5m", "score": "600", "total": "1000", "share": "0.600"}.items()


def test_two_instances_publish_what_one_does(server: PrivateRedis, prepared: redis.Redis) -> None:
    world, ids = World(prepared), list[str]()
    for minute in range(MINUTES):
        script(world, prepared, minute, ids)
        for second in (50, 50, 51):  # at once, and a moment later
            run(server.url, AlertsSettings(), new_metrics(), [at(minute, second)])
    assert rows(published(prepared)) == sorted(EXPECTED)
