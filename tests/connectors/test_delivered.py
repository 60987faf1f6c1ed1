"""What a consumer has seen, against a plain set of all IDs that it was given."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from connectors.delivered import DeliveredEntries
from connectors.delivery import Entry


def entries(numbers: list[int]) -> list[Entry]:
    return [Entry(f"{number // 3}-{number % 3}".encode(), []) for number in numbers]


def test_nothing_pending_is_no_surprise() -> None:
    assert DeliveredEntries().holds(None)


def test_what_never_came_is_not_held() -> None:
    assert not DeliveredEntries().holds(b"1-0")


def test_after_nothing_was_pending_all_is_forgotten() -> None:
    seen = DeliveredEntries()
    seen.read(entries([1, 2]))
    seen.taken(entries([7]))
    assert seen.holds(None)
    assert not seen.holds(b"0-1")
    assert not seen.holds(b"2-1")


@given(
    st.lists(st.tuples(st.sampled_from(["read", "lost", "taken"]), st.integers(1, 5)), max_size=20),
    st.lists(st.integers(0, 200), max_size=20),
)
def test_it_holds_what_was_given_and_no_reply_that_was_lost(
    deliveries: list[tuple[str, int]], looks: list[int]
) -> None:
    seen, given_ids, place = DeliveredEntries(), set(), 0
    for how, count in deliveries:
        # Entries of others lie between those that are taken over: every second ID.
        step = 2 if how == "taken" else 1
        numbers = list(range(place, place + count * step, step))
        place += count * step
        if how == "read":
            seen.read(entries(numbers))
        elif how == "taken":
            seen.taken(entries(numbers))
        if how != "lost":
            given_ids.update(numbers)
    for number in sorted(looks):  # (the oldest pending entry only ever grows)
        assert seen.holds(entries([number])[0].id) == (number in given_ids)
