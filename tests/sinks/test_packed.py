"""The packed counts of symbol x gate: read back by the words of the schema, small, and no trap for who reads them."""

from __future__ import annotations

import base64
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.packed import Unreadable, pack, unpack
from tests.support.history_world import unpacked

NAMES = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=12)
COUNTS = st.dictionaries(st.tuples(NAMES, NAMES), st.integers(1, 2**40), max_size=30)
PARTS = st.integers(0, 2**60 - 1)


@given(COUNTS, PARTS)
def test_what_is_packed_is_read_as_the_schema_says(counts: dict[tuple[str, str], int], parts: int) -> None:
    packed = pack(counts, parts)
    assert unpacked(packed) == (counts, parts)
    assert unpack(packed) == (counts, parts)
    assert packed.isascii()


@given(COUNTS, PARTS, st.randoms())
def test_equal_counts_give_equal_bytes(counts: dict[tuple[str, str], int], parts: int, rng: random.Random) -> None:
    pairs = list(counts.items())
    rng.shuffle(pairs)
    assert pack(dict(pairs), parts) == pack(counts, parts)


def wrapped(body: bytes) -> bytes:
    return b"1:" + base64.b64encode(zlib.compress(body))


@pytest.mark.parametrize(
    "field",
    [
        b"",
        b"1:",
        b"2:" + wrapped(b"[0,[],[]]\n")[2:],
        b"1:!!!!",
        b"1:" + base64.b64encode(b"no zlib"),
        pack({("a", "b"): 1}, 1)[:-8],
        wrapped(b"[0,[],[]"),
        wrapped(b'[0,["a"]]\n'),
        wrapped(b'[0,["a"],[1]]\n\1\1\1'),
        wrapped(b'["x",["a"],["b"]]\n\1\1\1'),
        wrapped(b'[0,["a"],["b"]]\n\1\1'),
        wrapped(b'[0,["a"],["b"]]\n\1\0\1'),
        wrapped(b'[0,["a"],["b"]]\n\1\2\1'),
        wrapped(b'[0,["a"],["b"]]\n\xff\xff\xff\xff\xff\x7f\1\1'),
        wrapped(b'[0,["\\ud800"],["b"]]\n\1\1\1'),
        wrapped(b"[" * 100_000),
        wrapped(b"9" * 100_000),
    ],
)
def test_what_nobody_has_packed_is_unreadable(field: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack(field)


def test_a_field_that_would_fill_the_memory_is_unreadable() -> None:
    compressor = zlib.compressobj(9)
    made = b"".join(compressor.compress(b"\0" * 2**20) for _ in range(70)) + compressor.flush()
    with pytest.raises(Unreadable):
        unpack(b"1:" + base64.b64encode(made))


@pytest.mark.parametrize(("symbols", "most", "size"), [(100, 100, 3_000), (100, 2_400, 5_500), (20, 100, 800)])
def test_a_field_is_small(symbols: int, most: int, size: int) -> None:
    rng = random.Random(1)
    counts = {
        (f"SYM{one:03}USDT", f"gate_{two}"): rng.randrange(1, most) for one in range(symbols) for two in range(20)
    }
    assert len(pack(counts, 2**60 - 1)) < size
