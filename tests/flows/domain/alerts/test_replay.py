"""A replay of checks over made-up minutes, against spans that are worked out by hand or in another way."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.domain.alerts.check import Terms
from flows.domain.alerts.replay import Spell, checks, interval_of, replay, spells
from flows.domain.thresholds import Thresholds
from sinks.values.counts import Counts

START = 29_498_820
"""A minute since the epoch; times in these tests are minutes after it."""

TERMS = Terms()


def fired(
    minutes: Mapping[int, Counts],
    last: int,
    terms: Terms = TERMS,
    first: int = 0,
) -> list[Spell]:
    """What would have fired at checks at the minutes `first` to `last`."""
    counted = sorted((START + minute, counts) for minute, counts in minutes.items())
    return spells(replay(counted, checks((START + first) * 60, (START + last) * 60, 60), terms))


def when(found: list[Spell]) -> list[tuple[str, str, str, float, float | None]]:
    """Kind, subject, severity, and from when to when, in minutes after START."""
    return [
        (
            one.key.kind,
            one.key.reason,
            one.severity,
            one.since / 60 - START,
            None if one.ended is None else one.ended / 60 - START,
        )
        for one in found
    ]


def mixed(execute: int, gate: int = 0) -> Counts:
    """A minute of 100 decisions, of which so many are EXECUTE and the rest SKIP, and so many are stopped by `gate`."""
    return Counts({"EXECUTE": execute, "SKIP": 100 - execute}, {"gate:detail": gate, "none": 100 - gate})


def test_an_explosion_begins_and_ends_at_the_checks_that_arithmetic_says() -> None:
    """10 % before and after, 50 % in the minutes 10 to 19; a check sees the four minutes before it.

    At check 13 they hold 10 + 3 * 50 of 400, 40 %; at check 21 as much, and at check 22 30 %, below 35 %.
    """
    minutes = {minute: mixed(50, 50 if 10 <= minute <= 19 else 10) for minute in range(40)}
    (one,) = fired(minutes, 40)
    assert when([one]) == [("gate_explosion", "gate", "MEDIUM", 13, 22)]
    assert (one.key.window, one.score, one.total, one.share) == ("5m", 160, 400, 0.4)
    # From 45 % on it takes all four minutes, and is over at 40 %.
    assert when(fired(minutes, 40, Terms(Thresholds(gate_medium=0.45)))) == [
        ("gate_explosion", "gate", "MEDIUM", 14, 21)
    ]
    assert fired(minutes, 40, Terms(Thresholds(gate_medium=0.51))) == []
    assert fired(minutes, 40, Terms(Thresholds(min_total=401))) == []
    # The last check in the midst of it does not know how it ends.
    assert when(fired(minutes, 20)) == [("gate_explosion", "gate", "MEDIUM", 13, None)]


def test_the_worst_severity_counts_and_its_figures() -> None:
    """Checks at 40, 60 and 80 % and back."""
    minutes = {minute: mixed(50, percent) for minute, percent in enumerate([10] * 4 + [40] * 4 + [60] * 4 + [0] * 9)}
    (one,) = fired(minutes, 20)
    # 10 10 40 40 are 25 %, 10 40 40 40 are 32.5, 40 40 40 40 at check 8; 60 60 60 60 at check 12; 60 60 0 0 are 30.
    assert when([one]) == [("gate_explosion", "gate", "HIGH", 8, 14)]
    assert (one.score, one.total) == (240, 400)


def test_what_must_last_a_quarter_of_an_hour_fires_after_one() -> None:
    """40 % EXECUTE, and 10 % from minute 10 on: 70 of 400 at check 13 are below 20 %, and a quarter later it is 28."""
    minutes = {minute: mixed(10 if 10 <= minute <= 29 else 40) for minute in range(40)}
    # Back: at check 31 it is 10 10 10 40, 17.5 %; at check 32 25 %, which is no longer below 25 %.
    # SKIP: above 80 % from check 13 on (82.5 %), for five minutes at check 18; above 70 % from check 12 on (75 %), for
    # a quarter at check 27, so it ends with that: 75 % at check 32, 67.5 % at 33, and at 34 60 %, not above 65 %.
    assert when(fired(minutes, 40)) == [
        ("skip_high", "SKIP", "HIGH", 18, 34),
        ("execute_low", "EXECUTE", "HIGH", 28, 32),
    ]
    # One good minute: 32.5 % at the checks 21 to 24, and SKIP 67.5 %. What is left is five minutes and no quarter.
    minutes[20] = mixed(100)
    assert when(fired(minutes, 40)) == [
        ("skip_high", "SKIP", "HIGH", 18, 21),
        ("skip_high", "SKIP", "HIGH", 30, 32),
    ]


def test_a_stuck_symbol_is_found_at_the_first_whole_minute_a_quarter_after_its_last_execution() -> None:
    """Executed within minute 5 for the last time: at check 20 less than a quarter ago, at check 21 more."""
    minutes = {
        minute: Counts(
            {"EXECUTE": 50, "SKIP": 50},
            {},
            {},
            {("A", "EXECUTE" if minute <= 5 else "SKIP"): 1, ("B", "EXECUTE"): 99},
        )
        for minute in range(30)
    }
    assert when(fired(minutes, 30)) == [("symbol_stuck", "A", "MEDIUM", 21, None)]
    without = {minute: Counts(counts.decisions) for minute, counts in minutes.items()}
    assert fired(without, 30) == []
    # Of one that never executed in what was read nobody knows since when: its quarter begins at check 7.
    later = {minute: counts for minute, counts in minutes.items() if minute > 5}
    assert when(fired(later, 30)) == [("symbol_stuck", "A", "MEDIUM", 22, None)]


def test_a_hole_in_the_record_ends_what_fires() -> None:
    minutes = {minute: mixed(50, 90) for minute in [*range(6), *range(20, 30)]}
    # Two minutes hold 100 decisions at the least: one at check 1; the last of them at check 9.
    assert when(fired(minutes, 30, first=1)) == [
        ("gate_explosion", "gate", "CRITICAL", 1, 10),
        ("gate_explosion", "gate", "CRITICAL", 21, None),
    ]


def test_the_cooldown_keeps_what_comes_back_waiting() -> None:
    """90 % in the minutes 0 and 6, of 1,000 decisions each, and nothing else: from check 1 to 5, and again from 7."""
    minutes = {minute: Counts({"SKIP": 1000}, {"gate": 900}) for minute in (0, 6)}
    spans = [(one.since / 60 - START, one.ended) for one in fired(minutes, 9, Terms(cooldown=0))]
    assert [since for since, _ended in spans] == [1, 7]
    spans = [(one.since / 60 - START, one.ended) for one in fired(minutes, 9, Terms(cooldown=480))]
    assert [since for since, _ended in spans] == [1, 9]


@pytest.mark.parametrize(
    ("begin", "end", "interval", "expected"),
    [(0, 120, 60, [0, 60, 120]), (1, 119, 60, [60]), (61, 119, 60, []), (100, 400, 90, [180, 270, 360])],
)
def test_checks_are_at_whole_intervals(begin: float, end: float, interval: float, expected: list[float]) -> None:
    assert list(checks(begin, end, interval)) == expected


def test_no_check_is_within_a_minute() -> None:
    assert [interval_of(Terms(interval=interval)) for interval in (0.1, 59, 60, 90, 3600)] == [60, 60, 60, 90, 3600]


MINUTE = st.none() | st.tuples(st.integers(1, 200), st.integers(0, 100))
"""Nothing, or so many decisions, and how many percent of them the gate stops."""


@given(st.lists(MINUTE, min_size=1, max_size=60), st.sampled_from([0.3, 0.4, 0.55]), st.integers(1, 300))
def test_explosions_are_those_of_a_plain_recount(
    world: list[tuple[int, int] | None], medium: float, least: int
) -> None:
    """Without a cooldown: it begins at or above the threshold and ends at five hundredths less, or with too few."""
    totals = [0 if one is None else one[0] for one in world]
    stopped = [0 if one is None else one[0] * one[1] // 100 for one in world]
    expected: list[tuple[int, int | None]] = []
    for at in range(len(world) + 1):
        total, of_gate = sum(totals[max(at - 4, 0) : at]), sum(stopped[max(at - 4, 0) : at])
        firing = bool(expected) and expected[-1][1] is None
        near = 1000 * of_gate > round(1000 * medium - 50) * total
        reached = of_gate >= medium * total - 1e-12
        if firing and (total < least or not near):
            expected[-1] = (expected[-1][0], at)
        elif not firing and total >= least and reached:
            expected.append((at, None))
    minutes = {
        at: Counts({"SKIP": totals[at]}, {"gate:a": stopped[at] // 2, "gate": stopped[at] - stopped[at] // 2})
        for at, one in enumerate(world)
        if one is not None
    }
    terms = Terms(Thresholds(min_total=least, gate_medium=medium), cooldown=0)
    found = [row[3:] for row in when(fired(minutes, len(world), terms)) if row[0] == "gate_explosion"]
    assert found == expected
