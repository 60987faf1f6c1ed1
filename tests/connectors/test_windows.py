"""Windows as values: which of them hold an instant, and what cannot be counted in them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import CountSession, CountWindows, Windows, hopping, session, tumbling
from connectors.testing import message
from connectors.windows import MOST_WINDOWS

INSTANTS = st.one_of(
    st.integers(0, 10**9), st.floats(0, 2e9), st.integers(1, 200).map(lambda end: math.nextafter(end, 0))
)
SHAPES = st.tuples(st.integers(1, 120), st.integers(1, 120)).filter(
    lambda pair: pair[1] <= pair[0] <= MOST_WINDOWS * pair[1]
)


@given(SHAPES, INSTANTS)
def test_an_instant_is_in_all_windows_that_hold_it_and_in_no_others(shape: tuple[int, int], instant: float) -> None:
    length, every = shape
    low = (math.floor(instant) - length) // every - 2
    expected = [
        number * every
        for number in range(low, low + 3 * length // every + 6)
        if number * every <= instant < number * every + length
    ]
    assert list(hopping(length, every=every).starts(instant)) == expected
    assert 1 <= len(expected) <= -(-length // every)


@given(st.integers(1, 10_000), INSTANTS)
def test_tumbling_windows_hold_an_instant_once(length: int, instant: float) -> None:
    (start,) = tumbling(length).starts(instant)
    assert start <= instant < start + length
    assert start % length == 0
    assert tumbling(length) == hopping(length, every=length)


@pytest.mark.parametrize(
    ("length", "every", "said"),
    [
        (0, 1, "length of windows is whole seconds, 1 or more, not 0"),
        (10, 0, "every of windows is whole seconds, 1 or more, not 0"),
        (10, -5, "not -5"),
        (0.5, 0.5, "length of windows is whole seconds, 1 or more, not 0.5"),
        ("10", 5, "not '10'"),
        (True, True, "not True"),
        (10, 11, "windows of 10 s cannot be 11 s apart"),
        (1_001, 10, "each instant would be in more than 100"),
    ],
)
def test_a_shape_that_cannot_be(length: Any, every: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        hopping(length, every=every)


VIEWS = Windows("views", hopping(10, every=5), grace=2)
AT_12 = message({"page": "a"}, b"12500-0")


def test_an_entry_is_counted_in_each_window_that_holds_its_time_or_another() -> None:
    assert VIEWS.count(AT_12, {"a": 1}) == CountWindows("views", 12.5, 10, (5, 10), {"a": 1})
    assert VIEWS.count(AT_12, {"a": 1}, at=9) == CountWindows("views", 9, 10, (0, 5), {"a": 1})
    assert VIEWS.count(AT_12, {}, at=9).counts == {}
    assert (VIEWS.into, Windows("views", tumbling(1), "out").into) == ("views:closed", "out")


def test_a_session_is_of_somebody_and_no_other_window_is() -> None:
    visits = Windows("visits", session(30))
    assert visits.count(AT_12, {"a": 1}, of="ann") == CountSession("visits", "ann", 12.5, 30, {"a": 1})
    assert visits.count(AT_12, {}, of="ann") == CountWindows("visits", 12.5, 1, (), {})
    for windows, of in ((visits, None), (VIEWS, "ann")):
        with pytest.raises(ValueError, match=f"of= says whose session, where there are sessions; not {of!r}"):
            windows.count(AT_12, {"a": 1}, of=of)
    with pytest.raises(ValueError, match="a session is of somebody, not of ''"):
        visits.count(AT_12, {"a": 1}, of="")
    with pytest.raises(ValueError, match=r"gap of sessions is whole seconds, 1 or more, not 0\.5"):
        session(0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [-0.1, math.nan, math.inf, 1_700_000_000_000, True, "5"])
def test_a_time_that_is_none(at: Any) -> None:
    with pytest.raises(ValueError, match=f"Windows 'views': {at!r} is no event time in epoch seconds"):
        VIEWS.count(AT_12, {"a": 1}, at=at)


def test_a_time_far_ahead_of_its_entry_is_refused_or_it_would_close_all_windows() -> None:
    assert VIEWS.count(AT_12, {"a": 1}, at=312.5).at == 312.5
    with pytest.raises(ValueError, match=r"event time 313 is more than 300 s ahead of 12\.5, when the entry was added"):
        VIEWS.count(AT_12, {"a": 1}, at=313)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"key": ""}, "Windows needs a key"),
        ({"shape": 10}, r"Windows 'k' are tumbling\(\.\.\.\), hopping\(\.\.\.\) or session\(\.\.\.\), not 10"),
        ({"into": 5}, "Windows 'k': into is the name of a stream, not 5"),
        ({"grace": -1}, "Windows 'k': grace is seconds, 0 or more, not -1"),
        ({"ahead": math.nan}, "ahead is seconds, 0 or more, not nan"),
        ({"ttl": 0}, "Windows 'k' cannot have a time to live of 0"),
        ({"max_length": 0}, "Windows 'k' cannot leave room for 0 entries"),
    ],
)
def test_windows_that_cannot_be(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Windows(**{"key": "k", "shape": tumbling(10), **arguments})
