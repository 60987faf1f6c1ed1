"""What an alert says of its subject: the figures and the evidence of a gate, a decision, a symbol, the group."""

from __future__ import annotations

from connectors.group_state import GroupState
from flows.domain.alerts.life import Event
from flows.domain.alerts.message import alert
from flows.domain.alerts.view import view_of
from flows.domain.gates import meaning
from sinks.values.alerts import Key
from tests.support.alert_views import NOW, counts, reading, said


def test_an_exploding_gate_says_what_an_operator_needs_to_know() -> None:
    first = counts({"EXECUTE": 10, "BLOCKED": 30}, {"p33_permit_denied:stale": 30, "none": 10}, "BTCUSDT")
    second = counts({"EXECUTE": 20, "BLOCKED": 40}, {"p33_permit_denied:hold": 40, "none": 20}, "ETHUSDT")
    view = view_of(reading({0: first, 3: second}))
    assert said("gate_explosion", "p33_permit_denied", "5m", view) == (
        f"p33_permit_denied accounts for 70 % of 100 decisions in 5m; {meaning('p33_permit_denied')}; "
        "EXECUTE 30 %, BLOCKED 70 %; most affected: ETHUSDT 40, BTCUSDT 30"
    )
    assert said("gate_explosion", "p33_permit_denied", "5m", view, "resolved", 420) == (
        "resolved after 7 min: p33_permit_denied accounts for 70 % of 100 decisions in 5m; "
        "EXECUTE 30 %, BLOCKED 70 %; most affected: ETHUSDT 40, BTCUSDT 30"
    )


def test_too_few_executed_names_the_gates_and_who_suffers() -> None:
    view = view_of(reading({0: counts({"EXECUTE": 15, "SKIP": 85}, {"no_position": 60, "x": 25, "none": 15})}))
    assert said("execute_low", "EXECUTE", "5m", view) == (
        "only 15 % of 100 decisions in 5m are EXECUTE; EXECUTE 15 %, SKIP 85 %; gates: no_position 60, x 25; "
        f"most affected: BTCUSDT 85; no_position: {meaning('no_position')}"
    )


def test_a_stuck_symbol_names_its_own_gates() -> None:
    view = view_of(
        reading({7: counts({"SKIP": 120}, {"no_position": 120}, "SOLUSDT")}, executed={"SOLUSDT": NOW - 1260})
    )
    assert said("symbol_stuck", "SOLUSDT", "15m", view) == (
        "SOLUSDT has decisions and no EXECUTE; last EXECUTE 21 min ago; its decisions in 15m: SKIP 120; "
        f"its gates: no_position 120; no_position: {meaning('no_position')}"
    )
    assert "never executed" in said("symbol_stuck", "NEWUSDT", "15m", view)


def test_a_consumer_that_is_behind_says_by_how_much() -> None:
    view = view_of(reading(group=GroupState(3, 1500, 1), length=2000))
    one = alert(view, Event(Key("consumer_behind", "lag", "now"), "firing", "id", "HIGH", 0.0))
    assert (one.score, one.total, one.share) == (1500, 2000, 0.75)
    assert one.message == (
        "P3.5 is behind: 1,500 entries (lag); decisions are published and not read: see whether flows.p35 is running, "
        "and fast enough; lag 1,500, pending 3, 2,000 entries in the stream"
    )
    unknown = view_of(reading(group=GroupState(1500, None, 1), length=2000))
    assert "lag unknown" in said("consumer_behind", "pending", "now", unknown)


def test_a_consumer_that_has_caught_up_is_not_said_to_be_behind() -> None:
    view = view_of(reading(group=GroupState(0, 0, 1), length=2000))
    assert said("consumer_behind", "lag", "now", view, "resolved", 87) == (
        "resolved after 87 s: P3.5 is no longer behind (lag); lag 0, pending 0, 2,000 entries in the stream"
    )
