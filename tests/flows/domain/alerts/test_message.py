"""What an alert says to a person: one printable line, whatever it is about."""

from __future__ import annotations

import pytest

from flows.domain.alerts.life import LEFT_OUT, Event
from flows.domain.alerts.message import LIMIT, alert
from flows.domain.alerts.rules import KINDS, RULES
from flows.domain.alerts.view import view_of
from sinks.values.alerts import Key
from tests.support.alert_views import counts, reading, said


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
