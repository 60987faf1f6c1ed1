"""Minutes, windows, tops."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.domain.windows import TOP, Minutes, Window, minute_of, minutes_of, rank, roll_up, span
from sinks.values.counts import WINDOWS, Counts, Recent, Snapshots
from tests.support import oracle

NOW = 29_498_817

COUNTS = st.dictionaries(
    st.sampled_from(["a", "a:x", "a:y", "b", "b:x", ":", ":x", "none", "é", "__other__"]),
    st.integers(1, 1000),
    max_size=6,
)
DECISION_COUNTS = st.dictionaries(
    st.sampled_from(["EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN"]), st.integers(1, 99)
)
SUMMARIES = st.dictionaries(
    st.integers(NOW - 70, NOW + 10), st.builds(Counts, DECISION_COUNTS, COUNTS, COUNTS), max_size=20
)


def named(snapshots: Snapshots) -> dict[str, dict[str, int]]:
    """`snapshots` as the oracle names them; empty ones left out."""
    result = {"unknown_decision:top:5m": dict(snapshots.top_unknown)}
    for window, snapshot in snapshots.windows.items():
        result[f"decision:counts:{window}"] = dict(snapshot.decisions)
        result[f"reason:top:{window}"] = dict(snapshot.top_reasons)
        result[f"gate:top:{window}"] = dict(snapshot.top_gates)
    return {name: value for name, value in result.items() if value}


@pytest.mark.parametrize(
    ("seconds", "minute"),
    [(0.0, 0), (59.999, 0), (60.0, 1), (1_769_929_019.999, 29_498_816), (1_769_929_020.0, 29_498_817)],
)
def test_a_minute_begins_with_its_first_second_and_ends_before_the_next(seconds: float, minute: int) -> None:
    assert minute_of(seconds) == minute


@given(st.floats(0, 2e11))
def test_every_instant_is_in_exactly_one_minute(seconds: float) -> None:
    minute = minute_of(seconds)
    assert minute * 60 <= seconds < (minute + 1) * 60


@pytest.mark.parametrize(("window", "before"), [("1m", 0), ("5m", 4), ("15m", 14), ("1h", 59)])
def test_a_window_is_the_running_minute_and_those_before_it(window: str, before: int) -> None:
    assert list(minutes_of(window, NOW)) == [NOW - n for n in range(before, -1, -1)]


def test_there_are_the_four_windows_of_the_contract() -> None:
    assert set(roll_up(Recent(NOW, {}, 0.0)).windows) == set(oracle.MINUTES_BEFORE)


@pytest.mark.parametrize("window", ["1m", "5m", "15m", "1h"])
def test_the_edges_of_a_window_are_the_contracts(window: str) -> None:
    before = oracle.MINUTES_BEFORE[window]
    summaries = {NOW + delta: Counts({"SKIP": 1}, {}, {}) for delta in (-before - 1, -before, 0, 1)}
    assert roll_up(Recent(NOW, summaries, 0.0)).windows[window].decisions == {"SKIP": 1 if before == 0 else 2}


@given(SUMMARIES)
def test_a_rolling_window_equals_the_sum_of_its_buckets(summaries: dict[int, Counts]) -> None:
    buckets, unknown = {}, {}
    for minute, summary in summaries.items():
        name = oracle.minute_name(minute)
        buckets[name] = {f"decision:{decision}": count for decision, count in summary.decisions.items()}
        buckets[name] |= {f"reason:{reason}": count for reason, count in summary.reasons.items()}
        buckets[name] |= {"symbol_decision:S:SKIP": 7, "symbol_reason:S:a": 7}
        unknown[name] = dict(summary.unknown)
    snapshots = roll_up(Recent(NOW, summaries, 5.0))
    assert named(snapshots) == oracle.expected_snapshots(buckets, NOW, unknown)
    assert (snapshots.minute, snapshots.started) == (NOW, 5.0)


@given(SUMMARIES)
def test_the_decisions_of_a_longer_window_are_never_fewer(summaries: dict[int, Counts]) -> None:
    windows = roll_up(Recent(NOW, summaries, 0.0)).windows
    totals = [sum(windows[window].decisions.values()) for window in ("1m", "5m", "15m", "1h")]
    assert totals == sorted(totals)


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 4), max_size=80))
def test_counts_are_ranked_most_first_and_equal_ones_by_name(counts: dict[str, int]) -> None:
    result = rank(counts)
    assert list(result[:50]) == list(oracle.top(counts).items())
    assert dict(result) == counts


def test_of_60_equal_reasons_the_first_50_by_name_are_shown_in_any_order_of_counting() -> None:
    names = [f"r{number:02}" for number in range(60)]
    for order in (names, names[::-1]):
        summary = Counts({"SKIP": 60}, dict.fromkeys(order, 1), {})
        shown = roll_up(Recent(NOW, {NOW: summary}, 0.0)).windows["1m"].top_reasons
        assert shown == tuple((name, 1) for name in names[:50])
    assert TOP == 50


def test_gates_count_reasons_beyond_the_top_50_too() -> None:
    reasons = {f"gate:{number}": 1 for number in range(200)} | {"other": 150}
    window = roll_up(Recent(NOW, {NOW: Counts({}, reasons, {})}, 0.0)).windows["5m"]
    assert window.top_gates == (("gate", 200), ("other", 150))
    assert len(window.top_reasons) == 50


def test_unknown_raw_decisions_are_those_of_five_minutes() -> None:
    summaries = {NOW - ago: Counts({}, {}, {"HOLD": 1, f"at{ago}": 1}) for ago in range(8)}
    assert Counter(dict(roll_up(Recent(NOW, summaries, 0.0)).top_unknown)) == Counter(
        {"HOLD": 5, "at0": 1, "at1": 1, "at2": 1, "at3": 1, "at4": 1}
    )


def test_without_any_bucket_every_window_is_empty() -> None:
    assert named(roll_up(Recent(NOW, {}, 0.0))) == {}
    assert list(WINDOWS) == ["1m", "5m", "15m", "1h"]


@pytest.mark.parametrize(
    ("length", "name"), [(1, "1m"), (5, "5m"), (60, "1h"), (90, "90m"), (120, "2h"), (1_440, "1d"), (10_080, "7d")]
)
def test_a_window_of_any_length_has_a_name(length: int, name: str) -> None:
    assert Window(span(length, NOW), ()).name == name


def test_a_window_adds_up_its_minutes_and_nothing_else() -> None:
    counted = {
        NOW - 5: Counts({"SKIP": 100}, {"elsewhere": 100}),
        NOW - 4: Counts({"SKIP": 2}, {"a:x": 1, "none": 1}, {}, {("BTC", "SKIP"): 2}, {("BTC", "a:x"): 1}),
        NOW: Counts({"EXECUTE": 1, "SKIP": 1}, {"a:y": 1, "none": 1}, {}, {("BTC", "EXECUTE"): 1, ("ETH", "SKIP"): 1}),
    }
    window = Minutes(NOW, counted, 60).window("5m")
    assert (window.minutes, window.total) == (range(NOW - 4, NOW + 1), 4)
    assert window.decisions == {"EXECUTE": 1, "SKIP": 3, "BLOCKED": 0, "ERROR": 0, "UNKNOWN": 0}
    assert (window.share_of("SKIP"), window.share(1), window.share_of("nothing like it")) == (0.75, 0.25, 0.0)
    assert window.reasons == (("none", 2), ("a:x", 1), ("a:y", 1))
    assert (window.gates, dict(window.gate_counts)) == ((("a", 2),), {"a": 2, "none": 2})
    assert dict(window.symbol_totals) == {"BTC": 3, "ETH": 1}
    assert dict(window.symbol_gates) == {("BTC", "a"): 1}


def test_an_empty_window_has_shares_of_nothing() -> None:
    window = Minutes(NOW, {}, 5).window("5m")
    assert (window.total, window.share(1), window.share_of("SKIP"), window.gates) == (0, 0.0, 0.0, ())


def test_how_long_something_has_held_counts_minutes_on_end() -> None:
    full, empty = Counts({"SKIP": 1}), Counts({"EXECUTE": 1})
    minutes = Minutes(NOW, {NOW: empty, NOW - 1: full, NOW - 2: full, NOW - 4: full}, 15)
    assert minutes.on_end(lambda one: one.decisions["SKIP"] > 0) == 2
    assert Minutes(NOW, {NOW: full, NOW - 1: full}, 15).on_end(lambda one: one.decisions["SKIP"] > 0) == 1
