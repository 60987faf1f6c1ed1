"""Names of reads: told from all others, and never the same twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.consumer_names import consumer_of, failures_of, read_name, waiting_name

TOKENS = st.text("0123456789abcdef", min_size=16, max_size=16)


@given(st.text(min_size=1), TOKENS, st.integers(0, 2**40))
def test_the_name_of_a_read_belongs_to_its_consumer(consumer: str, token: str, number: int) -> None:
    raw = consumer.encode("utf-8", "surrogatepass")
    assert consumer_of(read_name(consumer, token, number).encode("utf-8", "surrogatepass")) == raw


@given(st.text(min_size=1), TOKENS, st.integers(0, 2**40), st.integers(1, 999_999_999))
def test_the_names_of_what_has_failed_say_how_often(consumer: str, token: str, number: int, failures: int) -> None:
    for name in (read_name(consumer, token, number, failures), waiting_name(consumer, token, failures)):
        raw = name.encode("utf-8", "surrogatepass")
        assert consumer_of(raw) == consumer.encode("utf-8", "surrogatepass")
        assert failures_of(raw) == failures
        assert name != read_name(consumer, token, number)
    assert failures_of(read_name(consumer, token, number).encode("utf-8", "surrogatepass")) == 0


@given(TOKENS, st.integers(0, 2**40), st.integers(0, 2**40))
def test_two_reads_have_two_names(token: str, one: int, other: int) -> None:
    assert (read_name("c", token, one) == read_name("c", token, other)) == (one == other)


OTHERS = [b"", b"host-17", b"host-17-2", b"an-operator", b":0123abcd.0", b"operator \xff\r\n2026-01-01T00:00:00Z"]
NEARLY = [
    b"c:0123abcd",
    b"c:0123abc.0",
    b"c:0123ABCD.0",
    b"c:0123abcd.",
    b"c:0123abcd.0\n",
    b"c:0123abcd.-",
    b"c:0123abcd.-.",
    b"c:0123abcd.1.x",
]
NEARLY += [b"c:0123abcd.1." + b"9" * 5_000, b"c:0123abcd.-.1.1"]


@pytest.mark.parametrize("name", OTHERS + NEARLY)
def test_any_other_name_stands_for_itself(name: bytes) -> None:
    assert consumer_of(name) == name
    assert failures_of(name) == 0
