"""What an hour or a day is to be: sums, what may be lessened, and what stays when parts have expired."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.domain.history import add_up, change_of, of_minute, settle, settled
from sinks.values.counts import Counts
from sinks.values.history import DAY, HOUR, Changes, Replacement, RollUp

START = 29_498_400
"""2026-02-01 00:00 UTC, in minutes."""

GATES = st.dictionaries(st.sampled_from(["a", "b", "none", "proof_1"]), st.integers(1, 9), min_size=1)


def is_proof(gate: str) -> bool:
    return gate.startswith("proof_")


def part(number: int, gates: dict[str, int], step: int = 1) -> RollUp:
    """A minute of the hour, or an hour of the day, in which all was skipped and of one symbol."""
    total = sum(gates.values())
    pairs = {("S", gate): count for gate, count in gates.items()}
    return RollUp(START + number * step, step, step, {"SKIP": total}, gates, {("S", "SKIP"): total}, pairs)


def hour(parts: dict[int, dict[str, int]]) -> RollUp:
    return add_up(START, HOUR, [part(number, gates) for number, gates in parts.items()])


def result(stored: RollUp | None, parts: dict[int, dict[str, int]], *, young: bool) -> RollUp | None:
    change = change_of(START, HOUR, stored, [part(number, gates) for number, gates in parts.items()])
    return settled(change, young=young, is_proof=is_proof)


def test_a_bucket_is_folded_into_gates() -> None:
    counts = Counts(
        {"SKIP": 3, "ERROR": 0},
        {"a:x": 1, "a:y": 2, ":odd": 1, "none": 4},
        symbol_decisions={("S", "SKIP"): 3},
        symbol_reasons={("S", "a:x"): 1, ("S", "a:y"): 2},
    )
    expected = RollUp(START, 1, 1, {"SKIP": 3}, {"a": 3, ":odd": 1, "none": 4}, {("S", "SKIP"): 3}, {("S", "a"): 3})
    assert of_minute(START, counts) == expected


@given(st.dictionaries(st.integers(0, 59), GATES, max_size=8))
def test_an_hour_is_the_sum_of_its_minutes_field_by_field(parts: dict[int, dict[str, int]]) -> None:
    one = hour(parts)
    total: Counter[str] = Counter()
    for gates in parts.values():
        total.update(gates)
    assert one.gates == total
    assert one.symbol_gates == {("S", gate): count for gate, count in total.items()}
    assert one.decisions.get("SKIP", 0) == one.symbol_decisions.get(("S", "SKIP"), 0) == total.total()
    assert (one.minutes, one.parts) == (len(parts), sum(2**number for number in parts))


def test_a_day_is_the_sum_of_its_hours() -> None:
    day = add_up(START, DAY, [part(0, {"a": 1}, 60), part(23, {"a": 2, "b": 1}, 60)])
    assert (day.gates, day.minutes, day.parts) == ({"a": 3, "b": 1}, 120, 1 | 1 << 23)


@given(st.dictionaries(st.integers(0, 5), GATES, max_size=5), st.dictionaries(st.integers(0, 5), GATES, max_size=5))
def test_a_young_hour_whose_parts_all_live_is_their_sum(
    before: dict[int, dict[str, int]], more: dict[int, dict[str, int]]
) -> None:
    stored = hour(before) if before else None
    now = before | more
    expected = hour(now) if now else None
    assert result(stored, now, young=True) == (None if expected == stored else expected)


@given(
    st.dictionaries(st.integers(0, 5), GATES, min_size=1),
    st.dictionaries(st.integers(0, 8), GATES),
    st.booleans(),
)
def test_nothing_lessens_an_hour_whose_parts_are_gone(
    before: dict[int, dict[str, int]], live: dict[int, dict[str, int]], young: bool
) -> None:
    """And what was counted in parts that it was not made of is added, each once."""
    live = {number: gates for number, gates in live.items() if number != min(before)}
    stored = hour(before)
    after = result(stored, live, young=young) or stored
    for gate, count in stored.gates.items():
        assert after.gates.get(gate, 0) >= count or (young and is_proof(gate))
    for number in live.keys() - before.keys():
        assert after.parts >> number & 1
    assert (result(after, live, young=young) or after) == after


def test_new_minutes_of_an_hour_whose_first_have_expired_are_added() -> None:
    stored = hour({0: {"a": 5}, 1: {"b": 1}})
    assert result(stored, {30: {"a": 2}}, young=False) == hour({0: {"a": 5}, 1: {"b": 1}, 30: {"a": 2}})
    assert result(stored, {1: {"b": 1}}, young=False) is None
    assert result(stored, {}, young=False) is None


def test_an_old_hour_whose_minutes_all_live_takes_what_comes_late() -> None:
    stored = hour({0: {"a": 5}, 1: {"b": 1}})
    assert result(stored, {0: {"a": 6}, 1: {"b": 1}}, young=False) == hour({0: {"a": 6}, 1: {"b": 1}})
    assert result(stored, {0: {"a": 1}, 1: {"b": 1}}, young=False) is None  # (it has expired, and begun anew)


def test_of_an_old_hour_no_decision_is_lessened_where_its_gates_hold_their_own() -> None:
    skipped = RollUp(START, 1, 1, {"SKIP": 1}, {"a": 1}, {("S", "SKIP"): 1}, {("S", "a"): 1})
    stored = add_up(START, HOUR, [skipped])
    # The minute has expired, and begun anew.
    for again in (
        replace(skipped, decisions={"ERROR": 1}),
        replace(skipped, symbol_decisions={("S", "ERROR"): 1}),
        replace(skipped, symbol_gates={("T", "a"): 1}),
    ):
        assert settled(change_of(START, HOUR, stored, [again]), young=False, is_proof=is_proof) is None


def test_what_a_proof_took_back_is_gone_from_a_young_hour() -> None:
    stored = hour({0: {"a": 1, "proof_1": 2}, 1: {"proof_1": 3}})
    assert result(stored, {0: {"a": 1}}, young=True) == hour({0: {"a": 1}})
    assert result(stored, {0: {"a": 1}}, young=False) is None
    absent = result(hour({1: {"proof_1": 3}}), {}, young=True)
    assert absent is not None
    assert absent.minutes == 0


@pytest.mark.parametrize(("stamp", "expected"), [(0.0, 5_000.0), (5_000.0, 5_000.001), (9_000.0, 5_000.0)])
def test_no_two_versions_have_the_same_time(stamp: float, expected: float) -> None:
    stored = RollUp(START, HOUR, 1, {}, {"a": 1}, parts=1, updated_ts=stamp)
    change = change_of(START, HOUR, stored, [part(0, {"a": 2})])
    done = settle(Changes(5_000.0, (change,), None, 1.0), parts_live=1e12, is_proof=is_proof)
    (one,) = done.replaced
    assert one == Replacement(stored, one.after)
    assert one.after.updated_ts == pytest.approx(expected)
    assert (done.now, done.newest, done.started) == (5_000.0, None, 1.0)


def test_the_newest_hour_is_one_that_has_ended() -> None:
    change = change_of(START, HOUR, None, [part(0, {"a": 2})])
    for now, newest in (((START + 59) * 60.0, None), ((START + 60) * 60.0, START)):
        assert settle(Changes(now, (change,), None, 0.0), parts_live=1e9, is_proof=is_proof).newest == newest
