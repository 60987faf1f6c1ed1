"""The polled source against a clock set by hand: aligned, never piling up, and saying so when it skips."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from bytewax.inputs import StatefulSourcePartition
from structlog.testing import capture_logs

from connectors import polled
from connectors.errors import RedisAway
from connectors.polled import PolledSource
from tests.support.services import service


class Clock:
    """Stands in for the module `time`."""

    def __init__(self, now: float) -> None:
        self.now = now

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock(1_003.0)
    monkeypatch.setattr(polled, "time", one)
    return one


def partition(read: Callable[[], float | None], interval: float = 10.0) -> StatefulSourcePartition[float, None]:
    """A source that reads every `interval` seconds; it connects to nothing."""
    source = PolledSource(service("redis://127.0.0.1:1/0"), "test", interval, lambda _client: read())
    return source.build_part("step", "singleton", None)


def skips(logs: list[Any]) -> list[Any]:
    """The lines that tell of skipped polls."""
    return [line for line in logs if "skipping polls" in line["event"]]


def test_it_reads_at_once_and_then_at_whole_intervals(clock: Clock) -> None:
    one = partition(lambda: clock.now)
    seen = []
    for now in (1_003.0, 1_003.1, 1_009.9, 1_010.0, 1_010.1, 1_019.9, 1_020.3, 1_030.0):
        clock.now = now
        seen += one.next_batch()
    assert seen == [1_003.0, 1_010.0, 1_020.3, 1_030.0]


@pytest.mark.parametrize("slow", ["the read", "what comes after it"])
def test_a_turn_that_takes_too_long_skips_times_and_says_so_once(clock: Clock, slow: str) -> None:
    begun = []

    def read() -> float:
        begun.append(clock.now)
        if slow == "the read":
            clock.now += 25.0
        return clock.now

    one = partition(read)
    with capture_logs() as logs:
        for _ in range(4):
            assert len(one.next_batch()) == 1
            if slow != "the read":
                clock.now += 25.0
            while clock.now < one._due:  # type: ignore[attr-defined]
                assert one.next_batch() == []
                clock.now += 1.0
            clock.now = max(clock.now // 1, one._due)  # type: ignore[attr-defined]
    assert begun[0] == 1_003.0
    assert all(later - earlier >= 25.0 for earlier, later in itertools.pairwise(begun)), "none piled up"
    (said,) = skips(logs)
    assert said["skipped"] in (1, 2)


def test_skipping_is_news_again_after_ten_turns_in_time(clock: Clock) -> None:
    one = partition(lambda: 1.0)
    with capture_logs() as logs:
        for step in (0, 30, *[10] * 9, 30, *[10] * 10, 30):
            clock.now += step
            assert one.next_batch() == [1.0]
    assert len(skips(logs)) == 2


def test_an_outage_is_no_skipping(clock: Clock) -> None:
    fails = [True]

    def read() -> float:
        if fails[0]:
            raise RedisAway("away")
        return 1.0

    one = partition(read)
    with capture_logs() as logs:
        for _ in range(5):
            assert one.next_batch() == []
            clock.now += 30.0
        fails[0] = False
        assert one.next_batch() == [1.0]
    assert not skips(logs)


def test_delays_between_attempts_may_be_longer_than_the_interval(clock: Clock) -> None:
    begun = set()

    def read() -> float:
        begun.add(clock.now)
        raise RedisAway("away")

    one = partition(read, interval=0.5)
    for _ in range(600):
        assert one.next_batch() == []
        clock.now += 0.1
    assert 60 / 2 <= len(begun) <= 60 / 1 + 10, "within a minute, one or two seconds apart but for the first ones"


def test_a_read_that_blocks_is_not_waited_for_once_more() -> None:
    """The runtime takes the time before a turn, and waits after it until `next_awake` by that time."""

    def read() -> None:
        time.sleep(0.3)

    one = partition(read)
    one.next_batch()
    awake, now = one.next_awake(), datetime.now(UTC)
    assert awake is not None
    assert awake < now
