"""Notifications: which alerts receivers are told of, and in what words."""

from __future__ import annotations

from sinks import alerts, notifications
from sinks.notifications import message, wanted
from tests.support.alert_values import ALERT


def sent(**changes: str) -> dict[str, str]:
    """An alert as it is read from the stream."""
    return alerts.entry(ALERT) | changes


def test_only_what_is_severe_enough_is_sent() -> None:
    severities = ("MEDIUM", "HIGH", "CRITICAL", "", "unheard of")
    assert [wanted(sent(severity=one), "HIGH") for one in severities] == [False, True, True, False, False]
    assert all(wanted(sent(severity=one), "MEDIUM") for one in severities[:3])


def test_one_alert_is_named_in_the_title() -> None:
    assert message([sent()]) == ("HIGH gate_explosion a b: ü", "HIGH gate_explosion a b: ü: a line", "warning")
    assert message([sent(severity="CRITICAL")]).level == "failure"
    ended = message([sent(state="resolved", message="resolved after 7 min: fine")])
    assert ended == (
        "resolved: HIGH gate_explosion a b: ü",
        "resolved gate_explosion a b: ü: after 7 min: fine",
        "success",
    )


def test_several_are_one_message_that_every_chat_takes() -> None:
    many = [sent(message="x" * 900) for _ in range(19)] + [sent(state="resolved")]
    one = message(many)
    assert one.title == "20 alerts: 19 firing, 1 resolved"
    assert len(one.body.splitlines()) == 20
    assert len(one.body) <= 1_900


def test_nothing_that_a_publisher_writes_means_anything_to_a_chat() -> None:
    hostile = "@everyone <!channel> [a](http://b) `rm`\n\x1b[2J\u202e"
    one = message([sent(reason=hostile, message=hostile)])
    for text in (one.title, one.body):
        assert text.isprintable()
        assert not set("@<>[]`") & set(text)


def test_an_entry_that_lacks_everything_is_survived() -> None:
    assert message([{}]).level == "success"
    assert not wanted({}, "MEDIUM")


def test_the_keys_of_a_receiver() -> None:
    keys = notifications.receiver_queue("{q}", "2")
    assert (keys.stream, keys.group) == ("{q}:p35:alerts", "notify-2")
    assert (keys.lease_key, keys.dead_letters) == ("{q}:p35:alerts:lease:2", "{q}:p35:alerts:dead")
