"""What a dataflow is made of: steps that keep state, and the functions that feed a step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource

from connectors import graph
from connectors.windowing import emit_at_once, tumble

MINUTE = timedelta(minutes=1)


def named(value: Any, more: int = 0) -> Any:
    return value


def at(_value: Any) -> datetime:
    return datetime(2026, 2, 1, tzinfo=UTC)


def test_steps_that_keep_state_are_found_behind_the_input_only() -> None:
    flow = Dataflow("f")
    up = op.map("plain", op.input("in", flow, TestingSource([1])), named)
    keyed = op.key_on("keyed", up, str)
    clock, minutes = win.EventClock(at, MINUTE), win.TumblingWindower(MINUTE, align_to=at(0))
    counted = win.count_window("counted", up, clock, minutes, str).down
    ours = tumble("ours", keyed, MINUTE, at, MINUTE).down
    kept = op.stateful_map("kept", op.map("again", keyed, named), lambda _state, value: (value, value))
    other = op.key_on("other_key", op.input("other", flow, TestingSource([1])), str)
    op.output("out", op.merge("all", counted, ours, kept, op.stateful_map("elsewhere", other, named)), TestingSink([]))
    assert graph.stateful_behind(flow, "f.in", emit_at_once) == ["f.counted", "f.kept"]
    assert graph.stateful_behind(flow, "f.other", emit_at_once) == ["f.elsewhere"]
    assert graph.stateful_behind(flow, "f.missing", emit_at_once) == []


def test_the_functions_before_a_step_are_those_that_made_what_comes_to_it() -> None:
    flow = Dataflow("f")
    up = op.map("first", op.input("in", flow, TestingSource([1])), at)
    low, high = op.map("low", up, named), op.map("high", up, partial(named, more=1))
    mixed = op.filter("some", op.merge("both", low, high, op.flat_map("third", up, lambda one: [one])), bool)
    op.output("out", op.redistribute("spread", mixed), TestingSink([]))
    lines = open(__file__, encoding="utf-8").read().split("\n")  # noqa: SIM115, PTH123
    first = lines.index("def named(value: Any, more: int = 0) -> Any:") + 1
    found = graph.functions_before(flow, "f.out")
    assert found[0] == f"named (test_graph.py:{first})"
    assert len(found) == 2
    assert "<lambda> (test_graph.py:" in found[1]
    assert graph.functions_before(flow, "f.missing") == []


def test_no_dataflow_runs_in_a_process_that_was_started_otherwise() -> None:
    assert graph.running() is None
