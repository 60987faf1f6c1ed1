"""Which plans of a read may be carried out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.delivery import Batch, Delivery, Entry
from flows.domain.plans import Plans, read
from sinks.values.joins import Plan

DELIVERY = Delivery("s", "g", "c", "lease:c", "token")


def plans_of(*entries: list[tuple[bytes, bytes]]) -> Plans:
    """What is read from these entries, whose IDs count from 0-0."""
    return read(
        Batch(
            DELIVERY,
            [Entry(b"0-%d" % number, [text for pair in one for text in pair]) for number, one in enumerate(entries)],
        )
    )


def plan(plan_id: bytes = b"p", symbol: bytes = b"S", decision: bytes = b"EXECUTE") -> list[tuple[bytes, bytes]]:
    return [(b"plan_id", plan_id), (b"symbol", symbol), (b"decision", decision), (b"action", b"OPEN")]


def test_those_to_be_executed_are_read_with_their_entries() -> None:
    found = plans_of(plan(b"1"), plan(b"2", decision=b"SKIP"), plan(b"3", b"T", b" execute\n"))
    assert found.executed == ((b"0-0", Plan("1", "S", "OPEN")), (b"0-2", Plan("3", "T", "OPEN")))
    assert (found.delivery, found.ids) == (DELIVERY, (b"0-0", b"0-1", b"0-2"))
    assert (found.not_execute, found.incomplete) == (1, 0)


def test_one_without_its_name_or_symbol_is_incomplete_and_one_without_a_decision_is_not_to_be_executed() -> None:
    found = plans_of(plan(b""), plan(symbol=b" \t"), [(b"decision", b"EXECUTE")], plan(decision=b""), [])
    assert (found.executed, found.not_execute, found.incomplete) == ((), 2, 3)


def test_of_a_repeated_field_the_last_value_counts() -> None:
    found = plans_of([*plan(b"1", decision=b"SKIP"), (b"decision", b"EXECUTE"), (b"plan_id", b"2")])
    assert found.executed == ((b"0-0", Plan("2", "S", "OPEN")),)


def test_bytes_that_are_no_text_can_be_had_again() -> None:
    ((_id, one),) = plans_of(plan(b"p\xff", b"\xfe")).executed
    assert one.plan_id.encode("utf-8", "surrogateescape") == b"p\xff"
    assert one.symbol.encode("utf-8", "surrogateescape") == b"\xfe"


NAMES = st.sampled_from([b"plan_id", b"symbol", b"decision", b"action", b"other"])
TEXTS = st.binary(max_size=6) | st.sampled_from([b"EXECUTE", b"execute ", b"SKIP", b"BTC"])


@given(st.lists(st.lists(st.tuples(NAMES, TEXTS), max_size=6), max_size=6))
def test_every_entry_is_in_exactly_one_of_the_three(entries: list[list[tuple[bytes, bytes]]]) -> None:
    found = plans_of(*entries)
    assert len(found.executed) + found.not_execute + found.incomplete == len(found.ids) == len(entries)
