"""Times, numbers and trends as people read them: something never looks like nothing, and unknown is not 0."""

from __future__ import annotations

import pytest

from console.queries.readable import age, clock, number
from console.terminal.cells import sparkline


@pytest.mark.parametrize(
    ("seconds", "said"), [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h"), (172_799, "1 d"), (172_800, "2 d")]
)
def test_age(seconds: float, said: str) -> None:
    assert age(seconds) == said


def test_what_no_calendar_has_is_unknown() -> None:
    assert clock(1_769_929_020.0) == "2026-02-01 06:57:00 UTC"
    assert clock(1e300) == clock(float("nan")) == "unknown"
    assert (number(None), number(1_234_567)) == ("unknown", "1,234,567")


def test_a_sparkline_has_a_character_a_value() -> None:
    assert sparkline([None, 0.0, 0.001, 0.5, 1.0, 2.0], 1.0) == " ▁▂▅██"
    assert sparkline([None, 0.0, 0.001, 1.0], 1.0, ascii_only=True) == " _:@"
    assert sparkline([0.0, 0.0], 0.0) == "▁▁"
    assert len(set(sparkline([0.01, 0.27, 0.42, 0.88, 0.999], 1.0))) == 5
