"""The rules: what each finds in a view, to the very limit; and what an alert says."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.group_state import GroupState
from flows.alerts import judge
from flows.domain.alerts.life import LEFT_OUT, Event
from flows.domain.alerts.rules import KINDS, RULES, find
from flows.domain.alerts.text import LIMIT, alert
from flows.domain.alerts.view import View, view_of
from flows.domain.gates import meaning
from flows.settings.alerts import AlertsSettings
from sinks.values.alerts import AlertState, Counts, Key, Reading, Tracked

MINUTE = 29_498_817
NOW = MINUTE * 60 + 30.0
SETTINGS = AlertsSettings()


def reading(
    minutes: dict[int, Counts] | None = None,
    seen: dict[str, float] | None = None,
    executed: dict[str, float] | None = None,
    group: GroupState | None = GroupState(0, 0, 1),  # noqa: B008 (frozen)
    length: int = 0,
    trimmed: int = 0,
    state: AlertState = AlertState(),  # noqa: B008 (frozen)
    now: float = NOW,
) -> Reading:
    """What a check reads; minutes are counted back from the running one."""
    by_minute = {int(now // 60) - ago: counts for ago, counts in (minutes or {}).items()}
    return Reading(now, by_minute, seen or {}, executed or {}, group, length, trimmed, state, 0.0)


def counts(decisions: dict[str, int], reasons: dict[str, int] | None = None, symbol: str = "BTCUSDT") -> Counts:
    """A minute in which all decisions are those of one symbol."""
    reasons = reasons or {}
    return Counts(
        decisions,
        reasons,
        {},
        {(symbol, decision): count for decision, count in decisions.items()},
        {(symbol, reason): count for reason, count in reasons.items()},
    )


def found(view: View, settings: AlertsSettings = SETTINGS) -> set[tuple[str, str, str, float]]:
    """Kind, reason, severity and seconds of all that has reached its threshold."""
    return {
        (key.kind, key.reason, one.severity, one.lasts)
        for key, all_ in find(view, settings.thresholds).items()
        for one in all_
        if one.reached
    }


def shares(**decisions: int) -> View:
    """A view of one minute with these decisions."""
    return view_of(reading({0: counts(decisions)}))


@pytest.mark.parametrize(
    ("stopped", "severities"),
    [
        (399, ()),
        (400, ("MEDIUM",)),
        (599, ("MEDIUM",)),
        (600, ("MEDIUM", "HIGH")),
        (799, ("MEDIUM", "HIGH")),
        (800, ("MEDIUM", "HIGH", "CRITICAL")),
        (1000, ("MEDIUM", "HIGH", "CRITICAL")),
    ],
)
def test_a_gate_explodes_at_its_very_share(stopped: int, severities: tuple[str, ...]) -> None:
    reasons = {"gate:a": stopped - 1, "gate": 1, "none": 1000 - stopped}
    view = view_of(reading({4: counts({"EXECUTE": 1000}, reasons), 5: counts({"EXECUTE": 9}, {"gate": 9})}))
    assert found(view) == {("gate_explosion", "gate", severity, 0) for severity in severities}


def test_none_is_no_gate() -> None:
    assert found(view_of(reading({0: counts({"EXECUTE": 1000}, {"none": 1000})}))) == set()


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ({"EXECUTE": 200, "BLOCKED": 400, "SKIP": 400}, set()),
        ({"EXECUTE": 199, "BLOCKED": 400, "SKIP": 401}, {("execute_low", "EXECUTE", "HIGH", 900)}),
        ({"EXECUTE": 300, "SKIP": 700}, set()),
        ({"EXECUTE": 299, "SKIP": 701}, {("skip_high", "SKIP", "MEDIUM", 900)}),
        ({"EXECUTE": 200, "SKIP": 800}, {("skip_high", "SKIP", "MEDIUM", 900)}),
        (
            {"EXECUTE": 199, "SKIP": 801},
            {
                ("execute_low", "EXECUTE", "HIGH", 900),
                ("skip_high", "SKIP", "MEDIUM", 900),
                ("skip_high", "SKIP", "HIGH", 300),
            },
        ),
        ({"EXECUTE": 600, "BLOCKED": 400}, set()),
        ({"EXECUTE": 599, "BLOCKED": 401}, {("blocked_high", "BLOCKED", "HIGH", 900)}),
        ({"EXECUTE": 900, "ERROR": 100}, set()),
        ({"EXECUTE": 899, "ERROR": 101}, {("error_high", "ERROR", "CRITICAL", 300)}),
        ({"EXECUTE": 30, "SKIP": 30, "BLOCKED": 15, "ERROR": 4, "UNKNOWN": 21}, set()),
    ],
)
def test_decisions_are_too_many_or_too_few_beyond_their_very_share(decisions: dict[str, int], expected: set) -> None:
    assert found(shares(**decisions)) == expected


def test_a_window_with_too_few_decisions_says_nothing() -> None:
    quiet = counts({"ERROR": 99}, {"gate": 99})
    assert found(view_of(reading({0: quiet}, {"BTCUSDT": NOW}))) == set()
    busy = counts({"ERROR": 100}, {"gate": 100})
    kinds = {kind for kind, *_ in found(view_of(reading({0: busy}, {"BTCUSDT": NOW})))}
    assert kinds == {"gate_explosion", "execute_low", "error_high", "symbol_stuck"}


@pytest.mark.parametrize(
    ("seen", "executed", "since"),
    [
        (0, 899, ()),
        (0, 900, (NOW - 900,)),
        (899, 901, (NOW - 901,)),
        (900, 1000, ()),
        (0, 1799, (NOW - 1799,)),
        (0, 1801, (None,)),  # it may have been away meanwhile
        (0, None, (None,)),
        (-200, None, (None,)),  # its publisher's clock is ahead
        (0, -200, ()),
    ],
)
def test_a_symbol_is_stuck(seen: float, executed: float | None, since: tuple[float | None, ...]) -> None:
    last_execute = {} if executed is None else {"SOLUSDT": NOW - executed}
    view = view_of(reading({0: counts({"EXECUTE": 100})}, {"SOLUSDT": NOW - seen}, last_execute))
    conditions = find(view, SETTINGS.thresholds).get(Key("symbol_stuck", "SOLUSDT", "15m"), ())
    assert tuple(one.since for one in conditions) == since
    assert all((one.severity, one.lasts) == ("MEDIUM", 900) for one in conditions)


@pytest.mark.parametrize(
    ("group", "length", "reasons"),
    [
        (GroupState(1000, 1000, 1), 5000, set()),
        (GroupState(0, 1001, 1), 5000, {"lag"}),
        (GroupState(1001, 0, 1), 5000, {"pending"}),
        (GroupState(1001, None, 1), 5000, {"pending"}),  # Redis 6.2
        (GroupState(0, None, 1), 5000, set()),
        (None, 1001, {"lag"}),  # P3.5 has never run
        (None, 0, set()),
    ],
)
def test_the_consumer_is_behind(group: GroupState | None, length: int, reasons: set[str]) -> None:
    expected = {("consumer_behind", reason, "HIGH", 0) for reason in reasons}
    assert found(view_of(reading(group=group, length=length))) == expected


def test_entries_that_were_trimmed_unread_are_told_once() -> None:
    trimmed = {("consumer_behind", "trimmed", "HIGH", 0)}
    assert found(view_of(reading(trimmed=7))) == set()  # the first check ever knows nothing of when
    assert found(view_of(reading(trimmed=7, state=AlertState("1", NOW - 60, 7)))) == set()
    assert found(view_of(reading(trimmed=8, state=AlertState("1", NOW - 60, 7)))) == trimmed
    assert found(view_of(reading(trimmed=0, state=AlertState("1", NOW - 60, 7)))) == set()


def test_thresholds_come_from_the_settings() -> None:
    view = view_of(reading({0: counts({"EXECUTE": 5, "SKIP": 5}, {"gate": 3, "none": 7})}))
    strict = AlertsSettings(
        p35_alert_min_total=10,
        p35_alert_threshold_medium=0.1,
        p35_alert_threshold_high=0.2,
        p35_alert_threshold_critical=0.3,
        p35_alert_execute_low=0.6,
        p35_alert_skip_high=0.4,
        p35_alert_skip_severe=0.5,
    )
    expected = {("gate_explosion", severity) for severity in ("MEDIUM", "HIGH", "CRITICAL")}
    expected |= {("execute_low", "HIGH"), ("skip_high", "MEDIUM")}
    assert {(kind, severity) for kind, _, severity, _ in found(view, strict)} == expected


def test_rows_of_one_kind_differ_in_severity_and_share_a_window() -> None:
    """What is remembered of an alert tells its conditions apart by their severity."""
    assert {rule.kind for rule in RULES} == set(KINDS)
    for kind in KINDS:
        assert len({rule.window for rule in RULES if rule.kind == kind}) == 1
    for conditions in find(shares(SKIP=85, ERROR=15), SETTINGS.thresholds).values():
        assert len({one.severity for one in conditions}) == len(conditions)


MINUTE_COUNTS = st.builds(
    lambda decisions, gates, symbol: counts(decisions, gates, symbol),
    st.dictionaries(st.sampled_from(["EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN"]), st.integers(1, 60)),
    st.dictionaries(st.sampled_from(["gate", "gate:x", "other", "none"]), st.integers(1, 100)),
    st.sampled_from(["BTCUSDT", "ETHUSDT"]),
)


@given(st.lists(st.tuples(st.booleans(), MINUTE_COUNTS), min_size=25, max_size=40), st.integers(1, 400))
def test_no_alert_comes_from_a_total_below_the_minimum(world: list, least: int) -> None:
    settings = AlertsSettings(p35_alert_min_total=least)
    state = AlertState()
    written: dict[int, Counts] = {}
    for number, (any_, minute) in enumerate(world):
        if any_:
            written[MINUTE + number] = minute
        now = (MINUTE + number) * 60 + 50.0
        read = Reading(now, dict(written), {"BTCUSDT": now}, {}, GroupState(0, 0, 1), 0, 0, state, 0.0)
        checked = judge(read, settings=settings)
        assert checked is not None
        state = checked.after
        for one in checked.alerts:
            minutes = 15 if one.key.window == "15m" else 5
            running = range(MINUTE + number - minutes + 1, MINUTE + number + 1)
            total = sum(sum(written[at].decisions.values()) for at in running if at in written)
            assert one.total == total
            assert one.state == "resolved" or total >= least


def said(kind: str, reason: str, window: str, view: View, state: str = "firing", lasted: float = 0.0) -> str:
    """The message of an alert."""
    return alert(view, Event(Key(kind, reason, window), state, "id", "HIGH", lasted)).message


def test_an_exploding_gate_says_what_an_operator_needs_to_know() -> None:
    first = counts({"EXECUTE": 10, "BLOCKED": 30}, {"p33_permit_denied:stale": 30, "none": 10}, "BTCUSDT")
    second = counts({"EXECUTE": 20, "BLOCKED": 40}, {"p33_permit_denied:hold": 40, "none": 20}, "ETHUSDT")
    view = view_of(reading({0: first, 3: second}))
    assert said("gate_explosion", "p33_permit_denied", "5m", view) == (
        f"p33_permit_denied accounts for 70 % of 100 decisions in 5m. {meaning('p33_permit_denied')}. "
        "EXECUTE 30 %, BLOCKED 70 %. most affected: ETHUSDT 40, BTCUSDT 30"
    )
    assert said("gate_explosion", "p33_permit_denied", "5m", view, "resolved", 420).startswith(
        "resolved after 7 min: p33_permit_denied accounts for 70 % of 100 decisions in 5m. "
    )


def test_too_few_executed_names_the_gates_and_who_suffers() -> None:
    view = view_of(reading({0: counts({"EXECUTE": 15, "SKIP": 85}, {"no_position": 60, "x": 25, "none": 15})}))
    assert said("execute_low", "EXECUTE", "5m", view) == (
        "only 15 % of 100 decisions in 5m are EXECUTE. EXECUTE 15 %, SKIP 85 %. gates: no_position 60, x 25. "
        f"most affected: BTCUSDT 85. no_position: {meaning('no_position')}"
    )


def test_a_stuck_symbol_names_its_own_gates() -> None:
    view = view_of(
        reading({7: counts({"SKIP": 120}, {"no_position": 120}, "SOLUSDT")}, executed={"SOLUSDT": NOW - 1260})
    )
    assert said("symbol_stuck", "SOLUSDT", "15m", view) == (
        "SOLUSDT has decisions and no EXECUTE. last EXECUTE 21 min ago. its decisions in 15m: SKIP 120. "
        f"its gates: no_position 120. no_position: {meaning('no_position')}"
    )
    assert "never executed" in said("symbol_stuck", "NEWUSDT", "15m", view)


def test_a_consumer_that_is_behind_says_by_how_much() -> None:
    view = view_of(reading(group=GroupState(3, 1500, 1), length=2000))
    one = alert(view, Event(Key("consumer_behind", "lag", "now"), "firing", "id", "HIGH", 0.0))
    assert (one.score, one.total, one.share) == (1500, 2000, 0.75)
    assert one.message.startswith("P3.5 is behind: 1,500 entries (lag). decisions are published and not read")
    assert "lag 1,500, pending 3, 2,000 entries in the stream" in one.message
    unknown = view_of(reading(group=GroupState(1500, None, 1), length=2000))
    assert "lag unknown" in said("consumer_behind", "pending", "now", unknown)


def test_what_was_left_out_is_said() -> None:
    event = Event(Key("symbol_stuck", LEFT_OUT, "15m"), "firing", "id", "MEDIUM", 0.0, 480)
    one = alert(view_of(reading()), event)
    assert (one.score, one.message) == (480, "480 more alerts of this kind, which are not told one by one")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", ["firing", "resolved"])
def test_whatever_publishers_write_a_message_is_one_printable_line(kind: str, state: str) -> None:
    hostile = "\x1b[2J\r\nforged \u202e{share}" * 40
    view = view_of(reading({0: counts({"SKIP": 100}, {hostile: 100}, hostile)}))
    rule = next(rule for rule in RULES if rule.kind == kind)
    message = said(kind, hostile, rule.window, view, state, 61)
    assert message.isprintable()
    assert len(message) <= LIMIT
    assert said(kind, hostile, rule.window, view_of(reading()), state).isprintable()


def test_a_kind_that_is_no_longer_known_is_resolved() -> None:
    state = judge(reading(), settings=SETTINGS).after
    key = Key("of old", "x", "5m")
    old = AlertState("1", NOW - 60, 0, {**state.tracked, key: Tracked({}, "id", "HIGH", NOW - 600, NOW - 600)})
    (one,) = judge(reading(state=old), settings=SETTINGS).alerts
    assert (one.state, one.key, one.total) == ("resolved", key, 0)
    assert "no longer known" in one.message


def test_a_check_that_another_instance_has_only_just_made_is_not_made_again() -> None:
    assert judge(reading(state=AlertState("1", NOW - 29.9, 0)), settings=SETTINGS) is None
    assert judge(reading(state=AlertState("1", NOW - 30, 0)), settings=SETTINGS) is not None
    assert judge(reading(state=AlertState("1", NOW + 5000, 0)), settings=SETTINGS) is not None  # the clock was set back


@pytest.mark.parametrize(("gap", "severity"), [(180, True), (181, False), (math.inf, False)])
def test_a_gap_of_more_than_three_checks_begins_what_is_pending_anew(gap: float, severity: bool) -> None:
    wave = {ago: counts({"EXECUTE": 25, "SKIP": 75}) for ago in range(15)}
    state = judge(reading(wave, now=NOW - 900 - gap if math.isfinite(gap) else NOW - 9e8), settings=SETTINGS).after
    passed = AlertState(state.version, NOW - gap if math.isfinite(gap) else None, 0, state.tracked)
    checked = judge(reading(wave, state=passed), settings=SETTINGS)
    assert bool(checked.alerts) == severity
