"""Hours are compared with the same hours of the same weekdays, as far as both are known."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from flows.domain.same_hours import WEEK, Hour, Name, SameHours, align

END = 100 * WEEK


def hour(at: int, total: int = 10, **gates: int) -> Hour:
    return Hour(at, total, {"gate": gates})


def hours(ats: Iterable[int], total: int = 10, **gates: int) -> list[Hour]:
    return [hour(at, total, **gates) for at in ats]


def compared(aligned: SameHours) -> dict[float, int]:
    """Weight -> decisions of the weeks before that have it."""
    found: dict[float, int] = {}
    for cell, weight in zip(aligned.then, aligned.weights, strict=True):
        found[weight] = found.get(weight, 0) + cell.total
    return found


def test_an_hour_is_compared_with_itself_in_each_week_and_the_others_tell_how_much_days_vary() -> None:
    over = hours(range(END - 24, END))
    weeks = [hours(range(END - (week + 1) * WEEK, END - week * WEEK)) for week in (1, 2, 3, 4)]
    found = align(over, weeks)
    assert (found.weeks, found.hours) == (4, 24)
    assert [cell.total for cell in found.now] == [40] * 6
    assert compared(found) == {0.25: 4 * 240, 0.0: 4 * 6 * 240}
    assert sorted(group.totals for group in found.days) == [(240,) * 4] * 7
    assert found.spans == ()


def test_each_hour_has_its_usual_mix_when_some_weeks_lack_it() -> None:
    """Two hours; of the first two weeks are known, of the second one: each counts as much as in a week."""
    over = [hour(END - 2), hour(END - 1)]
    weeks = [[hour(END - 2 - WEEK, 100), hour(END - 1 - WEEK, 50)], [hour(END - 2 - 2 * WEEK, 300)]]
    found = align(over, weeks)
    assert (found.weeks, found.hours) == (2, 2)
    assert compared(found) == {0.5: 400, 1.0: 50}
    assert [sum(found.then[index].total for index in block) for block in found.blocks] == [400, 50]


def test_an_hour_that_is_known_on_one_side_alone_is_left_out() -> None:
    over = hours([END - 3, END - 1])
    found = align(over, [hours([END - 3 - WEEK, END - 2 - WEEK])])
    assert found.hours == 1
    assert sum(cell.total for cell in found.now) == 10
    # (The hour between is at a time of day that the span does not have.)
    assert compared(found) == {1.0: 10}


def test_other_days_count_the_hours_of_the_day_that_the_span_has() -> None:
    found = align(hours(range(END - 3, END)), [hours(range(END - 2 * WEEK, END - WEEK))])
    assert compared(found) == {1.0: 30, 0.0: 6 * 30}
    assert [group.totals for group in found.days] == [(30,) * 7], "of one week no weekday is there twice"


@pytest.mark.parametrize(("days", "stretches"), [(2, [4, 4, 4]), (3, [4, 4]), (7, [4])])
def test_a_span_of_several_days_has_stretches_as_long_beside_it(days: int, stretches: list[int]) -> None:
    weeks = [hours(range(END - (week + 1) * WEEK, END - week * WEEK)) for week in (1, 2, 3, 4)]
    found = align(hours(range(END - 24 * days, END)), weeks)
    assert [len(group.totals) for group in found.spans] == stretches
    assert {total for group in found.spans for total in group.totals} == {240 * days}


def test_counts_add_up() -> None:
    over = [hour(END - 2, 5, a=2), hour(END - 1, 7, a=3, b=0)]
    found = align(over, [[hour(END - 2 - WEEK, 9, c=4), Hour(END - 1 - WEEK, 1, {"symbol": {"a": 1}})]])
    assert [dict(cell.counts) for cell in found.now] == [{Name("gate", "a"): 2}, {Name("gate", "a"): 3}]
    assert sorted(dict(cell.counts).popitem() for cell in found.then) == [(("gate", "c"), 4), (("symbol", "a"), 1)]


def test_what_belongs_to_the_span_is_not_a_week_before_it() -> None:
    over = hours(range(END - 24, END))
    assert align(over, [over]).weeks == 0


def test_more_of_something_than_there_are_decisions_is_an_error() -> None:
    with pytest.raises(ValueError, match="gate a is counted 7 times among 5 decisions"):
        align([hour(END - 1, 5, a=7, b=6)], [[hour(END - 1 - WEEK)]])


def test_a_span_of_more_than_a_week_overlaps_the_weeks_before() -> None:
    with pytest.raises(ValueError, match="169 hours"):
        align([hour(END - 169), hour(END - 1)], [])
    assert align(hours(range(END - WEEK, END)), []).hours == 0
    assert align([], [hours(range(END))]).hours == 0
