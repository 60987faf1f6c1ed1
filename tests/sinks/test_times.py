"""Times as they are written: names of minutes, and seconds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.times import minute_name, seconds_text


@given(st.integers(0, 3_697_423_199))
def test_every_minute_up_to_the_year_8999_has_a_name_of_twelve_digits_that_leads_back(minute: int) -> None:
    name = minute_name(minute)
    assert len(name) == 12
    assert datetime.strptime(name, "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp() == minute * 60


@given(st.lists(st.integers(0, 3_000_000_000), min_size=2, max_size=6))
def test_names_of_minutes_sort_as_the_minutes_do(minutes: list[int]) -> None:
    assert [minute_name(minute) for minute in sorted(minutes)] == sorted(map(minute_name, minutes))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0"),
        (100.0, "100"),
        (1_769_929_020.0, "1769929020"),
        (1_769_929_020.5, "1769929020.5"),
        (1_769_929_020.123, "1769929020.123"),
        (1_769_929_020.1234, "1769929020.123"),
        (1_769_929_019.9999998, "1769929020"),
    ],
)
def test_seconds_are_written_whole_or_with_milliseconds(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
