"""Batches that follow one another at once are put together, and no further than a commit may grow."""

from __future__ import annotations

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from connectors.delivery import Batch, Delivery, Entry, Read
from flows.domain.tally import Combiner, Tally
from sinks.values.counts import Kind
from tests.support import oracle, strategies

RawEntry = tuple[str, list[tuple[bytes, bytes]]]
T = 1_769_929_020


def delivery(number: int, entries: int, token: str = "token", consumer: str = "one") -> Delivery:
    reads = (Read(f"{consumer}:{number}", entries),) if entries else ()
    return Delivery("stream", "group", consumer, f"lease:{consumer}", token, "counters", 1, reads=reads)


def batch_of(entries: list[RawEntry], number: int, more: bool, **who: str) -> Batch:
    listed = [Entry(one.encode(), [part for pair in pairs for part in pair]) for one, pairs in entries]
    return Batch(delivery(number, len(listed), **who), listed, more)


def skips(first: int, count: int, symbols: int = 1) -> list[RawEntry]:
    """Entries of one minute."""
    return [
        (f"{T}000-{n}", [(b"decision", b"SKIP"), (b"symbol", b"S%d" % (n % symbols)), (b"timestamp", b"%d" % T)])
        for n in range(first, first + count)
    ]


def in_minutes(entries: list[RawEntry]) -> dict[int, Counter[Kind]]:
    minutes: dict[int, Counter[Kind]] = defaultdict(Counter)
    for entry in entries:
        meaning = oracle.meaning_of(entry)
        minutes[meaning.minute][Kind(*meaning[:4])] += 1
    return dict(minutes)


@given(strategies.entries(), st.integers(1, 5))
def test_what_is_put_together_is_counted_as_if_it_had_been_one_batch(entries: list[RawEntry], size: int) -> None:
    combiner, tallies = Combiner(300.0), list[Tally]()
    pieces = [entries[start : start + size] for start in range(0, len(entries), size)]
    for number, piece in enumerate(pieces):
        found = combiner(batch_of(piece, number, more=number + 1 < len(pieces)))
        assert (found == []) == (number + 1 < len(pieces))
        tallies += found
    assert {one.minute: one.counts for one in tallies} == in_minutes(entries)
    assert sum(one.skewed for one in tallies) == sum(oracle.meaning_of(entry).skewed for entry in entries)
    whole = {one.delivery for one in tallies}
    assert len(whole) == (1 if entries else 0)
    for delivery in whole:
        assert [read.entries for read in delivery.reads] == [len(piece) for piece in pieces]
        assert delivery.entries == sum(len(one.ids) for one in tallies)


def test_an_empty_batch_ends_what_waits_for_it() -> None:
    combiner = Combiner(300.0)
    assert combiner(batch_of(skips(0, 3), 0, more=True)) == []
    (one,) = combiner(batch_of([], 1, more=False))
    assert (sum(one.counts.values()), one.delivery.reads) == (3, (Read("one:0", 3),))
    assert combiner(batch_of([], 2, more=False)) == []


def test_what_was_read_under_two_leases_is_never_put_together() -> None:
    combiner = Combiner(300.0)
    assert combiner(batch_of(skips(0, 3), 0, more=True, token="old")) == []
    old, new = combiner(batch_of(skips(0, 5), 0, more=False, token="new"))
    assert [(one.delivery.token, one.delivery.entries) for one in (old, new)] == [("old", 3), ("new", 5)]


def test_consumers_that_share_it_keep_their_own() -> None:
    combiner = Combiner(300.0)
    assert combiner(batch_of(skips(0, 3), 0, more=True, consumer="one")) == []
    assert combiner(batch_of(skips(3, 5), 0, more=True, consumer="two")) == []
    (one,) = combiner(batch_of(skips(8, 1), 1, more=False, consumer="one"))
    assert (one.delivery.consumer, one.delivery.entries) == ("one", 4)
    (two,) = combiner(batch_of([], 1, more=False, consumer="two"))
    assert (two.delivery.consumer, two.delivery.entries) == ("two", 5)


def put_together(symbols: int) -> int:
    """How many entries wait for one another at the most, of so many symbols, in batches of 1,000."""
    combiner = Combiner(300.0)
    for number in range(100):
        if found := combiner(batch_of(skips(number * 1_000, 1_000, symbols), number, more=True)):
            return sum(len(one.ids) for one in found)
    raise AssertionError("no end")


def test_a_commit_grows_no_further_than_it_may_keep_redis() -> None:
    few, many, made_up = put_together(10), put_together(400), put_together(10**9)
    assert 20_000 > few > many > made_up
    assert made_up == 1_000, "another like it would be too many"
