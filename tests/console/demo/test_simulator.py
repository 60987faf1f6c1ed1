"""The simulator: deterministic, both publishers' shapes, phases, and the rate that was asked for."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from console.demo.simulator import CYCLE_SECONDS, EXPLOSIONS, SYMBOLS, TICK, Fields, Phase, Simulator
from flows.domain.decisions import event_seconds, gate_of, kind_of
from sinks.values.counts import DECISIONS, UNKNOWN

STARTED = 1_769_929_020.0

APPLY_LAYER = ["plan_id", "symbol", "decision", "executed", "would_execute", "steps_results", "error", "timestamp"]
INTENT_EXECUTOR = ["event_type", "plan_id", "symbol", "executed", "source", "details", "timestamp"]


def run(simulator: Simulator, begin: float, end: float) -> list[Fields]:
    """All entries between two moments, in seconds since the start."""
    ticks = range(round(begin / TICK), round(end / TICK))
    return [entry for tick in ticks for entry in simulator.entries(tick, STARTED)]


def test_equal_seeds_give_equal_entries_and_others_do_not() -> None:
    assert run(Simulator(1, 200), 0, 5) == run(Simulator(1, 200), 0, 5)
    assert run(Simulator(1, 200), 0, 5) != run(Simulator(2, 200), 0, 5)


def test_a_tick_does_not_depend_on_the_ticks_before_it() -> None:
    assert run(Simulator(1, 200), 3, 4) == run(Simulator(1, 200), 0, 4)[-len(run(Simulator(1, 200), 3, 4)) :]


def test_both_shapes_have_exactly_the_fields_of_their_publishers() -> None:
    shapes = Counter(tuple(entry) for entry in run(Simulator(1, 200), 0, CYCLE_SECONDS))
    (first, many), (second, some), *broken = shapes.most_common()
    assert (list(first), list(second)) == (APPLY_LAYER, INTENT_EXECUTOR)
    assert sum(count for _shape, count in broken) < 0.02 * (many + some)


def test_values_look_like_those_of_the_publishers() -> None:
    for entry in run(Simulator(1, 200), 0, CYCLE_SECONDS):
        if list(entry) == APPLY_LAYER:
            assert entry["executed"] == str(entry["decision"] == "EXECUTE")
            assert (entry["error"] == "") == (entry["decision"] == "EXECUTE")
        elif list(entry) == INTENT_EXECUTOR:
            details = json.loads(entry["details"])
            assert details["plan_id"] == entry["plan_id"]
            assert details["symbol"] == entry["symbol"]
            assert json.dumps(details["executed"]) == entry["executed"] == json.dumps("error" not in details)
        assert entry["symbol"] in (*SYMBOLS, "")


def test_a_few_entries_are_broken_in_every_way() -> None:
    entries = run(Simulator(1, 1000), 0, CYCLE_SECONDS)
    broken = [entry for entry in entries if list(entry) not in (APPLY_LAYER, INTENT_EXECUTOR)]
    assert {"MAYBE", ""} <= {entry.get("decision", "(none)") for entry in broken}
    assert {"", "not-a-time"} <= {entry["timestamp"] for entry in broken}
    assert any(entry.get("details") == "{broken" for entry in broken)


@pytest.mark.parametrize("rate", [0.5, 7, 50, 1234.5])
def test_over_a_cycle_the_rate_is_what_was_asked_for(rate: float) -> None:
    simulator = Simulator(1, rate)
    assert len(run(simulator, 0, CYCLE_SECONDS)) == simulator.due(CYCLE_SECONDS) == int(rate * CYCLE_SECONDS)


def test_busy_is_busier_than_quiet() -> None:
    simulator = Simulator(1, 100)
    quiet, busy = run(simulator, 0, 4), run(simulator, 4, 8)
    assert (simulator.phase(1), simulator.phase(6)) == (Phase.QUIET, Phase.BUSY)
    assert len(busy) > 2 * len(quiet)


@pytest.mark.parametrize("cycle", range(5))
def test_one_gate_explodes_in_every_cycle(cycle: int) -> None:
    simulator = Simulator(3, 200)
    begin = cycle * CYCLE_SECONDS + 8.0
    assert simulator.phase(begin) is simulator.phase(begin + 23.9) is Phase.EXPLOSION
    reasons = Counter(gate_of(kind_of(encode(entry)).reason) for entry in run(simulator, begin, begin + 24))
    gate, count = reasons.most_common(1)[0]
    assert gate == gate_of(simulator.exploding(begin))
    assert count > 0.8 * reasons.total()


def test_the_first_explosion_is_of_stale_permits() -> None:
    assert Simulator(99, 1).exploding(12) == EXPLOSIONS[0] == "p33_permit_denied:stale"


@pytest.mark.parametrize("seed", [35, 1, 2])
def test_from_the_twentieth_second_to_the_fortieth_a_window_from_the_start_says_not_trading(seed: int) -> None:
    simulator = Simulator(seed, 50)
    decided: Counter[str] = Counter()
    shares = []
    for second in range(45):
        decided.update(kind_of(encode(entry)).decision for entry in run(simulator, second, second + 1))
        shares.append(decided["EXECUTE"] / decided.total())
    assert min(shares[:8]) > 0.3, "it begins well"
    assert max(shares[19:41]) < 0.2


def test_outside_of_explosions_the_mix_is_healthy() -> None:
    entries = run(Simulator(4, 500), 32, CYCLE_SECONDS)
    shares = Counter(kind_of(encode(entry)).decision for entry in entries)
    share = {decision: shares[decision] / len(entries) for decision in DECISIONS}
    assert 0.3 < share["EXECUTE"] < 0.5
    assert 0.3 < share["SKIP"] < 0.5
    assert 0.1 < share["BLOCKED"] < 0.2
    assert 0 < share["ERROR"] < 0.05
    assert 0 < share[UNKNOWN] < 0.05


def test_timestamps_follow_the_clock() -> None:
    for entry in Simulator(1, 500).entries(100, STARTED):
        seconds, skewed = event_seconds(entry["timestamp"].encode(), int((STARTED + 5) * 1000), 300)
        assert skewed or seconds == STARTED + 5


def encode(entry: Fields) -> dict[bytes, bytes]:
    """`entry` as Redis gives it."""
    return {name.encode(): value.encode() for name, value in entry.items()}
