"""What a supervisor hears, on a real socket: the protocol, and when nothing must be said."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import RedisAway
from connectors.lifecycle import Lifecycle
from connectors.outage import Outage
from connectors.supervisor import START_SECONDS, Supervisor
from tests.support.notify_socket import NotifySocket

PERIOD = 10.0
"""Seconds of silence that the supervisor of these tests bears."""

MORE_TIME = f"EXTEND_TIMEOUT_USEC={round(START_SECONDS * 1_000_000)}"


class Clock:
    """One that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["file", "abstract"])
def ears(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NotifySocket]:
    with NotifySocket(tmp_path if request.param == "file" else None) as one:
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lifecycle() -> Lifecycle:
    return Lifecycle()


@pytest.fixture
def supervisor(ears: NotifySocket, clock: Clock, lifecycle: Lifecycle) -> Supervisor:
    environment = {
        "NOTIFY_SOCKET": ears.name,
        "WATCHDOG_USEC": str(round(PERIOD * 1e6)),
        "WATCHDOG_PID": str(os.getpid()),
    }
    return Supervisor(lifecycle, environment, clock)


def in_thread(call: object) -> None:
    thread = threading.Thread(target=call)  # type: ignore[arg-type]
    thread.start()
    thread.join()


def test_ready_is_said_once_when_all_that_is_expected_has_heard_of_redis(
    supervisor: Supervisor, ears: NotifySocket
) -> None:
    supervisor.expect("source 1")
    supervisor.expect("source 2")
    for part in ("status", "source 1", "status"):
        supervisor.up(part)
    assert ears.messages == []
    for part in ("source 2", "source 2", "status"):
        supervisor.up(part)
    assert ears.messages == ["READY=1"]


def test_without_an_expectation_any_good_answer_makes_ready(supervisor: Supervisor, ears: NotifySocket) -> None:
    supervisor.up("status")
    assert ears.messages == ["READY=1"]


def test_a_start_that_goes_on_asks_for_more_time_while_it_does(
    supervisor: Supervisor, ears: NotifySocket, clock: Clock
) -> None:
    for _ in range(11):
        supervisor.turn()
        clock.now += 1.0
    assert ears.messages == [MORE_TIME] * 3
    supervisor.up("source")
    supervisor.turn()
    assert ears.messages == [MORE_TIME] * 3 + ["READY=1", "WATCHDOG=1"]


def test_turns_feed_the_watchdog_a_few_times_in_its_period(
    supervisor: Supervisor, ears: NotifySocket, clock: Clock
) -> None:
    supervisor.up("source")
    for _ in range(801):
        supervisor.turn()
        clock.now += 0.125
        ears.listen()
    assert ears.messages.count("WATCHDOG=1") == 1 + 4 * 100 / PERIOD


def test_no_turn_no_sign_of_life(supervisor: Supervisor, ears: NotifySocket, clock: Clock) -> None:
    supervisor.up("source")
    clock.now += 100 * PERIOD
    supervisor.up("source")
    assert ears.messages == ["READY=1"]


def test_one_worker_that_hangs_is_not_hidden_by_another_that_works(
    supervisor: Supervisor, ears: NotifySocket, clock: Clock
) -> None:
    supervisor.up("source")
    in_thread(supervisor.turn)
    alive = len(ears.messages)
    said_after = []
    for _ in range(40):
        clock.now += PERIOD / 20
        supervisor.turn()
        said_after += [clock.now - 1000.0] * (len(ears.messages) - alive)
        alive = len(ears.messages)
    assert said_after
    assert max(said_after) <= PERIOD / 2
    in_thread(supervisor.turn)
    assert ears.messages[-1] == "WATCHDOG=1"


def test_an_attempt_to_reach_redis_is_a_turn_and_an_outage_is_shown_until_it_is_over(
    supervisor: Supervisor, ears: NotifySocket, clock: Clock, lifecycle: Lifecycle
) -> None:
    outage = Outage(lifecycle, "redis:6379/0", supervisor)
    outage.up("source")
    supervisor.headline("all well")
    supervisor.turn()
    for _ in range(3):
        outage.down("source", RedisAway("refused"))
        clock.now += PERIOD
    outage.up("source")
    supervisor.headline("all well")
    assert ears.messages.count("WATCHDOG=1") >= 3
    assert ears.statuses() == ["all well", "waiting for Redis at redis:6379/0: refused", "all well"]


def test_a_thread_beside_the_workers_need_not_be_alive(
    supervisor: Supervisor, ears: NotifySocket, clock: Clock, lifecycle: Lifecycle
) -> None:
    outage = Outage(lifecycle, "", supervisor)
    in_thread(lambda: outage.up("a thread that waits for something else than Redis"))
    for _ in range(3):
        clock.now += PERIOD
        supervisor.turn()
    assert ears.messages == ["READY=1"] + ["WATCHDOG=1"] * 3


def test_a_status_is_one_printable_line(supervisor: Supervisor, ears: NotifySocket) -> None:
    supervisor.headline("x\nMAINPID=1\x1b[31m")
    (message,) = ears.messages
    assert message.startswith("STATUS=x")
    assert "\n" not in message
    assert "\x1b" not in message


def test_a_stop_is_told_once_by_whoever_sees_it(
    supervisor: Supervisor, ears: NotifySocket, lifecycle: Lifecycle
) -> None:
    supervisor.up("source")
    lifecycle.stop("test")
    for _ in range(3):
        supervisor.turn()
    assert ears.messages == ["READY=1", "STOPPING=1"]


def test_what_was_not_delivered_is_said_again(tmp_path: Path, clock: Clock) -> None:
    supervisor = Supervisor(Lifecycle(), {"NOTIFY_SOCKET": str(tmp_path / "notify")}, clock)
    supervisor.up("source")
    with NotifySocket(tmp_path) as ears:
        supervisor.up("source")
        assert ears.messages == ["READY=1"]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": ""},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
    ],
)
def test_a_watchdog_that_is_not_ours_is_not_fed(ears: NotifySocket, clock: Clock, environment: dict[str, str]) -> None:
    supervisor = Supervisor(Lifecycle(), {"NOTIFY_SOCKET": ears.name, **environment}, clock)
    supervisor.up("source")
    for _ in range(5):
        supervisor.turn()
        clock.now += 1.0
    assert ears.messages == ["READY=1"]


@pytest.mark.parametrize("name", ["", "relative", "/does/not/exist"])
def test_nobody_to_tell_is_no_error(name: str, clock: Clock, lifecycle: Lifecycle) -> None:
    supervisor = Supervisor(lifecycle, {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1"}, clock)
    supervisor.turn()
    supervisor.up("source")
    supervisor.trouble("x")
    lifecycle.stop("test")
    supervisor.turn()
