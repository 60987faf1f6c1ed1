"""What rose and fell, what is new and gone, and what only varies."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.domain.same_hours import Hour
from flows.domain.trend import FELL, GONE, NEW, NO_CLEAR_CHANGE, ROSE, VERDICTS, ShareChange, Trend, compare

WEEK = 168
END = 100 * WEEK

Counts = Mapping[str, int]


def hour(at: int, gates: Counts) -> Hour:
    return Hour(at, sum(gates.values()), {"gate": {name: count for name, count in gates.items() if count}})


def trend(now: Callable[[int], Counts], then: Callable[[int], Counts], span: int = 24, weeks: int = 4) -> Trend:
    """Of gates: `now` in the hours of the span, `then` before; both by the hour since the epoch."""
    against = [
        [hour(at, then(at)) for at in range(END - (week + 1) * WEEK, END - week * WEEK)] for week in range(1, weeks + 1)
    ]
    return compare([hour(at, now(at)) for at in range(END - span, END)], against)


def rows(found: Trend) -> dict[str, ShareChange]:
    return {row.name: row for row in found.rows}


def even(**gates: int) -> Callable[[int], Counts]:
    """The same in each hour."""
    return lambda _at: gates


def test_shares_and_what_they_are_made_of() -> None:
    found = trend(even(a=30, b=70), even(a=20, b=60))
    assert (found.total, found.hours, found.weeks, found.against_total) == (2_400, 24, 4, 7_680)
    a, b = found.rows
    assert (a.kind, a.name, a.now.count, a.now.share) == ("gate", "a", 720, 0.3)
    assert (a.then.count, a.then.share) == (1_920, 0.25)
    assert [a.difference, a.ratio] == pytest.approx([0.05, 1.2])
    assert a.verdict == ROSE
    assert b.verdict == FELL
    assert a.low is not None
    assert a.high is not None
    assert [b.high, b.low] == pytest.approx([-a.low, -a.high])
    assert a.q == pytest.approx(b.q)


def test_decisions_that_are_independent_are_judged_as_two_shares_are() -> None:
    """No dispersion at all, so decisions count in full; with 26 degrees of freedom, two tests, and as large counts."""
    found = rows(trend(even(a=39, b=61), even(a=36, b=64)))["a"]
    from scipy import stats
    from statsmodels.stats.proportion import test_proportions_2indep as two_shares

    usual = two_shares(24 * 39, 2_400, 4 * 24 * 36, 9_600, method="score", compare="diff", correction=False)
    assert 0.001 < usual.pvalue < found.q < 0.05
    # As far out as the oracle's z is t with as many degrees of freedom; both rows have the same p-value, so q is p.
    assert found.q == pytest.approx(2 * stats.t.sf(usual.statistic, 26), rel=0.1)
    assert found.low is not None
    assert found.low > 0.0


@pytest.mark.parametrize("span", [6, 24, 72, 168])
def test_the_same_as_ever_is_no_change(span: int) -> None:
    found = trend(even(a=10, b=30), even(a=10, b=30), span)
    assert {row.verdict for row in found.rows} == {NO_CLEAR_CHANGE}
    assert min(row.q for row in found.rows) > 0.8


def test_what_hour_and_weekday_bring_is_no_change() -> None:
    def usual(at: int) -> Counts:
        return {"a": 10 + at % 24 + 20 * (at // 24 % 7), "b": 50}

    assert {row.verdict for row in trend(usual, usual).rows} == {NO_CLEAR_CHANGE}
    assert all(row.difference == pytest.approx(0.0) for row in trend(usual, usual).rows)


def test_new_and_gone() -> None:
    found = rows(trend(even(a=10, b=40), even(b=30, c=9)))
    assert {name: row.verdict for name, row in found.items()} == {"a": NEW, "b": NO_CLEAR_CHANGE, "c": GONE}
    assert found["a"].ratio is None
    assert found["c"].ratio == 0.0
    assert found["a"].q < 0.001


def test_seen_at_other_hours_is_not_new() -> None:
    def then(at: int) -> Counts:
        return {"b": 40, "a": 1 if at == END - WEEK - 30 else 0}

    found = rows(trend(even(a=10, b=40), then))["a"]
    assert (found.verdict, found.then.count, found.ratio) == (ROSE, 0, None)


def test_a_single_burst_of_what_was_never_seen_may_be_chance() -> None:
    found = rows(trend(lambda at: {"a": 100 * (at == END - 5), "b": 40}, even(b=40)))["a"]
    assert found.verdict == NO_CLEAR_CHANGE
    assert found.q > 0.1


def test_days_that_vary_as_much_make_a_change_unclear() -> None:
    def varying(at: int) -> Counts:
        return {"a": (4, 12, 8)[at // 24 % 3], "b": 30}

    assert rows(trend(even(a=12, b=30), even(a=8, b=30)))["a"].verdict == ROSE
    assert rows(trend(even(a=12, b=30), varying))["a"].verdict == NO_CLEAR_CHANGE


def test_weeks_that_vary_as_much_make_a_change_unclear_though_days_agree() -> None:
    """By their days alone the weeks would be steady enough for it: 4.6 standard errors; by weeks it is 2.1."""

    def varying(at: int) -> Counts:
        week = (END - 1 - at) // WEEK
        return {"a": (0, 13, 19, 13, 19)[week], "b": 78}

    assert rows(trend(even(a=24, b=78), even(a=16, b=78), WEEK))["a"].verdict == ROSE
    assert rows(trend(even(a=24, b=78), varying, WEEK))["a"].verdict == NO_CLEAR_CHANGE


def test_what_was_as_far_out_before_is_no_news() -> None:
    """A p-value is not below the part of days that were as far from their weekdays."""

    def then(at: int) -> Counts:
        return {"a": 17 if (END - 1 - at) // 24 == 2 * 7 + 3 else 8, "b": 3_000}

    assert rows(trend(even(a=16, b=3_000), even(a=8, b=3_000)))["a"].verdict == ROSE
    assert rows(trend(even(a=16, b=3_000), then))["a"].q == pytest.approx(2 / 29)


@pytest.mark.parametrize("weeks", [0, 1, 2])
def test_few_weeks(weeks: int) -> None:
    found = trend(even(a=30, b=30), even(a=10, b=50), weeks=weeks)
    assert found.weeks == weeks
    assert [row.verdict for row in found.rows] == ([ROSE, FELL] if weeks else [])


def test_of_a_day_alone_it_is_not_known_how_much_days_vary() -> None:
    now = [hour(at, {"a": 30, "b": 30}) for at in range(END - 24, END)]
    then = [hour(at - WEEK, {"a": 10, "b": 50}) for at in range(END - 24, END)]
    found = compare(now, [then])
    assert [(row.low, row.high, row.q, row.verdict) for row in found.rows] == [(None, None, 1.0, NO_CLEAR_CHANGE)] * 2
    assert found.rows[0].difference == pytest.approx(1 / 3)


def test_nothing() -> None:
    assert compare([], []).rows == ()
    assert compare([Hour(END, 0, {})], [[Hour(END - WEEK, 0, {})]]).rows == ()


COUNTED = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 500))
HOURS = st.dictionaries(st.integers(END - 3 * WEEK, END - 1), COUNTED, max_size=60)


@settings(max_examples=25)
@given(HOURS, st.integers(1, WEEK), st.randoms())
def test_whatever_is_known(known: dict[int, Counts], span: int, chance: random.Random) -> None:
    found = [hour(at, gates) for at, gates in known.items()]
    over = [one for one in found if one.at >= END - span]
    end = max((one.at for one in over), default=0) + 1
    weeks = [[one for one in found if (end - 1 - one.at) // WEEK == week and one.at < END - span] for week in range(4)]
    answer = compare(over, weeks)
    for row in answer.rows:
        assert row.verdict in VERDICTS
        assert 0.0 <= row.q <= 1.0
        if row.low is not None and row.high is not None:
            assert -1.0000001 <= row.low <= row.difference <= row.high <= 1.0000001
    shuffled = [list(week) for week in weeks]
    for week in shuffled:
        chance.shuffle(week)
    again = compare(chance.sample(over, len(over)), chance.sample(shuffled, len(shuffled)))
    assert [(row.name, row.now, row.verdict) for row in again.rows] == [
        (row.name, row.now, row.verdict) for row in answer.rows
    ]
    assert [row.q for row in again.rows] == pytest.approx([row.q for row in answer.rows])
