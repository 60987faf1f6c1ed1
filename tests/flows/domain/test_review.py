"""What persists, what is new, what grows."""

from __future__ import annotations

from collections.abc import Mapping

from flows.domain.review import Day, Growing, review

LAST = 20_000


def days(*weeks: Mapping[str, int]) -> list[Day]:
    """Seven days alike for each of `weeks`, oldest first; the last is the week that ends with LAST."""
    return [
        Day(LAST - 7 * back - day, sum(gates.values()), gates)
        for back, gates in enumerate(reversed(weeks))
        for day in range(7)
    ]


def test_what_is_among_the_first_three_each_day_persists() -> None:
    week = days({"none": 90, "d": 1, "c": 5, "b": 6, "a": 7})
    assert review(week, LAST).persistent == ("a", "b", "c")
    other = [day if day.at != LAST - 3 else Day(day.at, 100, {"a": 9, "b": 9, "d": 9, "e": 9}) for day in week]
    assert review(other, LAST).persistent == ("a", "b")


def test_nothing_persists_through_a_day_that_is_unknown() -> None:
    week = days({"a": 7})
    assert review(week[1:], LAST).persistent == ()


def test_what_was_not_seen_in_four_weeks_is_new() -> None:
    before = Day(LAST - 28, 5, {"b": 5, "c": 0})
    long_ago = Day(LAST - 35, 5, {"d": 5})
    found = review([*days({"a": 1, "b": 1, "c": 2, "d": 4, "none": 1}), before, long_ago], LAST)
    assert found.new == (("d", 28), ("c", 14), ("a", 7))
    assert found.known == 1


def test_nothing_is_new_where_nothing_was_known() -> None:
    assert review(days({"a": 1}), LAST).new == ()


def test_what_grew_in_each_of_three_weeks() -> None:
    found = review(
        days(
            {"none": 800, "up": 100, "down": 90, "wave": 10, "little": 1_000},
            {"none": 700, "up": 200, "down": 80, "wave": 20, "little": 1_001},
            {"none": 600, "up": 300, "down": 70, "wave": 30, "little": 1_002},
            {"none": 500, "up": 400, "down": 60, "wave": 25, "little": 1_003},
        ),
        LAST,
    )
    assert [(one.name, one.clear) for one in found.growing] == [("up", True), ("little", False)]
    assert found.growing[0] == Growing("up", (100 / 2_000, 200 / 2_001, 300 / 2_002, 400 / 1_988), True)


def test_growth_needs_four_weeks() -> None:
    assert review(days({"a": 1, "b": 9}, {"a": 2, "b": 8}, {"a": 3, "b": 7}), LAST).growing == ()


def test_nothing() -> None:
    found = review([], LAST)
    assert (found.persistent, found.new, found.growing, found.known) == ((), (), (), 0)
