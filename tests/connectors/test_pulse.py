"""When a process leaves signs of life, and when it must not."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import redis

from connectors.errors import RedisAway, RedisDenied
from connectors.lifecycle import Lifecycle
from connectors.outage import Outage
from connectors.private_redis import PrivateRedis
from connectors.pulse import EVERY_SECONDS, STALL_SECONDS, Pulse
from connectors.service import Service
from connectors.settings import RedisSettings


class Clock:
    """One that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Signs:
    """Counts them, at first without Redis; refuses with `error`."""

    def __init__(self) -> None:
        self.left = 0
        self.error: Exception | None = None

    def __call__(self, _client: redis.Redis) -> None:
        if self.error is not None:
            raise self.error
        self.left += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signs() -> Signs:
    return Signs()


@pytest.fixture
def outage() -> Outage:
    return Outage(Lifecycle())


@pytest.fixture
def pulse(signs: Signs, outage: Outage, clock: Clock) -> Pulse:
    return Pulse(signs, redis.Redis, outage, clock)


def test_a_sign_now_and_then_while_there_are_turns(pulse: Pulse, signs: Signs, outage: Outage, clock: Clock) -> None:
    outage.up("source")
    for _ in range(81):
        pulse.turn()
        clock.now += EVERY_SECONDS / 8
    assert signs.left == 1 + 80 / 8


def test_none_before_redis_has_answered_nor_while_a_part_waits_for_it(
    pulse: Pulse, signs: Signs, outage: Outage, clock: Clock
) -> None:
    pulse.turn()
    assert signs.left == 0
    outage.up("source")
    outage.up("status")
    pulse.turn()
    assert signs.left == 1
    outage.down("source", RedisAway("refused"))
    outage.up("status")
    clock.now += 10 * EVERY_SECONDS
    pulse.turn()
    assert signs.left == 1
    outage.up("source")
    pulse.turn()
    assert signs.left == 2


def test_a_worker_that_hangs_is_not_hidden_by_another_that_works(
    pulse: Pulse, signs: Signs, outage: Outage, clock: Clock
) -> None:
    def other() -> None:
        thread = threading.Thread(target=pulse.turn)
        thread.start()
        thread.join()

    outage.up("source")
    other()
    last = 0.0
    for _ in range(100):
        clock.now += 0.5
        before = signs.left
        pulse.turn()
        last = clock.now - 1000.0 if signs.left > before else last
    assert STALL_SECONDS - EVERY_SECONDS < last <= STALL_SECONDS


def test_a_part_beside_the_work_holds_none_back(pulse: Pulse, signs: Signs, outage: Outage, clock: Clock) -> None:
    outage.up("source")
    outage.down("receiver", RedisDenied("no right"), beside=True)
    pulse.turn()
    assert signs.left == 1
    outage.down("source", RedisDenied("no right"))
    clock.now += EVERY_SECONDS
    pulse.turn()
    assert signs.left == 1


@pytest.mark.parametrize("error", [redis.ConnectionError("gone"), redis.TimeoutError("slow"), OSError("broken")])
def test_what_fails_is_left_to_those_who_need_redis(
    pulse: Pulse, signs: Signs, outage: Outage, clock: Clock, error: Exception
) -> None:
    outage.up("source")
    signs.error = error
    pulse.turn()
    signs.error = None
    pulse.turn()
    assert (signs.left, outage.redis_up) == (0, True)
    clock.now += EVERY_SECONDS
    pulse.turn()
    assert signs.left == 1


@pytest.mark.parametrize(
    "error",
    [
        redis.exceptions.NoPermissionError("NOPERM no key"),
        redis.exceptions.OutOfMemoryError("OOM command not allowed when used memory > 'maxmemory'."),
    ],
)
def test_a_refusal_is_told_once(
    pulse: Pulse,
    signs: Signs,
    outage: Outage,
    clock: Clock,
    capsys: pytest.CaptureFixture[str],
    error: redis.ResponseError,
) -> None:
    outage.up("source")
    signs.error = error
    for _ in range(5):
        pulse.turn()
        clock.now += EVERY_SECONDS
    assert capsys.readouterr().out.count("cannot write the heartbeat") == 1
    signs.error = None
    pulse.turn()
    assert signs.left == 1


def test_a_service_that_is_asked_to_leaves_them_at_its_turns(server: PrivateRedis, client: redis.Redis) -> None:
    def sign(one: redis.Redis) -> Any:
        return one.incr("signs")

    settings = RedisSettings(redis_url=server.url)
    service = Service.create(settings, "test", None, Lifecycle(), sign)
    service.turn()
    assert client.get("signs") is None
    service.outage.up("source")
    service.turn()
    assert client.get("signs") == "1"
    silent = Service.create(settings, "test", None, Lifecycle())
    silent.outage.up("source")
    silent.turn()
    assert client.get("signs") == "1"
