"""The life of an alert: pending, firing, silent, resolved; for any sequence of findings."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.domain.alerts.life import LEFT_OUT, MOST_FIRING, Event, advance
from flows.domain.alerts.rules import Condition
from sinks import alerts
from sinks.values.alerts import AlertState, Key, Tracked

T = 1_769_929_200.0
GATE = Key("gate_explosion", "p33_permit_denied", "5m")
SKIP = Key("skip_high", "SKIP", "5m")
SEVERITIES = ["MEDIUM", "HIGH", "CRITICAL"]

Found = dict[Key, tuple[Condition, ...]]


class Life:
    """Checks one after another; between two of them the state is written down and read again, as over a restart."""

    def __init__(self, cooldown: float = 300.0) -> None:
        self.tracked: dict[Key, Tracked] = {}
        self.cooldown = cooldown
        self.events: list[tuple[float, Event]] = []

    def check(
        self, now: float, found: Found, *, broken: bool = False, weights: dict[Key, int] | None = None
    ) -> list[str]:
        """What is published: state and severity of each event."""
        fields = alerts._fields(AlertState(tracked=self.tracked))
        encoded = {name.encode("utf-8", "surrogatepass"): value.encode() for name, value in fields.items()}
        tracked = alerts._state(encoded).tracked
        assert tracked == self.tracked
        weigh = (weights or {}).get
        self.tracked, events = advance(
            tracked, found, now, cooldown=self.cooldown, broken=broken, weight=lambda key: weigh(key) or 0
        )
        self.events += [(now, event) for event in events]
        return [f"{event.state} {event.severity}" for event in events]


def of(*conditions: tuple[str, float], since: float | None = None, key: Key = GATE) -> Found:
    """One alert found, with conditions of severity and seconds."""
    return {key: tuple(Condition(severity, lasts, since) for severity, lasts in conditions)}


def test_without_a_time_to_last_it_fires_at_once_and_once() -> None:
    life = Life()
    assert life.check(T, of(("HIGH", 0))) == ["firing HIGH"]
    assert [life.check(T + 60 * n, of(("HIGH", 0))) for n in range(1, 20)] == [[]] * 19
    assert life.check(T + 1200, {}) == ["resolved HIGH"]
    assert [life.check(T + 1200 + 60 * n, {}) for n in range(1, 20)] == [[]] * 19
    assert life.tracked == {}


def test_the_id_is_the_contracts_and_stays() -> None:
    life = Life()
    life.check(T + 0.9, of(("MEDIUM", 0)))
    life.check(T + 400, of(("CRITICAL", 0)))
    life.check(T + 460, {})
    assert {event.alert_id for _now, event in life.events} == {"p35_alert_1769929200_p33_permit_denied"}
    other = Life()
    other.check(T, of(("HIGH", 0), key=SKIP))
    assert other.events[0][1].alert_id == "p35_alert_1769929200_skip_high_SKIP"


def test_it_is_pending_until_it_has_lasted_at_every_check() -> None:
    life = Life()
    assert [life.check(T + 60 * n, of(("HIGH", 900))) for n in range(15)] == [[]] * 15
    assert life.check(T + 900, of(("HIGH", 900))) == ["firing HIGH"]


def test_checks_need_not_be_punctual_to_the_millisecond() -> None:
    life = Life()
    assert life.check(T + 0.057, of(("HIGH", 900))) == []
    assert [life.check(T + 60 * n + 0.001, of(("HIGH", 900))) for n in range(1, 15)] == [[]] * 14
    assert life.check(T + 900.001, of(("HIGH", 900))) == ["firing HIGH"]


def test_one_check_without_it_begins_anew() -> None:
    life = Life()
    for n in range(14):
        life.check(T + 60 * n, of(("HIGH", 900)))
    assert life.check(T + 840, {}) == []
    assert [life.check(T + 900 + 60 * n, of(("HIGH", 900))) for n in range(15)] == [[]] * 15
    assert life.check(T + 1800, of(("HIGH", 900))) == ["firing HIGH"]


def test_a_gap_begins_a_pending_one_anew_and_leaves_a_firing_one() -> None:
    life = Life()
    life.check(T, of(("HIGH", 900)))
    assert life.check(T + 900, of(("HIGH", 900)), broken=True) == []
    assert life.check(T + 1800, of(("HIGH", 900))) == ["firing HIGH"]
    assert life.check(T + 9000, of(("HIGH", 900)), broken=True) == []
    assert life.check(T + 9060, {}) == ["resolved HIGH"]


def test_what_is_known_to_have_lasted_need_not_last_again() -> None:
    assert Life().check(T, of(("MEDIUM", 900), since=T - 900)) == ["firing MEDIUM"]
    assert Life().check(T, of(("MEDIUM", 900), since=T - 899)) == []


def test_what_comes_back_within_the_cooldown_waits_for_its_end() -> None:
    life = Life()
    life.check(T, of(("HIGH", 0)))
    life.check(T + 60, {})
    assert [life.check(T + 60 * n, of(("HIGH", 0))) for n in range(2, 5)] == [[]] * 3
    assert life.check(T + 300, of(("HIGH", 0))) == ["firing HIGH"]


def test_what_comes_and_goes_within_the_cooldown_is_not_told() -> None:
    life = Life()
    life.check(T, of(("HIGH", 0)))
    life.check(T + 60, {})
    assert life.check(T + 120, of(("HIGH", 0))) == []
    assert life.check(T + 180, {}) == []
    assert len(life.events) == 2


def test_getting_worse_is_told_once_the_cooldown_is_over_and_getting_better_is_not() -> None:
    life = Life()
    assert life.check(T, of(("MEDIUM", 0))) == ["firing MEDIUM"]
    assert life.check(T + 60, of(("CRITICAL", 0))) == []
    assert life.check(T + 300, of(("CRITICAL", 0))) == ["firing CRITICAL"]
    assert life.check(T + 900, of(("HIGH", 0))) == []
    assert life.check(T + 960, of(("CRITICAL", 0))) == []
    assert life.check(T + 1020, {}) == ["resolved CRITICAL"]


def test_each_severity_has_a_time_of_its_own() -> None:
    life = Life()
    both = of(("MEDIUM", 900), ("HIGH", 300), key=SKIP)
    assert life.check(T, of(("MEDIUM", 900), key=SKIP)) == []
    assert [life.check(T + 60 * n, both) for n in range(1, 6)] == [[]] * 5
    assert life.check(T + 360, both) == ["firing HIGH"]
    # Above 80 % no more, and above 70 % not yet for a quarter of an hour: neither is so.
    assert life.check(T + 420, of(("MEDIUM", 900), key=SKIP)) == ["resolved HIGH"]
    assert life.check(T + 840, of(("MEDIUM", 900), key=SKIP)) == []
    assert life.check(T + 900, of(("MEDIUM", 900), key=SKIP)) == ["firing MEDIUM"]


def test_a_clock_that_is_set_back_silences_nothing_for_longer_than_the_cooldown() -> None:
    life = Life()
    life.check(T, of(("HIGH", 0)))
    life.check(T + 60, {})
    assert life.check(T - 86_400, of(("HIGH", 0))) == []
    assert life.check(T - 86_400 + 300, of(("HIGH", 0))) == ["firing HIGH"]


def stuck(count: int) -> tuple[Found, dict[Key, int]]:
    """So many stuck symbols; those with high numbers weigh most."""
    keys = [Key("symbol_stuck", f"S{number:03}", "15m") for number in range(count)]
    return {key: (Condition("MEDIUM", 900, T - 900),) for key in keys}, {key: n for n, key in enumerate(keys)}


def test_a_flood_is_told_by_its_largest_and_one_for_the_rest() -> None:
    life = Life()
    found, weights = stuck(500)
    assert life.check(T, found, weights=weights) == ["firing MEDIUM"] * (MOST_FIRING + 1)
    named = {event.key.reason: event.stands_for for _now, event in life.events}
    assert named.pop(LEFT_OUT) == 480
    assert set(named) == {f"S{number:03}" for number in range(480, 500)}
    # Others weigh more now: those that fire go on, and nothing new is told.
    assert life.check(T + 60, found, weights={key: -weight for key, weight in weights.items()}) == []
    # One is stuck no more: its place is taken, and the rest still stands for the others.
    del found[Key("symbol_stuck", "S499", "15m")]
    assert sorted(life.check(T + 120, found, weights=weights)) == ["firing MEDIUM", "resolved MEDIUM"]
    assert life.check(T + 600, {}).count("resolved MEDIUM") == MOST_FIRING + 1
    assert life.check(T + 1000, {}) == []
    assert life.tracked == {}


STEP = st.tuples(
    st.integers(1, 400),
    st.lists(st.tuples(st.sampled_from(SEVERITIES), st.sampled_from([0, 60, 300, 900])), max_size=2, unique=True),
    st.lists(st.tuples(st.sampled_from(SEVERITIES), st.sampled_from([0, 300])), max_size=1),
)


@given(st.lists(STEP, max_size=60), st.sampled_from([0, 60, 300, 1000]))
def test_whatever_is_found_each_alert_is_told_as_promised(steps: list, cooldown: float) -> None:
    life, now = Life(cooldown), T
    held: dict[tuple[Key, str, float], float] = {}
    last_firing: dict[Key, float] = {}
    open_ids: dict[Key, tuple[str, str]] = {}
    for seconds, gate, skip in steps:
        now += seconds
        rows = {
            GATE: dict(gate),
            SKIP: dict(skip),
        }
        found = {
            key: tuple(Condition(severity, lasts, None) for severity, lasts in conditions.items())
            for key, conditions in rows.items()
            if conditions
        }
        ages: dict[Key, list[str]] = defaultdict(list)
        holding = {(key, severity) for key, conditions in rows.items() for severity in conditions}
        held = {(key, s, 0): held.get((key, s, 0), now) for key, s in holding}
        for key, conditions in rows.items():
            for severity, lasts in conditions.items():
                if now - held[key, severity, 0] >= lasts:
                    ages[key].append(severity)
        before = len(life.events)
        life.check(now, found)
        for _at, event in life.events[before:]:
            key = event.key
            if event.state == "firing":
                assert now - last_firing.get(key, -1e12) >= cooldown
                assert event.severity == max(ages[key], key=SEVERITIES.index)
                if key in open_ids:
                    assert open_ids[key][0] == event.alert_id
                    assert SEVERITIES.index(event.severity) > SEVERITIES.index(open_ids[key][1])
                open_ids[key], last_firing[key] = (event.alert_id, event.severity), now
            else:
                assert open_ids.pop(key) == (event.alert_id, event.severity)
        for key in (GATE, SKIP):
            if not ages[key]:
                assert key not in open_ids, "resolved when its condition ends"
            elif now - last_firing.get(key, -1e12) >= cooldown:
                assert key in open_ids, "firing when nothing forbids it"
        assert {key for key, one in life.tracked.items() if one.firing} == set(open_ids)


HOSTILE = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(HOSTILE, st.floats(0, 4e9))
def test_any_reason_survives_in_the_state(reason: str, seconds: float) -> None:
    life = Life()
    key = Key("gate_explosion", reason, "5m")
    assert life.check(T + seconds, {key: (Condition("HIGH", 0, None),)}) == ["firing HIGH"]
    assert life.check(T + seconds + 60, {}) == ["resolved HIGH"]


@pytest.mark.parametrize("text", ["", "x", "{}", "[]", '{"since": {"HIGH": "x"}}', '{"since": {"HIGH": NaN}}', "1"])
def test_what_cannot_be_read_of_the_state_is_as_if_it_were_not_there(text: str) -> None:
    assert alerts._state({b"skip_high 5m SKIP": text.encode()}).tracked == {}
