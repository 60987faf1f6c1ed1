"""The Prometheus metrics, by the names of the contract."""

from __future__ import annotations

import time

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from connectors.delivery import Delivery, Part
from connectors.errors import RedisAway
from connectors.group_state import GroupState
from connectors.lifecycle import Lifecycle
from connectors.outage import Outage
from sinks.p35_metrics import P35Metrics
from sinks.values.counts import CountNote, Snapshot, Snapshots

DELIVERY = Delivery("stream", "group", "consumer", "lease", "token")
DECISIONS = {"EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN"}
WINDOWS = ("1m", "5m", "15m", "1h")

Samples = dict[tuple[str, tuple[str, ...]], float]


def part(decisions: dict[str, int], skewed: int = 0, late: int = 0, newest: float = 1.0) -> Part:
    """A part of these entries."""
    ids = tuple(b"1-%d" % number for number in range(sum(decisions.values())))
    return Part(DELIVERY, ids, (), CountNote(decisions, skewed, late, newest))


def scrape(metrics: P35Metrics) -> Samples:
    """What Prometheus sees: name and values of labels (by their names) -> value."""
    text = generate_latest(metrics.registry).decode()
    return {
        (sample.name, tuple(value for _label, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith(("_created", "_bucket"))
    }


@pytest.fixture
def metrics() -> P35Metrics:
    """Metrics in a registry of their own."""
    return P35Metrics("1.2.3", ("stale", "held"), CollectorRegistry())


def test_all_names_of_the_contract_are_there(metrics: P35Metrics) -> None:
    metrics.group_state(GroupState(0, 0, 1))
    metrics.snapshots(Snapshots(0, {window: Snapshot({}, (), ()) for window in WINDOWS}, (), 0.0))
    names = {name for name, _labels in scrape(metrics)}
    assert names >= {
        "p35_messages_total",
        "p35_decisions_total",
        "p35_commit_seconds_count",
        "p35_snapshot_seconds_count",
        "p35_pending",
        "p35_lag",
        "p35_late_total",
        "p35_skewed_total",
        "p35_overflow_total",
        "p35_claimed_total",
        "p35_fenced_total",
        "p35_trimmed_total",
        "p35_redis_up",
        "p35_last_message_timestamp_seconds",
        "p35_window_decisions",
        "p35_window_gates",
        "p35_build_info",
    }


def test_commits_are_counted_by_their_notes(metrics: P35Metrics) -> None:
    metrics.committed([part({"SKIP": 2, "EXECUTE": 1}, skewed=1, newest=50.0)], 0.01, 4)
    metrics.committed([part({"SKIP": 2}, late=2, newest=40.0), part({"UNKNOWN": 1})], 0.02, 0)
    seen = scrape(metrics)
    assert seen["p35_messages_total", ()] == 6
    assert {labels[0]: value for (name, labels), value in seen.items() if name == "p35_decisions_total"} == {
        "SKIP": 4,
        "EXECUTE": 1,
        "UNKNOWN": 1,
        "BLOCKED": 0,
        "ERROR": 0,
    }
    assert (seen["p35_skewed_total", ()], seen["p35_late_total", ()], seen["p35_overflow_total", ()]) == (1, 2, 4)
    assert seen["p35_commit_seconds_count", ()] == 2
    assert seen["p35_commit_seconds_sum", ()] == pytest.approx(0.03)


def test_the_newest_message_stays_the_newest(metrics: P35Metrics) -> None:
    metrics.committed([part({"SKIP": 1}, newest=50.5)], 0.0, 0)
    metrics.committed([part({"SKIP": 1}, newest=40.0)], 0.0, 0)
    assert scrape(metrics)["p35_last_message_timestamp_seconds", ()] == 50.5


def test_a_lag_that_redis_does_not_know_is_absent_and_comes_back(metrics: P35Metrics) -> None:
    assert ("p35_lag", ()) not in scrape(metrics)
    metrics.group_state(GroupState(7, 5, 1))
    assert scrape(metrics)["p35_lag", ()] == 5
    metrics.group_state(GroupState(8, None, 1))
    seen = scrape(metrics)
    assert ("p35_lag", ()) not in seen
    assert seen["p35_pending", ()] == 8
    metrics.group_state(GroupState(0, 0, 1))
    assert scrape(metrics)["p35_lag", ()] == 0


def test_each_window_shows_each_decision_and_an_emptied_one_shows_zero(metrics: P35Metrics) -> None:
    windows = {window: Snapshot({"SKIP": number}, (), ()) for number, window in enumerate(WINDOWS, 1)}
    metrics.snapshots(Snapshots(0, windows, (), time.monotonic()))
    seen = {labels: value for (name, labels), value in scrape(metrics).items() if name == "p35_window_decisions"}
    assert len(seen) == 4 * 5
    assert {labels: value for labels, value in seen.items() if value} == {
        ("SKIP", "1m"): 1,
        ("SKIP", "5m"): 2,
        ("SKIP", "15m"): 3,
        ("SKIP", "1h"): 4,
    }
    metrics.snapshots(Snapshots(0, {window: Snapshot({}, (), ()) for window in WINDOWS}, (), time.monotonic()))
    seen = {labels: value for (name, labels), value in scrape(metrics).items() if name == "p35_window_decisions"}
    assert set(seen.values()) == {0}


def test_gates_that_nobody_knows_share_a_series_and_all_gates_together_are_the_window(metrics: P35Metrics) -> None:
    top = (("never heard of", 40), ("stale", 30), ("none", 20))
    windows = {window: Snapshot({"SKIP": 80, "EXECUTE": 25}, (), top) for window in WINDOWS}
    metrics.snapshots(Snapshots(0, windows, (), time.monotonic()))
    seen = {labels: value for (name, labels), value in scrape(metrics).items() if name == "p35_window_gates"}
    wanted = {"stale": 30, "held": 0, "none": 20, "other": 80 + 25 - 30 - 20}
    assert seen == {(gate, window): count for gate, count in wanted.items() for window in WINDOWS}


def test_the_seconds_of_a_snapshot_count_from_when_reading_began(
    metrics: P35Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 12.5)
    metrics.snapshots(Snapshots(0, {window: Snapshot({}, (), ()) for window in WINDOWS}, (), 12.0))
    assert scrape(metrics)["p35_snapshot_seconds_sum", ()] == 0.5


def test_redis_up_follows_the_outage(metrics: P35Metrics) -> None:
    outage = Outage(Lifecycle())
    metrics.watch(outage)
    assert scrape(metrics)["p35_redis_up", ()] == 0
    outage.up("source")
    assert scrape(metrics)["p35_redis_up", ()] == 1
    outage.down("commit", RedisAway("gone"))
    assert scrape(metrics)["p35_redis_up", ()] == 0


def test_events_of_the_group_and_the_version_are_shown(metrics: P35Metrics) -> None:
    metrics.claimed(3)
    metrics.fenced()
    metrics.trimmed(2)
    metrics.dropped(4)
    seen = scrape(metrics)
    names = ("claimed", "fenced", "trimmed", "symbols_dropped")
    assert [seen[f"p35_{name}_total", ()] for name in names] == [3, 1, 2, 4]
    assert seen["p35_build_info", ("1.2.3",)] == 1


def test_labels_take_only_values_that_are_known_beforehand(metrics: P35Metrics) -> None:
    metrics.committed([part({"SKIP": 1}, newest=5.0)], 0.0, 0)
    made_up = Snapshot({"SKIP": 1}, (("made up:x", 1),), (("made up", 1),))
    metrics.snapshots(Snapshots(0, dict.fromkeys(WINDOWS, made_up), (("x", 1),), 0.0))
    known = DECISIONS | set(WINDOWS) | {"1.2.3", "stale", "held", "none", "other"}
    assert {label for _name, labels in scrape(metrics) for label in labels} <= known
