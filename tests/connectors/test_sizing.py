"""How many entries to ask for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.delivery import Entry
from connectors.sizing import READS_AHEAD, BatchSizer, CommitWeight

BUDGET = 4 * 1024 * 1024


def entries(count: int, size: int) -> list[Entry]:
    """So many entries of so many bytes."""
    return [Entry(b"1-1", [b"", b"x" * size])] * count


def settled(size: int, most: int = 2_000) -> int:
    """What a sizer asks for once it has seen many entries of `size`."""
    sizer = BatchSizer(most)
    for _ in range(40):
        sizer.saw(entries(sizer.count, size))
    return sizer.count


def test_small_entries_are_asked_for_by_the_most_that_is_allowed() -> None:
    assert settled(100) == 2_000
    assert settled(0) == 2_000
    assert settled(10, most=1) == 1


@given(st.integers(0, 100_000))
def test_a_reply_of_equal_entries_stays_within_the_budget_and_uses_it(size: int) -> None:
    count = settled(size)
    assert count * size <= BUDGET
    assert count == 2_000 or (count + 1) * (size + 1) > BUDGET


def test_an_entry_larger_than_the_budget_is_asked_for_alone() -> None:
    assert settled(BUDGET + 1) == 1


def test_it_grows_twofold_at_most_and_shrinks_at_once() -> None:
    sizer = BatchSizer(2_000)
    counts = [sizer.count]
    for _ in range(9):
        sizer.saw(entries(sizer.count, 10))
        counts.append(sizer.count)
    assert counts == [8, 16, 32, 64, 128, 256, 512, 1_024, 2_000, 2_000]
    sizer.saw(entries(2_000, 1024 * 1024 - 1))
    assert sizer.count == 4


@given(st.integers(0, 5_000_000))
def test_what_is_read_ahead_fills_the_budget_of_one_reply_at_the_most(size: int) -> None:
    sizer = BatchSizer(2_000)
    for _ in range(40):
        sizer.saw(entries(sizer.count, size))
    assert 1 <= sizer.ahead <= READS_AHEAD
    assert sizer.ahead == 1 or sizer.ahead * sizer.count * size <= BUDGET


def test_reads_that_are_to_grow_are_sent_one_at_a_time() -> None:
    sizer = BatchSizer(2_000)
    ahead = []
    for _ in range(9):
        sizer.saw(entries(sizer.count, 10))
        ahead.append((sizer.count, sizer.ahead))
    assert ahead == [*((one, 1) for one in (16, 32, 64, 128, 256, 512, 1_024)), (2_000, 4), (2_000, 4)]
    sizer.saw(entries(30, 10))
    assert sizer.ahead == 1


def test_who_has_caught_up_asks_for_little() -> None:
    sizer = BatchSizer(2_000)
    for _ in range(9):
        sizer.saw(entries(sizer.count, 10))
    sizer.saw(entries(30, 10))
    assert sizer.count == 60
    sizer.saw(entries(1, 10))
    assert sizer.count == 8


def test_the_first_request_is_small_because_nothing_is_known() -> None:
    assert BatchSizer(100_000).count == 8
    assert BatchSizer(5).count == 5


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 10_000)), min_size=1), st.integers(1, 5_000))
def test_it_always_asks_for_something_and_never_for_more_than_allowed(seen: list[tuple[int, int]], most: int) -> None:
    sizer = BatchSizer(most)
    for count, size in seen:
        before = sizer.count
        sizer.saw(entries(count, size))
        assert 1 <= sizer.count <= min(most, 2 * before)


def test_what_is_dear_to_commit_is_read_few_at_a_time_until_it_is_cheap_again() -> None:
    weight = CommitWeight()
    sizer = BatchSizer(1_000, weight)
    for _ in range(9):
        sizer.saw(entries(sizer.count, 10))
    weight.saw(1_000, 60_000)
    sizer.saw(entries(1_000, 10))
    assert sizer.count == 133
    weight.saw(10, 10_000)
    sizer.saw(entries(133, 10))
    assert sizer.count == 133, "a small commit tells nothing"
    counts = []
    for _ in range(4):
        weight.saw(sizer.count, sizer.count)
        sizer.saw(entries(sizer.count, 10))
        counts.append(sizer.count)
    assert counts == [266, 532, 1_000, 1_000]


def test_what_was_dear_once_is_not_dear_for_ever() -> None:
    weight = CommitWeight()
    sizer = BatchSizer(1_000, weight)
    weight.saw(64, 64 * 4_000)
    for _ in range(40):
        sizer.saw(entries(sizer.count, 10))
        weight.saw(sizer.count, 50 + sizer.count)
    assert sizer.count == 1_000
