"""Hostile text becomes one printable line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.text import one_line


@given(st.text(), st.integers(1, 50))
def test_one_line_is_printable_and_within_its_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert line.isprintable()
    assert len(line) == min(len(text), limit)
    if text.isprintable() and len(text) <= limit:
        assert line == text


def test_a_hostile_reply_cannot_forge_a_line_of_the_log() -> None:
    assert one_line("ERR x\n2026 INFO all is well\x1b[2J") == "ERR x\ufffd2026 INFO all is well\ufffd[2J"
    assert one_line("x" * 300) == "x" * 199 + "…"
