"""One check of the alerts: when it is due, and what it makes of the state and of what it has read."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.group_state import GroupState
from flows.domain.alerts.check import Terms, judge
from flows.domain.thresholds import Thresholds
from sinks.values.alerts import AlertState, Checked, Key, Reading, Tracked
from sinks.values.counts import Counts
from tests.support.alert_views import MINUTE, NOW, counts, reading

TERMS = Terms()

MINUTE_COUNTS = st.builds(
    lambda decisions, gates, symbol: counts(decisions, gates, symbol),
    st.dictionaries(st.sampled_from(["EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN"]), st.integers(1, 60)),
    st.dictionaries(st.sampled_from(["gate", "gate:x", "other", "none"]), st.integers(1, 100)),
    st.sampled_from(["BTCUSDT", "ETHUSDT"]),
)


def judged(one: Reading) -> Checked:
    """What a check leads to that is due."""
    checked = judge(one, TERMS, str)
    assert checked is not None
    return checked


@given(st.lists(st.tuples(st.booleans(), MINUTE_COUNTS), min_size=25, max_size=40), st.integers(1, 400))
def test_no_alert_comes_from_a_total_below_the_minimum(world: list[tuple[bool, Counts]], least: int) -> None:
    terms = Terms(Thresholds(min_total=least))
    state = AlertState()
    written: dict[int, Counts] = {}
    for number, (any_, minute) in enumerate(world):
        if any_:
            written[MINUTE + number] = minute
        now = (MINUTE + number) * 60 + 50.0
        read = Reading(now, dict(written), {"BTCUSDT": now}, {}, GroupState(0, 0, 1), 0, 0, state, 0.0)
        checked = judge(read, terms, str)
        assert checked is not None
        state = checked.after
        for one in checked.alerts:
            minutes = 15 if one.key.window == "15m" else 5
            running = range(MINUTE + number - minutes + 1, MINUTE + number + 1)
            total = sum(sum(written[at].decisions.values()) for at in running if at in written)
            assert one.total == total
            assert one.state == "resolved" or total >= least


def test_a_kind_that_is_no_longer_known_is_resolved() -> None:
    state = judged(reading()).after
    key = Key("of old", "x", "5m")
    old = AlertState("1", NOW - 60, 0, {**state.tracked, key: Tracked({}, "id", "HIGH", NOW - 600, NOW - 600)})
    (one,) = judged(reading(state=old)).alerts
    assert (one.state, one.key, one.total) == ("resolved", key, 0)
    assert "no longer known" in one.message


def test_a_check_that_another_instance_has_only_just_made_is_not_made_again() -> None:
    assert judge(reading(state=AlertState("1", NOW - 29.9, 0)), TERMS, str) is None
    assert judge(reading(state=AlertState("1", NOW - 30, 0)), TERMS, str) is not None
    assert judge(reading(state=AlertState("1", NOW + 5000, 0)), TERMS, str) is not None  # the clock was set back


@pytest.mark.parametrize(("gap", "severity"), [(180, True), (181, False), (math.inf, False)])
def test_a_gap_of_more_than_three_checks_begins_what_is_pending_anew(gap: float, severity: bool) -> None:
    wave = {ago: counts({"EXECUTE": 25, "SKIP": 75}) for ago in range(15)}
    state = judged(reading(wave, now=NOW - 900 - gap if math.isfinite(gap) else NOW - 9e8)).after
    passed = AlertState(state.version, NOW - gap if math.isfinite(gap) else None, 0, state.tracked)
    checked = judged(reading(wave, state=passed))
    assert bool(checked.alerts) == severity
