"""Tallies: each entry in exactly one, whatever the batches."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.delivery import Batch, Delivery, Entry
from flows.domain.tally import Tally, tally
from sinks.values.counts import Kind
from tests.support import oracle, recount, strategies

RawEntry = tuple[str, list[tuple[bytes, bytes]]]

DELIVERY = Delivery("stream", "group", "consumer", "lease", "token")
SKEW = 300.0
T = 1_769_929_020


def batch_of(entries: list[RawEntry]) -> Batch:
    """`entries` as the source delivers them."""
    return Batch(DELIVERY, [Entry(one.encode(), [part for pair in pairs for part in pair]) for one, pairs in entries])


def simple(*timestamps: bytes) -> Batch:
    """Skipped decisions with those timestamps."""
    return batch_of(
        [(f"{T}000-{n}", [(b"decision", b"SKIP"), (b"timestamp", one)]) for n, one in enumerate(timestamps)]
    )


def added_up(tallies: list[Tally]) -> dict[int, Counter[Kind]]:
    """Counts per minute."""
    minutes: dict[int, Counter[Kind]] = defaultdict(Counter)
    for one in tallies:
        minutes[one.minute].update(one.counts)
    return dict(minutes)


def expected(entries: list[RawEntry]) -> dict[int, Counter[Kind]]:
    """Counts per minute, by the contract."""
    minutes: dict[int, Counter[Kind]] = defaultdict(Counter)
    for entry in entries:
        meaning = oracle.meaning_of(entry)
        minutes[meaning.minute][Kind(meaning.decision, meaning.reason, meaning.symbol, meaning.unknown)] += 1
    return dict(minutes)


@given(strategies.entries())
def test_the_counts_of_a_batch_are_those_of_the_contract(entries: list[RawEntry]) -> None:
    tallies = tally(batch_of(entries), SKEW)
    assert added_up(tallies) == expected(entries)
    assert sum(one.skewed for one in tallies) == sum(oracle.meaning_of(entry).skewed for entry in entries)


@given(strategies.entries())
def test_each_entry_is_in_exactly_one_tally_in_stream_order_under_its_delivery(entries: list[RawEntry]) -> None:
    tallies = tally(batch_of(entries), SKEW)
    by_minute: dict[int, list[bytes]] = defaultdict(list)
    for entry in entries:
        by_minute[oracle.meaning_of(entry).minute].append(entry[0].encode())
    assert {one.minute: list(one.ids) for one in tallies} == by_minute
    assert len({one.minute for one in tallies}) == len(tallies)
    assert all(len(one.ids) == sum(one.counts.values()) for one in tallies)
    assert all(one.delivery == DELIVERY for one in tallies)


@given(strategies.entries(), st.data())
def test_tallies_add_up_the_same_for_any_split_and_any_order(entries: list[RawEntry], data: st.DataObject) -> None:
    positions = data.draw(st.permutations(range(len(entries))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(entries)), max_size=4)))
    tallies: list[Tally] = []
    for start, end in zip([0, *cuts], [*cuts, len(entries)], strict=True):
        # A batch is in stream order, whatever was read before it or is read after it.
        tallies += tally(batch_of([entries[position] for position in sorted(positions[start:end])]), SKEW)
    assert added_up(tallies) == added_up(tally(batch_of(entries), SKEW))
    seen: dict[str, float] = {}
    executed: dict[str, float] = {}
    for one in tallies:
        for newest, more in ((seen, one.seen), (executed, one.executed)):
            for symbol, seconds in more.items():
                newest[symbol] = max(seconds, newest.get(symbol, 0.0))
    whole: dict[str, float] = {}
    whole_executed: dict[str, float] = {}
    for entry in entries:
        meaning = oracle.meaning_of(entry)
        kind = Kind(*meaning[:4])
        whole[kind.symbol] = max(meaning.seconds, whole.get(kind.symbol, 0.0))
        if kind.decision == "EXECUTE":
            whole_executed[kind.symbol] = max(meaning.seconds, whole_executed.get(kind.symbol, 0.0))
    assert (seen, executed) == (whole, whole_executed)


@given(strategies.entries(), st.sampled_from([0.0, 1.0, 2e9, 4e9]))
def test_tallies_do_not_depend_on_the_wall_clock(entries: list[RawEntry], clock: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: clock)
        patch.setattr(time, "monotonic", lambda: clock)
        assert added_up(tally(batch_of(entries), SKEW)) == expected(entries)


@given(strategies.entries())
def test_the_event_time_lies_in_the_tallys_minute_and_is_that_of_its_newest_entry(entries: list[RawEntry]) -> None:
    for one in tally(batch_of(entries), SKEW):
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=one.minute)
        assert start <= one.event_time < start + timedelta(minutes=1)
        assert abs((one.event_time - start).total_seconds() - (one.newest_seconds - one.minute * 60)) < 2e-6


@pytest.mark.parametrize("last", [b"1769929019.9999998", b"1769929019.999999", b"1769929019999.9998"])
def test_the_last_instant_of_a_minute_does_not_round_into_the_next(last: bytes) -> None:
    (one,) = tally(simple(b"1769929019", last), SKEW)
    assert one.minute == 29_498_816
    assert one.event_time.strftime("%Y%m%d%H%M") == "202602010656"


def test_both_sides_of_a_minutes_end_are_in_their_own_minutes() -> None:
    tallies = tally(simple(b"1769929019.999", b"1769929020", b"1769929079.5", b"1769929080"), SKEW)
    assert [(one.minute, len(one.ids)) for one in tallies] == [(29_498_816, 1), (29_498_817, 2), (29_498_818, 1)]


def test_of_a_repeated_field_the_last_value_counts() -> None:
    pairs = [(b"decision", b"EXECUTE"), (b"error", b"x"), (b"decision", b"SKIP"), (b"error", b"")]
    (one,) = tally(batch_of([(f"{T}000-0", pairs)]), SKEW)
    assert one.counts == {Kind("SKIP", "none", "", ""): 1}


def test_an_empty_batch_gives_no_tally() -> None:
    assert tally(Batch(DELIVERY, []), SKEW) == []


def test_skewed_entries_are_counted_as_such_in_the_minute_of_their_id() -> None:
    (one,) = tally(simple(b"", b"nan", str(T).encode(), str(T + 301).encode(), str(T + 59).encode()), SKEW)
    assert (one.minute, one.skewed, len(one.ids), one.newest_seconds) == (29_498_817, 3, 5, T + 59)


def test_a_time_ahead_of_one_entry_may_be_right_for_the_next_that_says_it() -> None:
    ahead = [(b"decision", b"SKIP"), (b"timestamp", str(T + 360).encode())]
    tallies = tally(batch_of([(f"{T + after}000-0", ahead) for after in (0, 30, 59, 60, 90)]), SKEW)
    assert [(one.minute, len(one.ids), one.skewed) for one in tallies] == [(29_498_817, 3, 3), (29_498_823, 2, 0)]


def test_publishers_that_take_turns_are_told_apart_by_the_names_of_their_fields() -> None:
    entries: list[RawEntry] = []
    for row in recount.samples():
        swapped = {"decision": "symbol", "symbol": "decision"}
        entries.append((f"{T}000-{len(entries)}", [(k.encode(), v.encode()) for k, v in row.items()]))
        entries.append((f"{T}000-{len(entries)}", [(swapped.get(k, k).encode(), v.encode()) for k, v in row.items()]))
    assert added_up(tally(batch_of(entries), SKEW)) == expected(entries)


def test_seen_is_the_newest_event_time_of_each_symbol_and_not_the_last_read() -> None:
    entries: list[RawEntry] = [
        (f"{T}000-{n}", [(b"decision", decision), (b"symbol", b"S"), (b"timestamp", str(T + seconds).encode())])
        for n, (decision, seconds) in enumerate([(b"EXEC", 5), (b"EXEC", 9), (b"EXEC", 7), (b"SKIP", 11), (b"SKIP", 3)])
    ]
    (one,) = tally(batch_of(entries), SKEW)
    assert (one.seen, one.executed, one.newest_seconds) == ({"S": T + 11}, {"S": T + 9}, T + 11)


def test_an_id_far_beyond_the_calendar_is_tallied_all_the_same() -> None:
    (one,) = tally(batch_of([("18446744073709551615-18446744073709551615", [(b"decision", b"SKIP")])]), SKEW)
    assert one.event_time.year == 8999
    assert one.skewed == 1
