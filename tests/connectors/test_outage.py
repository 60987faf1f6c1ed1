"""Outages: one line when Redis goes, one when it is back, and who is to blame."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from connectors.errors import RedisAway, RedisDenied, RedisFull, RedisReadOnly, UnexpectedReply, WrongType
from connectors.lifecycle import Lifecycle
from connectors.outage import FIRST_DELAY, LONGEST_DELAY, Backoff, Outage, once_more


def events(logs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What happened, in order."""
    return [entry["event"] for entry in logs]


@pytest.fixture
def outage() -> Outage:
    """One that has been up."""
    one = Outage(Lifecycle(), "redis:6379/0")
    one.up("source")
    return one


def test_one_line_says_that_redis_is_away_and_one_that_it_is_back(outage: Outage) -> None:
    with capture_logs() as logs:
        for _ in range(3):
            for part in ("source", "commit", "status"):
                outage.down(part, RedisAway("refused"))
        for _ in range(3):
            for part in ("source", "commit", "status"):
                outage.up(part)
    assert events(logs) == ["waiting for Redis", "Redis is back"]
    assert (logs[0]["cause"], logs[0]["redis"], logs[0]["log_level"]) == ("refused", "redis:6379/0", "warning")


def test_redis_is_up_only_while_every_part_heard_good_of_it() -> None:
    outage = Outage(Lifecycle())
    assert not outage.redis_up
    outage.up("source")
    assert outage.redis_up
    outage.down("source", RedisAway("x"))
    outage.down("commit", RedisAway("x"))
    outage.up("source")
    assert not outage.redis_up
    outage.up("commit")
    assert outage.redis_up


@pytest.mark.parametrize("error", [RedisFull("full"), RedisReadOnly("replica"), WrongType("a key")])
def test_another_cause_in_the_middle_of_an_outage_is_said_once(outage: Outage, error: RedisFull) -> None:
    outage.down("source", RedisAway("refused"))
    with capture_logs() as logs:
        outage.down("commit", error)
        outage.down("commit", error)
        outage.down("source", RedisAway("refused"))
    assert [entry["cause"] for entry in logs] == [str(error)]


def test_only_a_redis_that_is_away_is_said_to_be_waited_for(outage: Outage) -> None:
    with capture_logs() as logs:
        for _ in range(2):
            outage.down("commit", WrongType("a key"))
            outage.down("source", RedisAway("refused"))
        for part in ("commit", "source"):
            outage.up(part)
        outage.down("source", RedisAway("refused"))
    assert [(line["event"], line.get("cause")) for line in logs] == [
        ("refused by Redis; trying again", "a key"),
        ("waiting for Redis", "refused"),
        ("Redis is back", None),
        ("waiting for Redis", "refused"),
    ]


def test_what_would_be_refused_for_ever_ends_the_process_with_one_line() -> None:
    lifecycle = Lifecycle()
    outage = Outage(lifecycle)
    with capture_logs() as logs:
        assert not outage.hopeless(RedisAway("refused"))
        assert not lifecycle.stopping
        assert outage.hopeless(UnexpectedReply("ERR what?"))
        assert outage.hopeless(UnexpectedReply("ERR what?"))
    assert (lifecycle.stopping, lifecycle.exit_status) == (True, 70)
    assert events(logs) == ["Redis rejects a command; retrying would not help: ERR what?"]


def test_a_password_that_was_never_accepted_ends_the_process_with_78() -> None:
    lifecycle = Lifecycle()
    outage = Outage(lifecycle)
    with capture_logs() as logs:
        outage.down("source", RedisDenied("Redis refuses the password"))
        outage.down("commit", RedisDenied("Redis refuses the password"))
    assert (lifecycle.stopping, lifecycle.exit_status) == (True, 78)
    assert events(logs) == ["Redis refuses the password"]


def test_a_password_that_is_refused_later_is_waited_for(outage: Outage) -> None:
    lifecycle = Lifecycle()
    outage = Outage(lifecycle)
    outage.up("source")
    outage.down("source", RedisDenied("rotated"))
    assert (lifecycle.stopping, lifecycle.exit_status) == (False, 0)
    assert not outage.redis_up


def test_a_redis_that_is_away_at_the_start_is_waited_for() -> None:
    lifecycle = Lifecycle()
    outage = Outage(lifecycle)
    with capture_logs() as logs:
        outage.down("source", RedisAway("refused"))
        outage.up("source")
    assert not lifecycle.stopping
    assert events(logs) == ["waiting for Redis", "Redis is back"]


def test_many_threads_make_one_line_each_way(outage: Outage) -> None:
    with capture_logs() as logs:
        for act in (lambda part: outage.down(part, RedisAway("x")), outage.up):
            threads = [threading.Thread(target=act, args=(f"part {number}",)) for number in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert events(logs) == ["waiting for Redis", "Redis is back"]


@pytest.mark.parametrize("luck", [0.5, 1.0])
def test_delays_double_up_to_the_longest_with_jitter_and_start_again_after_success(
    monkeypatch: pytest.MonkeyPatch, luck: float
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: low if luck == 0.5 else high)
    backoff = Backoff()
    delays = [backoff.next_delay() for _ in range(8)]
    assert delays == [luck * min(LONGEST_DELAY, FIRST_DELAY * 2**failures) for failures in range(8)]
    assert delays[-1] == luck * 2.0
    backoff.reset()
    assert backoff.next_delay() == luck * 0.05


def test_delays_stay_bounded_after_ten_thousand_failures() -> None:
    backoff = Backoff()
    assert all(0 < backoff.next_delay() <= 2.0 for _ in range(10_000))


def test_a_connection_that_broke_while_idle_is_no_outage() -> None:
    answers: list[object] = [redis.exceptions.ConnectionError("closed"), "answer"]

    def call() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert once_more(call) == "answer"


@pytest.mark.parametrize(
    ("errors", "kind", "calls"),
    [
        ([redis.exceptions.ConnectionError("closed"), redis.exceptions.ConnectionError("refused")], RedisAway, 2),
        ([redis.exceptions.OutOfMemoryError("full")], RedisFull, 1),
        ([OSError("no route"), redis.exceptions.ReadOnlyError("replica")], RedisReadOnly, 2),
    ],
)
def test_what_fails_again_or_otherwise_is_raised(errors: list[Exception], kind: type[Exception], calls: int) -> None:
    left = list(errors)

    def call() -> None:
        raise left.pop(0)

    with pytest.raises(kind):
        once_more(call)
    assert len(errors) - len(left) == calls
