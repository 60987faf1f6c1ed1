"""The efficiency math: the contract by example, and what must hold for any input."""

from __future__ import annotations

import math
import random
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.lookup_result import Failed, Found, LookupResult, Missing
from flows.domain.efficiency import DOWNSIZE, NONE, DownsizeLimits, Hint, Scale, clamp, finite, hint, judge, multiplier
from sinks.values.joins import REASONS, Efficiency

NOW = 1_769_929_020.0


def row(score: str = "0.8", confidence: str = "0.9", ts: str = "1769929020") -> Found:
    return Found({b"efficiency_score": score.encode(), b"confidence": confidence.encode(), b"ts": ts.encode()})


def without(field: bytes) -> Found:
    return Found({name: value for name, value in row().fields.items() if name != field})


def at(age: float) -> str:
    return repr(NOW - age)


JUDGED: list[tuple[str, LookupResult, tuple[float | None, float | None, str]]] = [
    ("fine", row(), (0.8, 0.9, "ok")),
    ("another type, or no answer", Failed("x"), (None, None, "redis_error")),
    ("no key", Missing(), (None, None, "missing_eff")),
    ("no score", without(b"efficiency_score"), (None, 0.9, "missing_eff")),
    ("no confidence", without(b"confidence"), (0.8, None, "missing_eff")),
    ("no time", without(b"ts"), (0.8, 0.9, "missing_eff")),
    ("score of text", row(score="high"), (None, 0.9, "missing_eff")),
    ("empty score", row(score=""), (None, 0.9, "missing_eff")),
    ("score NaN", row(score="NaN"), (None, 0.9, "missing_eff")),
    ("score inf", row(score="inf"), (None, 0.9, "missing_eff")),
    ("score -Infinity", row(score="-Infinity"), (None, 0.9, "missing_eff")),
    ("score too large to be finite", row(score="1e999"), (None, 0.9, "missing_eff")),
    ("score in Python's spelling", row(score="0_1"), (None, 0.9, "missing_eff")),
    ("confidence NaN", row(confidence="nan"), (0.8, None, "missing_eff")),
    ("time NaN", row(ts="nan"), (0.8, 0.9, "missing_eff")),
    ("time of text", row(ts="yesterday"), (0.8, 0.9, "missing_eff")),
    ("negative score", row(score="-0.2"), (0.0, 0.9, "ok")),
    ("score above 1", row(score="1.7"), (1.0, 0.9, "ok")),
    ("score -0", row(score="-0.0"), (0.0, 0.9, "ok")),
    ("spaces around", row(score=" 0.8\n"), (0.8, 0.9, "ok")),
    ("exponent", row(score="8e-1"), (0.8, 0.9, "ok")),
    ("just as old as is allowed", row(ts=at(600)), (0.8, 0.9, "ok")),
    ("a little older", row(ts=at(600.001)), (0.8, 0.9, "stale_eff")),
    ("just as far ahead as is allowed", row(ts=at(-600)), (0.8, 0.9, "ok")),
    ("a little further ahead", row(ts=at(-600.001)), (0.8, 0.9, "stale_eff")),
    ("time 0", row(ts="0"), (0.8, 0.9, "stale_eff")),
    ("negative time", row(ts="-5"), (0.8, 0.9, "stale_eff")),
    ("13 digits are milliseconds", row(ts="1769929020123"), (0.8, 0.9, "ok")),
    ("10 fraction digits", row(ts="1769929019.5000000001"), (0.8, 0.9, "ok")),
    ("just confident enough", row(confidence="0.65"), (0.8, 0.65, "ok")),
    ("a little less", row(confidence="0.6499"), (0.8, 0.6499, "low_conf")),
    ("negative confidence", row(confidence="-1"), (0.8, -1.0, "low_conf")),
    ("confidence above 1", row(confidence="1.5"), (0.8, 1.5, "ok")),
    ("missing goes before stale", Found({b"ts": b"0", b"confidence": b"0.1"}), (None, 0.1, "missing_eff")),
    ("stale goes before low confidence", row(confidence="0.1", ts="0"), (0.8, 0.1, "stale_eff")),
]


@pytest.mark.parametrize(("found", "expected"), [case[1:] for case in JUDGED], ids=[case[0] for case in JUDGED])
def test_what_is_made_of_a_row(found: LookupResult, expected: tuple[float | None, float | None, str]) -> None:
    known = judge(found, NOW, 600, 0.65)
    assert tuple(known) == expected
    assert known.stale == (expected[2] == "stale_eff")
    assert known.score is None or not math.copysign(1, known.score) < 0, "no negative zero"


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0.0, "0.5"), (0.1, "0.6"), (0.5, "1.0"), (0.3, "0.8"), (0.9, "1.4"), (1.0, "1.5")],
)
def test_the_multiplier_of_the_contract(score: float, expected: str) -> None:
    known = Efficiency(score, 0.9, "ok")
    assert round(Decimal(multiplier(known, Scale())), 4) == Decimal(expected)


