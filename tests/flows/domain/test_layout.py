"""A layout finds by position what is otherwise found by name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flows.domain.layout import Layout
from tests.support import oracle, strategies

ID_MS = strategies.BASE_MS


@given(strategies.fields(ID_MS), st.data())
def test_entries_of_one_layout_are_each_counted_by_their_own_values(
    first: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    names = [name for name, _value in first]
    layout = Layout(names)
    second = [(name, data.draw(strategies.NASTY_BYTES)) for name in names]
    for pairs in (first, second, first):
        flat = [text for pair in pairs for text in pair]
        expected = oracle.meaning_of((f"{ID_MS}-0", pairs))
        assert layout.kind(flat) == (expected.decision, expected.reason, expected.symbol, expected.unknown)
        assert layout.timestamp(flat) == dict(pairs).get(b"timestamp", b"")


def test_of_a_repeated_name_the_last_position_counts() -> None:
    layout = Layout([b"decision", b"timestamp", b"decision", b"timestamp"])
    said = [b"decision", b"EXECUTE", b"timestamp", b"1", b"decision", b"SKIP", b"timestamp", b"2"]
    assert (layout.kind(said).decision, layout.timestamp(said)) == ("SKIP", b"2")


def test_a_layout_with_none_of_the_names_says_nothing() -> None:
    layout = Layout([b"other"])
    assert layout.kind([b"other", b"EXECUTE"]) == ("UNKNOWN", "none", "", "")
    assert layout.timestamp([b"other", b"1"]) == b""
