"""The whole flow, on lists instead of Redis."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from bytewax.testing import TestingSink, TestingSource, run_main
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.delivery import Batch, Delivery, Entry, Part
from connectors.group_state import GroupState
from flows.p35 import Ends, group_config, topology
from flows.settings.p35 import P35Settings
from sinks.values.counts import CountNote, Counts, Recent, Snapshots
from tests.support import oracle, strategies
from tests.support.ledger import Ledger

RawEntry = tuple[str, list[tuple[bytes, bytes]]]

T = 1_769_929_020
"""2026-02-01 06:57:00 UTC."""


@dataclass
class Written:
    """What a run wrote."""

    parts: list[Part] = field(default_factory=list)
    snapshots: list[Snapshots] = field(default_factory=list)
    states: list[GroupState] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        """The parts, carried out."""
        return Ledger(self.parts)


def delivery(consumer: str = "one") -> Delivery:
    """What `consumer` reads under."""
    return Delivery("quantum:stream:apply.result", "p35_decision_intel", consumer, f"lease:{consumer}", "token")


def batch_of(entries: list[RawEntry], consumer: str = "one") -> Batch:
    """`entries` as the source delivers them."""
    listed = [Entry(one.encode(), [part for pair in pairs for part in pair]) for one, pairs in entries]
    return Batch(delivery(consumer), listed)


def run(
    batches: list[Batch],
    recent: list[Recent] | None = None,
    states: list[GroupState] | None = None,
    *,
    together: int = 1,
    **changes: Any,
) -> Written:
    """Run the flow to the end of its inputs; `together` batches are read at a time."""
    written = Written()
    ends = Ends(
        decisions=TestingSource(batches, together),
        commit=TestingSink(written.parts),
        last_hour=TestingSource(recent or []),
        snapshots=TestingSink(written.snapshots),
        group=TestingSource(states or []),
        status=TestingSink(written.states),
    )
    run_main(topology(P35Settings(**changes), ends))  # type: ignore[no-untyped-call]
    return written


def skip_at(timestamp: float, number: int) -> RawEntry:
    """A skipped decision that says it happened then, read at T."""
    pairs = [
        (b"symbol", b"BTCUSDT"),
        (b"decision", b"SKIP"),
        (b"error", b"a:b"),
        (b"timestamp", str(timestamp).encode()),
    ]
    return (f"{T}000-{number}", pairs)


@settings(max_examples=25)
@given(strategies.entries(), st.integers(1, 8), st.integers(1, 4))
def test_buckets_status_and_symbols_are_the_contracts_however_entries_are_batched(
    entries: list[RawEntry], size: int, together: int
) -> None:
    batches = [batch_of(entries[start : start + size]) for start in range(0, len(entries), size)]
    ledger = run(batches, together=together).ledger
    hashes = ledger.hashes
    assert ledger.counts("quantum:p35:bucket:") == oracle.expected_buckets(entries)
    assert ledger.counts("quantum:p35:unknown_decision:minute:") == oracle.expected_unknown(entries)
    seen, executed = oracle.expected_last(entries)
    for name, expected in (("last_seen", seen), ("last_execute", executed)):
        shown = {symbol: float(value) for symbol, value in hashes[f"quantum:p35:symbol:{name}"].items()}
        assert shown == pytest.approx(expected, abs=0.0006)
    if entries:
        status = hashes["quantum:p35:status"]
        expected = oracle.expected_status(entries)
        del expected["last_id"]  # (is the commit's)
        assert {"skewed_total": "0", **status} == {
            **expected,
            **{name: value for name, value in status.items() if name == "late_total"},
        }


@settings(max_examples=15)
@given(strategies.entries(), st.integers(1, 8))
def test_each_entry_is_acknowledged_once_with_its_own_counts(entries: list[RawEntry], size: int) -> None:
    batches = [batch_of(entries[start : start + size]) for start in range(0, len(entries), size)]
    written = run(batches)
    assert Counter(written.ledger.acknowledged) == Counter(one.encode() for one, _ in entries)
    by_id = dict(entries)
    for part in written.parts:
        own = [(one.decode(), by_id[one.decode()]) for one in part.ids]
        assert Ledger([part]).counts("quantum:p35:bucket:") == oracle.expected_buckets(own)


@settings(max_examples=15)
@given(strategies.entries())
def test_the_sum_of_all_decisions_is_the_number_of_messages_processed(entries: list[RawEntry]) -> None:
    ledger = run([batch_of(entries)] if entries else []).ledger
    total = sum(
        count
        for bucket in ledger.counts("quantum:p35:bucket:").values()
        for name, count in bucket.items()
        if name.startswith("decision:")
    )
    assert total == len(entries)
    assert int(ledger.hashes["quantum:p35:status"].get("processed_total", "0")) == len(entries)


def test_consumers_keep_their_own_deliveries() -> None:
    entries = [skip_at(T + second, second) for second in range(4)]
    written = run([batch_of(entries[:2], "one"), batch_of(entries[2:], "two")], together=2)
    by_consumer = {part.delivery.consumer: part.ids for part in written.parts}
    assert by_consumer == {
        "one": (b"1769929020000-0", b"1769929020000-1"),
        "two": (b"1769929020000-2", b"1769929020000-3"),
    }
    assert {part.delivery for part in written.parts} == {delivery("one"), delivery("two")}


def test_one_consumers_stream_makes_nothing_of_another_late() -> None:
    first, second = batch_of([skip_at(T, 0)], "one"), batch_of([skip_at(T - 3_600, 1)], "two")
    assert "late_total" not in run([first, second]).ledger.hashes["quantum:p35:status"]


def test_late_entries_are_counted_in_their_own_minute_and_as_late() -> None:
    entries = [skip_at(T, 0), skip_at(T - 3_600, 1), skip_at(T - 1, 2), skip_at(T - 7_200.5, 3)]
    ledger = run([batch_of([one]) for one in entries]).ledger
    assert ledger.hashes["quantum:p35:status"]["late_total"] == "2"
    assert ledger.counts("quantum:p35:bucket:") == oracle.expected_buckets(entries)


@pytest.mark.parametrize(("behind", "late"), [(300 + 60, False), (300 + 60 + 61, True)])
def test_late_is_what_is_further_behind_than_skew_and_lateness_allow(behind: int, late: bool) -> None:
    status = run([batch_of([skip_at(T + 60, 0)]), batch_of([skip_at(T + 60 - behind + 1, 1)])]).ledger.hashes
    assert ("late_total" in status["quantum:p35:status"]) == late


def test_a_minutes_last_instant_takes_no_other_entry_into_the_next_minute() -> None:
    entries = [skip_at(T - 60, 0), skip_at(T - 30, 1)]
    entries.append((f"{T}000-2", [(b"decision", b"EXEC"), (b"timestamp", b"1769929019.9999998")]))
    buckets = run([batch_of(entries)]).ledger.counts("quantum:p35:bucket:")
    assert buckets == oracle.expected_buckets(entries)
    assert list(buckets) == ["202602010656"]


def test_more_minutes_than_a_step_splits_at_lose_nothing() -> None:
    entries = [skip_at(T - 60 * number, number) for number in range(3_000)]
    ledger = run([batch_of(entries)]).ledger
    assert len(ledger.acknowledged) == len(set(ledger.acknowledged)) == 3_000
    assert ledger.counts("quantum:p35:bucket:") == oracle.expected_buckets(entries)


@pytest.mark.parametrize("clock", [1.0, 4_102_444_800.0])
def test_buckets_do_not_depend_on_the_wall_clock(monkeypatch: pytest.MonkeyPatch, clock: float) -> None:
    entries = [skip_at(T, 0), skip_at(float("nan"), 1), skip_at(T - 61, 2), (f"{T}000-3", [])]
    monkeypatch.setattr(time, "time", lambda: clock)
    assert run([batch_of(entries)]).ledger.counts("quantum:p35:bucket:") == oracle.expected_buckets(entries)


def test_hostile_entries_stop_nothing() -> None:
    huge = b"x" * 1_000_000
    hostile = [
        [(b"decision", huge), (b"error", huge), (b"symbol", huge), (b"timestamp", huge)],
        [(b"details", b'{"error": ' + b"[" * 1_020 + b"]" * 1_020 + b"}"), (b"executed", b"false")],
        [(b"\xff", b"\xfe"), (b"decision", b"\xff"), (b"symbol", b"\n\x00\x1b")],
        [(b"details", b'{"error": "\\ud800", "qty": NaN}')],
        [],
    ]
    entries = [(f"{T}000-{number}", pairs) for number, pairs in enumerate(hostile)]
    entries.append(("18446744073709551615-0", [(b"decision", b"SKIP")]))
    ledger = run([batch_of(entries)]).ledger
    assert len(ledger.acknowledged) == 6
    assert ledger.counts("quantum:p35:bucket:")["202602010657"]["decision:UNKNOWN"] == 4


def test_without_symbol_breakdown_there_are_no_symbol_fields() -> None:
    entries = [skip_at(T, 0)]
    buckets = run([batch_of(entries)], enable_symbol_breakdown=False).ledger.counts("quantum:p35:bucket:")
    assert buckets == {"202602010657": {"decision:SKIP": 1, "reason:a:b": 1}}


def test_settings_reach_the_keys_the_ttl_and_the_skew() -> None:
    entries = [(f"{T}000-0", [(b"decision", b"SKIP"), (b"timestamp", str(T + 61).encode())])]
    ledger = run([batch_of(entries)], key_prefix="{q}", bucket_ttl_sec=7_777, max_future_skew_sec=60).ledger
    assert all(key.startswith("{q}:p35:") for key in ledger.hashes)
    assert ledger.ttls["{q}:p35:bucket:202602010657"] == 7_777
    assert ledger.hashes["{q}:p35:status"]["skewed_total"] == "1"


def test_notes_tell_the_metrics_what_was_counted() -> None:
    entries = [
        skip_at(T, 0),
        skip_at(T + 301, 1),
        (f"{T}000-2", [(b"decision", b"EXEC"), (b"timestamp", b"1769929025")]),
    ]
    (part,) = run([batch_of(entries)]).parts
    assert part.note == CountNote({"SKIP": 2, "EXECUTE": 1}, skewed=1, late=0, newest=1_769_929_025.0)


def test_the_last_hour_becomes_snapshots() -> None:
    recent = Recent(100, {100: Counts({"SKIP": 2}, {"a:x": 1, "a:y": 1}, {"HOLD": 3})}, 1.5)
    (snapshots,) = run([], recent=[recent]).snapshots
    assert snapshots.windows["1h"].decisions == {"SKIP": 2}
    assert snapshots.windows["1m"].top_gates == (("a", 2),)
    assert (snapshots.minute, snapshots.top_unknown, snapshots.started) == (100, (("HOLD", 3),), 1.5)


def test_the_groups_state_reaches_the_status_as_it_is() -> None:
    states = [GroupState(3, None, 1), GroupState(0, 7, 2)]
    assert run([], states=states).states == states


def test_the_group_is_the_contracts() -> None:
    config = group_config(P35Settings(key_prefix="quantum", lease_ttl_sec=7, stall_sec=9))
    assert (config.stream, config.group, config.start) == ("quantum:stream:apply.result", "p35_decision_intel", "0")
    assert (config.counters, config.lease_prefix) == ("quantum:p35:status", "quantum:p35:lease:")
    assert (config.lease_ttl, config.stall) == (7.0, 9.0)
