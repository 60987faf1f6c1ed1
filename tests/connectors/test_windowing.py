"""Tumbling windows that emit each value at once: on time under its window, or late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.windowing import tumble

MINUTE = 29_498_817
Placed = list[tuple[str, tuple[int, float]]]


def placed(seconds: list[float], wait: float = 3_600.0) -> tuple[Placed, Placed]:
    """What is on time and what is late, with its window, when these event times come in this order."""
    flow, down, late = Dataflow("test"), [], []
    up = op.key_on("key", op.input("in", flow, TestingSource(seconds)), lambda _value: "k")
    windows = tumble(
        "window",
        up,
        timedelta(minutes=1),
        lambda value: datetime.fromtimestamp(value, UTC),
        timedelta(seconds=wait),
    )
    op.output("down", windows.down, TestingSink(down))
    op.output("late", windows.late, TestingSink(late))
    run_main(flow)  # type: ignore[no-untyped-call]
    return down, late


def test_both_sides_of_an_edge_are_in_their_own_windows_counted_from_the_epoch() -> None:
    edge = MINUTE * 60.0
    down, late = placed([edge - 0.001, edge, edge + 59.999])
    assert [window for _key, (window, _value) in down] == [MINUTE - 1, MINUTE, MINUTE]
    assert late == []


def test_what_is_further_behind_than_the_wait_is_late_and_keeps_its_window() -> None:
    newest = MINUTE * 60.0 + 600
    down, late = placed([newest, newest - 200], wait=60.0)
    assert [value for _key, (_window, value) in down] == [newest]
    assert late == [("k", (MINUTE + 6, newest - 200))]


@settings(max_examples=25)
@given(st.lists(st.integers(-7_200, 7_200), max_size=30), st.integers(0, 7_200))
def test_each_value_comes_out_once_under_its_own_window(offsets: list[int], wait: int) -> None:
    seconds = [MINUTE * 60.0 + offset for offset in offsets]
    down, late = placed(seconds, wait)
    out = [pair for _key, pair in down + late]
    assert sorted(value for _window, value in out) == sorted(seconds)
    assert all(window == value // 60 for window, value in out)
