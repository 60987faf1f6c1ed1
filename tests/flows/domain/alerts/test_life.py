"""The life of an alert: pending, firing, silent, resolved; for any sequence of findings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.domain.alerts.life import LEFT_OUT, MOST_FIRING, Event, advance
from flows.domain.alerts.rules import Condition
from sinks import alert_state
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
        self.checked_at: float | None = None
        self.cooldown = cooldown
        self.events: list[tuple[float, Event]] = []

    def check(
        self, now: float, found: Found, *, broken: bool = False, weights: dict[Key, int] | None = None
    ) -> list[str]:
        """What is published: state and severity of each event."""
        fields = alert_state.encode(AlertState(tracked=self.tracked))
        encoded = {name.encode("utf-8", "surrogatepass"): value.encode() for name, value in fields.items()}
        tracked = alert_state.decode(encoded).tracked
        assert tracked == self.tracked
        weigh = (weights or {}).get
        self.tracked, events = advance(
            tracked,
            found,
            now,
            checked_at=self.checked_at,
            cooldown=self.cooldown,
            broken=broken,
            weight=lambda key: weigh(key) or 0,
        )
        self.checked_at = now
        self.events += [(now, event) for event in events]
        return [f"{event.state} {event.severity}" for event in events]


def of(*conditions: tuple[str, float], since: float | None = None, key: Key = GATE) -> Found:
    """One alert found, with conditions of severity and seconds."""
    return {key: tuple(Condition(severity, lasts, since) for severity, lasts in conditions)}


def near(*conditions: tuple[str, float], key: Key = GATE) -> Found:
    """One alert whose conditions are within the hysteresis, but not reached."""
    return {key: tuple(Condition(severity, lasts, None, reached=False) for severity, lasts in conditions)}


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


def test_getting_worse_is_told_at_once_and_once_and_getting_better_is_not() -> None:
    life = Life()
    assert life.check(T, of(("MEDIUM", 0))) == ["firing MEDIUM"]
    assert life.check(T + 60, of(("MEDIUM", 0), ("HIGH", 0))) == ["firing HIGH"]
    assert life.check(T + 120, of(("CRITICAL", 0))) == ["firing CRITICAL"]
    for n, severity in enumerate(["HIGH", "CRITICAL", "MEDIUM", "HIGH", "CRITICAL"] * 4):
        assert life.check(T + 180 + 60 * n, of((severity, 0))) == []
    assert life.check(T + 1400, {}) == ["resolved CRITICAL"]
    assert len({event.alert_id for _now, event in life.events}) == 1


def test_what_comes_back_worse_within_the_cooldown_is_told_at_once_and_once() -> None:
    life = Life()
    assert life.check(T, of(("MEDIUM", 0))) == ["firing MEDIUM"]
    assert life.check(T + 30, {}) == ["resolved MEDIUM"]
    assert life.check(T + 60, of(("MEDIUM", 0))) == []
    assert life.check(T + 90, of(("HIGH", 0))) == ["firing HIGH"]
    assert life.check(T + 120, {}) == ["resolved HIGH"]
    assert [life.check(T + 120 + 30 * n, of(("HIGH", 0))) for n in range(1, 9)] == [[]] * 8
    assert life.check(T + 390, of(("HIGH", 0))) == ["firing HIGH"]


def test_an_end_within_the_cooldown_that_an_older_version_wrote_says_nothing_of_severities() -> None:
    life = Life()
    life.tracked = {GATE: Tracked({}, published_at=T)}
    assert life.check(T + 299, of(("CRITICAL", 0))) == []
    assert life.check(T + 300, of(("CRITICAL", 0))) == ["firing CRITICAL"]


def test_what_fires_goes_on_while_it_is_near_and_nothing_begins_that_is_only_near() -> None:
    life = Life()
    assert life.check(T - 60, near(("MEDIUM", 0))) == []
    assert life.check(T, of(("MEDIUM", 0))) == ["firing MEDIUM"]
    both = {GATE: (*of(("MEDIUM", 0))[GATE], *near(("HIGH", 0))[GATE])}
    assert life.check(T + 60, both) == []  # near HIGH is not HIGH
    assert [life.check(T + 60 * n, near(("MEDIUM", 0))) for n in range(2, 30)] == [[]] * 28
    assert life.check(T + 1800, {}) == ["resolved MEDIUM"]
    assert [life.check(T + 1800 + 60 * n, near(("MEDIUM", 0))) for n in range(1, 9)] == [[]] * 8


def test_what_waits_for_the_cooldown_must_reach_its_threshold() -> None:
    life = Life()
    life.check(T, of(("HIGH", 0)))
    life.check(T + 60, {})
    assert life.check(T + 120, of(("HIGH", 0))) == []
    assert life.check(T + 300, near(("HIGH", 0))) == []
    assert life.check(T + 360, of(("HIGH", 0))) == ["firing HIGH"]


def test_pending_must_reach_its_threshold_at_every_check_and_firing_need_only_be_near() -> None:
    life = Life()
    for n in range(14):
        assert life.check(T + 60 * n, of(("HIGH", 900))) == []
    assert life.check(T + 840, near(("HIGH", 900))) == []
    assert [life.check(T + 900 + 60 * n, of(("HIGH", 900))) for n in range(15)] == [[]] * 15
    assert life.check(T + 1800, of(("HIGH", 900))) == ["firing HIGH"]
    assert life.check(T + 1860, near(("HIGH", 900))) == []
    # A gap in the checks ends nothing that fires.
    assert life.check(T + 9000, near(("HIGH", 900)), broken=True) == []
    assert life.check(T + 9060, {}) == ["resolved HIGH"]


@pytest.mark.parametrize(("minute", "ended"), [(14, True), (15, True), (16, False)])
def test_a_condition_that_has_not_lasted_yet_is_not_kept_by_a_worse_one_that_fires(minute: int, ended: bool) -> None:
    """Above 80 % for 5 min fires; above 70 % has lasted for 15 min after minute 15, and only then need only be near."""
    life = Life()
    both = of(("MEDIUM", 900), ("HIGH", 300), key=SKIP)
    for n in range(minute):
        life.check(T + 60 * n, both)
    assert life.check(T + 60 * minute, near(("MEDIUM", 900), key=SKIP)) == (["resolved HIGH"] if ended else [])


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


LASTS = {GATE: {"MEDIUM": 0, "HIGH": 0, "CRITICAL": 60}, SKIP: {"MEDIUM": 900, "HIGH": 300}}
"""Alert -> severity -> seconds that its condition must last."""

REACHED = st.sampled_from(["no", "near", "reached"])

STEP = st.tuples(
    st.integers(1, 400),
    st.fixed_dictionaries({key: st.fixed_dictionaries(dict.fromkeys(rows, REACHED)) for key, rows in LASTS.items()}),
)


@given(st.lists(STEP, max_size=60), st.sampled_from([0, 60, 300, 1000]))
def test_whatever_is_found_each_alert_is_told_as_promised(
    steps: list[tuple[int, dict[Key, dict[str, str]]]], cooldown: float
) -> None:
    """Against a model of its own: since when each condition was reached at every check, and what goes on nearby."""
    life, now = Life(cooldown), T
    reached_since: dict[tuple[Key, str], float] = {}
    told: dict[Key, tuple[float, str]] = {}
    """When it was published as firing last, and how severe."""
    fires: dict[Key, str] = {}
    going_on: set[tuple[Key, str]] = set()
    """The conditions that have lasted, of what fires."""
    for seconds, states in steps:
        now += seconds
        found = {
            key: tuple(
                Condition(severity, LASTS[key][severity], None, reached=how == "reached")
                for severity, how in rows.items()
                if how != "no"
            )
            for key, rows in states.items()
        }
        before = len(life.events)
        life.check(now, {key: conditions for key, conditions in found.items() if conditions})
        events = {event.key: event for _at, event in life.events[before:]}
        assert len(events) == len(life.events) - before
        for key, rows in states.items():
            lasted = []
            for severity, how in rows.items():
                kept = how == "near" and (key, severity) in going_on
                if how == "reached" or kept:
                    reached_since.setdefault((key, severity), now)
                else:
                    reached_since.pop((key, severity), None)
                if now - reached_since.get((key, severity), now + 1) >= LASTS[key][severity]:
                    lasted.append(severity)
            worst = max(lasted, key=SEVERITIES.index, default=None)
            expected = None
            if worst is None:
                expected = ("resolved", told[key][1]) if key in fires else None
            else:
                at, severity = told.get(key, (-1e12, "CRITICAL"))
                worse = SEVERITIES.index(worst) > SEVERITIES.index(severity)
                if worse or (key not in fires and now - at >= cooldown):
                    expected = ("firing", worst)
            event = events.get(key)
            assert (None if event is None else (event.state, event.severity)) == expected
            if event is not None:
                assert event.alert_id == fires.get(key, event.alert_id), "one ID from firing to resolved"
                if event.state == "firing":
                    fires[key], told[key] = event.alert_id, (now, event.severity)
                else:
                    del fires[key]
            going_on -= {(key, severity) for severity in SEVERITIES}
            going_on |= {(key, severity) for severity in lasted if key in fires}
        assert {key for key, one in life.tracked.items() if one.firing} == set(fires)


HOSTILE = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(HOSTILE, st.floats(0, 4e9))
def test_any_reason_survives_in_the_state(reason: str, seconds: float) -> None:
    life = Life()
    key = Key("gate_explosion", reason, "5m")
    assert life.check(T + seconds, {key: (Condition("HIGH", 0, None),)}) == ["firing HIGH"]
    assert life.check(T + seconds + 60, {}) == ["resolved HIGH"]
