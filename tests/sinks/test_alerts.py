"""Alerts in a real Redis: what a check reads, what it writes; and what receivers are told."""

from __future__ import annotations

import pytest
import redis
from prometheus_client import CollectorRegistry, generate_latest

from connectors.private_redis import PrivateRedis
from sinks import alerts, notifications
from sinks.alert_metrics import AlertMetrics
from sinks.notifications import message, wanted
from sinks.values.alerts import Alert, AlertState, Checked, Counts, Key, Tracked

KEY = Key("gate_explosion", "a b: ü", "5m")
ALERT = Alert("p35_alert_100_a b: ü", KEY, 2, 3, 2 / 3, 100, "HIGH", "firing", "a line")
TRACKED = {
    KEY: Tracked({"HIGH": 99.5}, ALERT.alert_id, "HIGH", 100.0, 100.25),
    Key("x", "y", "5m"): Tracked({"HIGH": 1}),
}
NOW = 1_769_929_250.0


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """An empty Redis whose replies are bytes, as the flow sees them."""
    return server.client()


def checked(before: AlertState, after: AlertState, *published: Alert) -> Checked:
    """A check that leads from one state to the other."""
    return Checked(before, after, published, 0.0)


def test_the_state_is_read_as_it_was_written(raw: redis.Redis) -> None:
    state = AlertState("v1", 12.25, 7, TRACKED)
    assert alerts.write(raw, "quantum", checked(AlertState(), state, ALERT))
    assert alerts.read(raw, "quantum").state == state
    following = AlertState("v2", 72.0, 8, {KEY: Tracked(published_at=100.25)})
    assert alerts.write(raw, "quantum", checked(state, following))
    assert alerts.read(raw, "quantum").state == following


def test_an_alert_has_the_fields_of_the_contract(client: redis.Redis, raw: redis.Redis) -> None:
    alerts.write(raw, "quantum", checked(AlertState(), AlertState("v1"), ALERT))
    ((_id, fields),) = client.xrange("quantum:p35:alerts")
    assert fields == {
        "alert_id": "p35_alert_100_a b: ü",
        "kind": "gate_explosion",
        "reason": "a b: ü",
        "window": "5m",
        "score": "2",
        "total": "3",
        "share": "0.667",
        "severity": "HIGH",
        "state": "firing",
        "timestamp": "100",
        "message": "a line",
    }


def test_who_was_slower_publishes_nothing(client: redis.Redis, raw: redis.Redis) -> None:
    alerts.write(raw, "quantum", checked(AlertState(), AlertState("v1"), ALERT))
    assert not alerts.write(raw, "quantum", checked(AlertState(), AlertState("v2"), ALERT))
    assert client.xlen("quantum:p35:alerts") == 1
    assert alerts.read(raw, "quantum").state.version == "v1"


def test_a_check_reads_a_quarter_of_an_hour_symbols_and_the_group(client: redis.Redis, raw: redis.Redis) -> None:
    for minute, name in ((29_498_806, "202602010646"), (29_498_820, "202602010700"), (29_498_805, "202602010645")):
        assert minute * 60 <= NOW
        client.hset(f"quantum:p35:bucket:{name}", mapping={"decision:SKIP": 2, "reason:a:x": 2})
    client.hset("quantum:p35:bucket:202602010700", mapping={"symbol_decision:A:B:SKIP": 2, "symbol_reason:BTC:a:x": 1})
    client.hset("quantum:p35:symbol:last_seen", mapping={"BTC": "17.5", "broken": "x", "worse": "inf"})
    client.hset("quantum:p35:symbol:last_execute", "BTC", "16")
    client.hset("quantum:p35:status", "trimmed_total", 3)
    client.xgroup_create("quantum:stream:apply.result", "p35_decision_intel", "0", mkstream=True)
    for _ in range(3):
        client.xadd("quantum:stream:apply.result", {"f": "v"})
    client.xreadgroup("p35_decision_intel", "me", {"quantum:stream:apply.result": ">"}, count=1)
    seen = alerts.read(raw, "quantum", NOW)
    assert seen.minutes == {
        29_498_806: Counts({"SKIP": 2}, {"a:x": 2}),
        29_498_820: Counts({"SKIP": 2}, {"a:x": 2}, {}, {("A:B", "SKIP"): 2}, {("BTC", "a:x"): 1}),
    }
    assert (seen.last_seen, seen.last_execute) == ({"BTC": 17.5}, {"BTC": 16.0})
    assert seen.group is not None
    assert (seen.group.pending, seen.group.lag, seen.stream_length, seen.trimmed_total) == (1, 2, 3, 3)


def test_an_empty_redis_is_read_as_nothing(client: redis.Redis, raw: redis.Redis) -> None:
    seen = alerts.read(raw, "quantum")
    assert (seen.minutes, seen.last_seen, seen.group, seen.stream_length, seen.trimmed_total) == ({}, {}, None, 0, 0)
    assert seen.state == AlertState()
    assert abs(seen.now - client.time()[0]) < 5


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


def shown(metrics: AlertMetrics) -> dict[str, float]:
    """What Prometheus sees and is not 0."""
    lines = [line for line in generate_latest(metrics.registry).decode().splitlines() if not line.startswith("#")]
    values = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if "_created" not in line}
    return {name: value for name, value in values.items() if value}


def test_metrics_show_what_was_published_by_us_and_what_fires_anywhere() -> None:
    metrics = AlertMetrics(["gate_explosion", "x"], "1", CollectorRegistry())
    one = checked(AlertState(), AlertState("v1", 50.0, 0, TRACKED), ALERT)
    metrics.checked(one)
    labels = '{kind="gate_explosion",severity="HIGH"}'
    assert f"p35_alerts_total{labels}" not in shown(metrics)
    assert shown(metrics)[f"p35_alerts_firing{labels}"] == 1
    metrics.published(one)
    assert shown(metrics)[f"p35_alerts_total{labels}"] == 1
    metrics.known(AlertState("v2", 51.0))
    assert f"p35_alerts_firing{labels}" not in shown(metrics)
    assert shown(metrics)["p35_alert_last_check_timestamp_seconds"] == 51
    assert shown(metrics)["p35_alert_evaluation_seconds_count"] == 1


def test_what_fires_has_a_series_with_its_reason_until_it_ends() -> None:
    metrics = AlertMetrics(["gate_explosion"], "1", CollectorRegistry())
    name = "p35_alert_firing_since_timestamp_seconds"

    def series() -> dict[str, float]:
        return {labels: value for labels, value in shown(metrics).items() if labels.startswith(name)}

    metrics.known(AlertState("v1", 50.0, 0, TRACKED))
    assert series() == {name + '{kind="gate_explosion",reason="a b: ü",severity="HIGH"}': 100}
    worse = Tracked({"CRITICAL": 160.0}, ALERT.alert_id, "CRITICAL", 100.0, 160.0)
    hostile = Key("gate_explosion", "\x1b[2J" + "x" * 500, "5m")
    metrics.known(AlertState("v2", 160.0, 0, {KEY: worse, hostile: Tracked({}, "id", "MEDIUM", 7.0, 7.0)}))
    assert series() == {
        name + '{kind="gate_explosion",reason="a b: ü",severity="CRITICAL"}': 100,
        name + '{kind="gate_explosion",reason="�[2J' + "x" * 123 + '…",severity="MEDIUM"}': 7,
    }
    metrics.known(AlertState("v3", 220.0, 0, {KEY: Tracked({}, "", "CRITICAL", 0.0, 160.0)}))
    assert series() == {}
