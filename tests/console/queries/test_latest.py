"""The last full minute beside its window, gates of which none stands out, and when shares clearly differ."""

from __future__ import annotations

import random

import pytest

from console.queries.latest import last_minute
from console.queries.verdict import Verdict, many_gates, verdict
from flows.domain.difference import clearly_apart
from flows.domain.thresholds import Severity, Thresholds
from flows.domain.windows import Minutes
from sinks.values.counts import Counts

RUNNING = 100


def minute(execute: int, **stopped: int) -> Counts:
    """A minute with so many EXECUTE, and so many that gates blocked."""
    blocked = sum(stopped.values())
    return Counts({"EXECUTE": execute, "BLOCKED": blocked}, {"none": execute, **stopped}, {})


def said(newest_first: list[Counts], *, ended: bool = False, window: str = "5m") -> Verdict:
    """The verdict on minutes of which the first is the running one."""
    minutes = Minutes(RUNNING, {RUNNING - ago: one for ago, one in enumerate(newest_first)}, 15, ended)
    return verdict(minutes.window(window), Thresholds(), minutes)


FINE = minute(50, a=20, b=20, c=10)
EXPLODED = minute(10, p33_permit_denied=90)


def test_an_explosion_is_told_though_the_window_still_trades() -> None:
    assert said([FINE] * 5) == Verdict(Severity.NORMAL, "Trading: 50 % executed")
    # Ninety seconds in: half of the running minute, the last one, and half of the one before.
    partly = minute(30, p33_permit_denied=55, a=15)
    half = minute(5, p33_permit_denied=45)
    # Window: 5 + 10 + 30 + 50 + 50 of 450 are executed.
    assert said([half, EXPLODED, partly, FINE, FINE]) == Verdict(
        Severity.SERIOUS,
        "Trading has stopped: p33_permit_denied blocks 90 % of decisions for 2 min, 10 % executed in the last minute"
        " (32 % in 5m)",
        "p33_permit_denied",
    )
    assert said([half, EXPLODED, *[FINE] * 13], window="15m").sentence.startswith("Trading has stopped: p33_permit")


def test_trading_that_goes_on_again_is_told() -> None:
    stopped = minute(2, p33_permit_denied=98)
    assert said([minute(5, a=2), minute(60, a=40), stopped, stopped, stopped]) == Verdict(
        Severity.ATTENTION,
        "Trading again: 60 % executed in the last minute (17 % in 5m), but a blocks 40 % of decisions in it",
        "a",
    )


def test_a_gate_that_has_just_come_is_told_while_we_trade() -> None:
    risen = minute(30, p33_permit_denied=70)
    assert said([FINE, risen, FINE, FINE, FINE]) == Verdict(
        Severity.ATTENTION,
        "Trading: 30 % executed in the last minute (46 % in 5m), but p33_permit_denied blocks 70 % of decisions in it",
        "p33_permit_denied",
    )


def test_another_gate_that_stops_trading_now_is_the_one_that_is_named() -> None:
    before, after = minute(10, p33_permit_denied=90), minute(12, action_hold=88)
    assert said([after, after, before, before, before]) == Verdict(
        Severity.SERIOUS,
        "Not trading: action_hold blocks 88 % of decisions in the last minute, 12 % executed",
        "action_hold",
    )


def test_silence_is_told_where_there_was_none_before() -> None:
    nothing = Counts({}, {}, {})
    assert said([nothing, nothing, FINE, FINE, FINE]) == Verdict(
        Severity.SERIOUS, "Trading has stopped: no decisions arrived in the last minute (50 % executed in 5m)"
    )
    # Decisions that come in bursts are silent in between; and those of the running minute end a silence.
    assert said([nothing, nothing, FINE, nothing, FINE]).sentence == "Trading: 50 % executed"
    assert said([FINE, nothing, FINE, FINE, FINE]).sentence == "Trading: 50 % executed"


def test_of_a_window_in_the_past_the_last_minute_is_full() -> None:
    assert said([EXPLODED, FINE, FINE, FINE, FINE]).sentence == "Trading: 42 % executed"
    assert said([EXPLODED, FINE, FINE, FINE, FINE], ended=True).sentence.startswith("Trading has stopped")
    assert said([], ended=True).sentence == "Not trading: no decisions arrived"


def test_few_decisions_tell_nothing_of_a_minute() -> None:
    for execute, each, differs in ((0, 6, False), (0, 7, True), (50, 17, False), (35, 22, False), (10, 30, True)):
        counted = {RUNNING - ago: FINE for ago in range(5)} | {RUNNING - 1: minute(execute, a=each, b=each, c=each)}
        latest = last_minute(Minutes(RUNNING, counted, 15), "5m")
        assert latest is not None
        assert (latest.window.total, latest.differs) == (execute + 3 * each, differs), (execute, each)
    assert last_minute(Minutes(RUNNING, {RUNNING: FINE}, 15), "1m") is None


@pytest.mark.parametrize(("share", "other"), [(0.3, 0.3), (0.05, 0.05), (0.45, 0.37)])
def test_shares_that_differ_by_chance_are_not_called_apart(share: float, other: float) -> None:
    """Drawn, not derived: of a thousand pairs that are in truth less than 10 points apart, next to none is found."""
    draw = random.Random(7)
    wrong = 0
    for _ in range(1_000):
        total, many = draw.randint(20, 200), draw.randint(100, 800)
        count = sum(draw.random() < share for _ in range(total))
        wrong += clearly_apart(count, total, sum(draw.random() < other for _ in range(many)), many)
    assert wrong <= 3


def test_shares_that_truly_differ_are_called_apart() -> None:
    draw = random.Random(7)
    for _ in range(200):
        count, other = sum(draw.random() < 0.9 for _ in range(60)), sum(draw.random() < 0.2 for _ in range(240))
        assert clearly_apart(count, 60, other, 240)
    assert clearly_apart(0, 100, 100, 100)
    assert clearly_apart(100, 100, 0, 100)
    assert not clearly_apart(0, 0, 100, 100)
    assert not clearly_apart(19, 19, 0, 100)


def test_many_gates_are_called_many() -> None:
    twelve = minute(4, **{f"gate{number}": 8 for number in range(12)})
    assert said([twelve] * 5) == Verdict(
        Severity.SERIOUS, "Not trading: 12 gates block 96 % of decisions and none stands out, 4 % executed"
    )
    # Half of it, by three of them.
    some = minute(4, a=16, b=16, c=16, **{f"gate{number}": 6 for number in range(8)})
    assert said([some] * 5).sentence == "Not trading: a blocks 16 % of decisions, 4 % executed"
    window = Minutes(RUNNING, {RUNNING: minute(4, a=15, b=16, c=16, d=16, e=33)}, 1).window("1m")
    assert not many_gates(window)
