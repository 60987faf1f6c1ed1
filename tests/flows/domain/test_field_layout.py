"""A layout finds by position what is otherwise found by name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flows.domain.field_layout import MOST_KINDS, Layout
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
        values = [[value, value] for _name, value in pairs]
        expected = oracle.meaning_of((f"{ID_MS}-0", pairs))
        kind = (expected.decision, expected.reason, expected.symbol, expected.unknown)
        assert layout.columns(values, 2) == ([kind, kind], [dict(pairs).get(b"timestamp", b"")] * 2)


def test_of_a_repeated_name_the_last_position_counts() -> None:
    layout = Layout([b"decision", b"timestamp", b"decision", b"timestamp"])
    ((kind,), stamps) = layout.columns([[b"EXECUTE"], [b"1"], [b"SKIP"], [b"2"]], 1)
    assert (kind.decision, stamps) == ("SKIP", [b"2"])


def test_a_layout_with_none_of_the_names_says_nothing() -> None:
    layout = Layout([b"other"])
    assert layout.columns([[b"EXECUTE"]], 1) == ([("UNKNOWN", "none", "", "")], [b""])


def test_what_is_remembered_is_bounded() -> None:
    layout = Layout([b"decision", b"error"])
    errors = [*(b"%d" % number for number in range(MOST_KINDS + 10)), b"x" * 1_000]
    kinds, _stamps = layout.columns([[b"SKIP"] * len(errors), errors], len(errors))
    assert [kind.reason for kind in kinds[:-1]] == [str(number) for number in range(MOST_KINDS + 10)]
    assert kinds[-1].reason == "x" * 128
    assert len(layout._kinds) == 10