def test_the_multiplier_stops_at_its_bounds() -> None:
    steep = Scale(0.7, 1.2, 1.1, 3.0)
    assert multiplier(Efficiency(0.0, 0.9, "ok"), steep) == 0.7
    assert multiplier(Efficiency(1.0, 0.9, "ok"), steep) == 1.2
    assert multiplier(Efficiency(0.5, 0.9, "ok"), steep) == 1.1


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0.2, Hint(DOWNSIZE, 0.2 / 0.45, 96)),
        (0.45, Hint(NONE, 1.0, 0)),
        (0.4499, Hint(DOWNSIZE, 0.4499 / 0.45, 66)),
        (0.44, Hint(DOWNSIZE, 0.44 / 0.45, 67)),
        (0.1125, Hint(DOWNSIZE, 0.25, 106)),
        (0.1, Hint(DOWNSIZE, 0.25, 108)),
        (0.0, Hint(DOWNSIZE, 0.25, 120)),
        (1.0, Hint(NONE, 1.0, 0)),
    ],
)
def test_the_hint_of_the_contract(score: float, expected: Hint) -> None:
    found = hint(Efficiency(score, 0.9, "ok"), DownsizeLimits())
    assert (found.action, found.extra_cooldown) == (expected.action, expected.extra_cooldown)
    assert found.factor == pytest.approx(expected.factor, abs=1e-12)


def test_the_worked_example_to_the_digit() -> None:
    found = hint(judge(row("0.2", "0.9"), NOW, 600, 0.65), DownsizeLimits())
    assert (found.action, f"{found.factor:.4f}", found.extra_cooldown) == ("DOWNSIZE", "0.4444", 96)


@pytest.mark.parametrize("reason", [reason for reason in REASONS if reason != "ok"])
@pytest.mark.parametrize("score", [None, 0.0, 0.2, 1.0])
def test_whatever_is_wrong_changes_nothing(reason: str, score: float | None) -> None:
    known = Efficiency(score, 0.9, reason)
    assert multiplier(known, Scale(base=1.3)) == 1.0
    assert hint(known, DownsizeLimits()) == Hint(NONE, 1.0, 0)


NUMBER = st.floats(width=64) | st.floats(0, 1) | st.floats(NOW - 700, NOW + 700)
VALUE = (
    st.binary(max_size=20)
    | NUMBER.map(lambda number: repr(number).encode())
    | st.integers().map(lambda number: str(number).encode())
)
FIELD = st.sampled_from([b"efficiency_score", b"confidence", b"ts"])
FOUND = st.dictionaries(FIELD, VALUE).map(Found) | st.just(Missing()) | st.text(max_size=3).map(Failed)
SCALES = st.builds(Scale, st.floats(0, 1), st.floats(1, 100), st.floats(0, 100), st.floats(0, 100))
LIMITS = st.builds(DownsizeLimits, st.floats(0, 1), st.floats(0, 1), st.floats(0, 86_400))
SCORE = st.floats(0, 1)


@given(FOUND, st.floats(0, 1e10), st.floats(0, 86_400), st.floats(0, 1), SCALES, LIMITS)
def test_no_input_raises_or_leaves_the_bounds(
    found: LookupResult, now: float, stale_after: float, least: float, scale: Scale, limits: DownsizeLimits
) -> None:
    known = judge(found, now, stale_after, least)
    assert known.reason in REASONS
    assert known.score is None or 0 <= known.score <= 1
    times = multiplier(known, scale)
    assert scale.low <= times <= scale.high
    suggested = hint(known, limits)
    assert min(limits.min_factor, 1.0) <= suggested.factor <= 1
    assert suggested.extra_cooldown >= 0
    if known.reason != "ok":
        assert times == 1.0
        assert suggested == Hint(NONE, 1.0, 0)
    elif known.score is not None:
        assert (suggested.action == DOWNSIZE) == (known.score < limits.threshold)


@given(SCORE, SCORE, SCALES, LIMITS)
def test_a_better_score_never_gives_less(one: float, other: float, scale: Scale, limits: DownsizeLimits) -> None:
    low, high = sorted((one, other))
    worse, better = Efficiency(low, 1.0, "ok"), Efficiency(high, 1.0, "ok")
    assert multiplier(worse, scale) <= multiplier(better, scale)
    assert hint(worse, limits).factor <= hint(better, limits).factor
    assert hint(worse, limits).extra_cooldown >= hint(better, limits).extra_cooldown


@given(st.integers(0, 10_000))
def test_numbers_are_those_of_exact_arithmetic(ten_thousandths: int) -> None:
    score = Decimal(ten_thousandths) / 10_000
    known = judge(row(score=str(score)), NOW, 600, 0.65)
    assert Decimal(multiplier(known, Scale())) == pytest.approx(Decimal("0.5") + score, abs=Decimal("1e-12"))
    suggested = hint(known, DownsizeLimits())
    if score < Decimal("0.45"):
        exact = max(Decimal("0.25"), score / Decimal("0.45"))
        assert Decimal(suggested.factor) == pytest.approx(exact, abs=Decimal("1e-12"))
        cooldown = (1 - score) * 120
        if abs(cooldown % 1 - Decimal("0.5")) > Decimal("1e-9"):
            assert suggested.extra_cooldown == int(cooldown.quantize(Decimal(1), ROUND_HALF_EVEN))


@given(st.binary(max_size=12))
def test_what_is_a_number_is_a_finite_one(value: bytes) -> None:
    found = finite(value)
    assert found is None or math.isfinite(found)


def test_clamp() -> None:
    chance = random.Random(1)
    for _ in range(100):
        value = chance.uniform(-2, 3)
        assert clamp(0.0, 1.0, value) == sorted((0.0, value, 1.0))[1]
