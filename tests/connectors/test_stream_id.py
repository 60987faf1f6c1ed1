"""Stream IDs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import stream_id

NUMBERS = st.integers(0, 2**64 - 1)


@given(NUMBERS, NUMBERS)
def test_both_numbers_of_an_id_are_read_in_full(milliseconds: int, sequence: int) -> None:
    one = f"{milliseconds}-{sequence}".encode()
    assert stream_id.parse(one) == (milliseconds, sequence)
    assert stream_id.milliseconds(one) == milliseconds


def test_ids_order_by_number_and_not_by_text() -> None:
    ordered = [b"0-0", b"0-1", b"9-10", b"10-9", b"10-10", b"18446744073709551615-18446744073709551615"]
    by_text = sorted(ordered)
    assert by_text != ordered
    assert sorted(by_text, key=stream_id.parse) == ordered
    assert ordered[0] == stream_id.ZERO


def test_an_id_without_a_sequence_is_its_millisecond() -> None:
    assert stream_id.parse(b"5") == (5, 0)


@pytest.mark.parametrize("text", [b"", b"-", b"x-1", b"1-x", b"$"])
def test_what_is_no_id_raises_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        stream_id.parse(text)
