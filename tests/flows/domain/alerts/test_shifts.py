"""What rose against the weeks before: found where it was planted, to the very limit, and not where it only varies."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from flows.domain.alerts.rules import find
from flows.domain.alerts.shifts import KEPT, hours_wanted, shifts_of
from flows.domain.alerts.view import SHIFTS_LAST, View, view_of
from flows.domain.same_hours import Hour
from flows.domain.thresholds import Thresholds
from sinks.values.alerts import HoursRead, Key, Shift, Shifts
from sinks.values.history import HOUR, RollUp
from tests.simulation.weeks import ALIKE, HOURS, make
from tests.support.alert_views import NOW, reading, said

END = 491_646
LAST = int(NOW // 3_600)
"""The hour in which the checks of these tests are."""


def hour(at: int, total: int = 100, **gates: int) -> RollUp:
    """An hour of one symbol, in which these gates skip."""
    none = total - sum(gates.values())
    decisions = {"EXECUTE": none, "SKIP": total - none}
    return RollUp(at * HOUR, HOUR, 60, decisions, {**gates, "none": none}, {("S", "SKIP"): total})


def judged(gates: Callable[[bool], dict[str, int]], hours: Iterable[int] = ()) -> Shifts:
    """Of `gates` of the span (True) and of the weeks before."""
    known = [hour(at, **gates(at >= END - 24)) for at in hours or hours_wanted(END)]
    return shifts_of(HoursRead(END, {one.start: one for one in known}))


def view(shifts: Shifts | None, now: float = NOW) -> View:
    return view_of(reading(now=now, shifts=shifts))


def found(shifts: Shifts | None, now: float = NOW, thresholds: Thresholds = Thresholds()) -> dict[str, bool]:  # noqa: B008
    """Gate -> whether the limit is reached, or only near."""
    conditions = find(view(shifts, now), thresholds)
    assert all((key.kind, key.window) == ("share_shift", "24h") for key in conditions)
    assert all((one.severity, one.lasts) == ("MEDIUM", 0) for all_ in conditions.values() for one in all_)
    return {key.reason: one.reached for key, (one,) in conditions.items()}


def at_end(shifts: Shifts) -> float:
    """Epoch seconds of a check soon after."""
    return shifts.end * 3_600 + 200.0


def test_it_looks_at_a_day_and_at_four_weeks_before() -> None:
    wanted = hours_wanted(END)
    assert len(set(wanted)) == len(wanted) == 24 + 4 * 168
    assert (min(wanted), max(wanted)) == (END - 5 * 168, END - 1)


def test_a_shift_that_was_planted_is_found() -> None:
    shifts = judged(lambda now: {"slow": 25 if now else 12, "steady": 30})
    assert (shifts.end, shifts.total, shifts.weeks) == (END, 2_400, 4)
    slow = shifts.gates["slow"]
    assert (slow.count, slow.share, slow.rose) == (600, 0.25, True)
    assert slow.before == pytest.approx(0.12)
    assert slow.q < 0.01
    assert found(shifts, at_end(shifts)) == {"slow": True}


@pytest.mark.parametrize(("now", "expected"), [(30, {}), (31, {"gate": True})])
def test_ten_points_are_none_and_eleven_are(now: int, expected: dict[str, bool]) -> None:
    shifts = judged(lambda is_now: {"gate": now if is_now else 20})
    assert shifts.gates["gate"].rose
    # (At 30 it is near: an alert that fires goes on.)
    reached = {gate: one for gate, one in found(shifts, at_end(shifts)).items() if one}
    assert reached == expected


def test_a_gate_that_was_never_seen_before_rose_and_one_that_fell_did_not() -> None:
    shifts = judged(lambda now: {"new": 15} if now else {"fell": 40})
    assert (shifts.gates["new"].before, set(shifts.gates)) == (0.0, {"new"})
    assert found(shifts, at_end(shifts)) == {"new": True}


def test_bursts_that_come_in_every_week_are_silent() -> None:
    """Of some days with bursts of five times the usual rate, on which single gates do gain ten points."""
    bursts = next(scenario for scenario in ALIKE if scenario.name == "bursts")
    gained = 0
    for seed in range(1, 13):
        world = make(bursts, seed)
        hours = {one.start: one for one in map(rolled, world.hours(0, HOURS))}
        shifts = shifts_of(HoursRead(HOURS, hours))
        gained += any(one.share - one.before > 0.10 for one in shifts.gates.values())
        assert found(shifts, at_end(shifts)) == {}, seed
    assert gained, "or there is nothing to be silent about"


def rolled(one: Hour) -> RollUp:
    """An hour of a made-up world, as history keeps it."""
    symbols = {(name, "SKIP"): count for name, count in one.counts["symbol"].items()}
    return RollUp(one.at * HOUR, HOUR, 60, dict(one.counts["decision"]), dict(one.counts["gate"]), symbols)


def test_without_a_week_before_nothing_is_told() -> None:
    shifts = judged(lambda _now: {"gate": 90}, range(END - 24, END))
    assert (shifts.weeks, shifts.gates) == (0, {})
    assert judged(lambda now: {"gate": 90 if now else 1}, range(END - 60, END)).gates == {}
    assert found(None) == {}


def test_one_week_before_is_enough() -> None:
    week = [*range(END - 336, END - 168), *range(END - 24, END)]
    shifts = judged(lambda now: {"gate": 60 if now else 20}, week)
    assert (shifts.weeks, found(shifts, at_end(shifts))) == (1, {"gate": True})


def test_hours_that_do_not_add_up_are_left_out() -> None:
    hours = {one.start: one for one in (hour(at, gate=20) for at in hours_wanted(END))}
    wrong = RollUp((END - 1) * HOUR, HOUR, 60, {"SKIP": 1}, {"gate": 10_000})
    shifts = shifts_of(HoursRead(END, {**hours, wrong.start: wrong}))
    assert (shifts.total, shifts.gates["gate"].share) == (2_300, 0.2)


def test_it_keeps_no_more_gates_than_can_have_risen() -> None:
    shifts = judged(lambda _now: {f"gate_{number:02}": 1 + (number == 40) for number in range(50)})
    assert len(shifts.gates) == KEPT
    assert next(iter(shifts.gates)) == "gate_40"


def shift(share: float, before: float, q: float = 0.001, *, rose: bool = True) -> Shifts:
    return Shifts(LAST, 1_000, 4, {"gate": Shift(round(share * 1_000), share, before, q, rose)})


@pytest.mark.parametrize(
    ("shifts", "expected"),
    [
        (shift(0.3, 0.2), {"gate": False}),
        (shift(0.3001, 0.2), {"gate": True}),
        (shift(0.3001, 0.2, 0.0099), {"gate": True}),
        (shift(0.3001, 0.2, 0.01), {"gate": False}),  # (what fires goes on: it did rise)
        (shift(0.3001, 0.2, 0.03, rose=False), {}),
        (shift(0.2501, 0.2), {"gate": False}),
        (shift(0.25, 0.2), {}),
    ],
)
def test_the_limits_are_exact(shifts: Shifts, expected: dict[str, bool]) -> None:
    assert found(shifts) == expected


def test_the_limits_are_settings() -> None:
    assert found(shift(0.26, 0.2), thresholds=Thresholds(shift=0.05)) == {"gate": True}
    assert found(shift(0.26, 0.2, 0.002), thresholds=Thresholds(shift=0.05, shift_q=0.001)) == {"gate": False}
    assert found(shift(0.4, 0.2), thresholds=Thresholds(min_total=1_001)) == {}


def test_what_was_judged_long_ago_tells_nothing_of_now() -> None:
    last = LAST * 3_600 + SHIFTS_LAST
    assert found(shift(0.4, 0.2), last) == {"gate": True}
    assert found(shift(0.4, 0.2), last + 1) == {}


def test_what_it_says() -> None:
    one = Key("share_shift", "no_position", "24h")
    shifts = Shifts(LAST, 24_113, 4, {"no_position": Shift(6_028, 0.25, 0.121, 0.00031, rose=True)})
    fires = said(*one[:2], one.window, view(shifts))
    assert fires.startswith("no_position stops more than in the weeks before: 25 % of 24,113 decisions in 24h; ")
    assert fires.endswith("; 25 % in 24h, 12.1 % in the same hours of the 4 weeks before (q 0.00031)")
    ended = "resolved after 2 min: no_position no longer stands out against the weeks before; "
    gone = Shifts(LAST, 24_113, 1, {"other": Shift(10, 0.1, 0.1, 1.0, rose=False)})
    assert (
        said(*one[:2], one.window, view(gone), "resolved", 120)
        == f"{ended}it is not among the gates that stop most in 24h"
    )
    unknown = "nothing is known of the last hours: see whether flows.history is running"
    assert said(*one[:2], one.window, view(None), "resolved", 120) == ended + unknown
