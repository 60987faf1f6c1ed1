"""Counts of pairs of names, packed: the field `symbol_gates` of a roll-up. Pure.

`1:`, the version of the format, and behind it in base64 (RFC 4648) a zlib stream (RFC 1950) of:

    one line of JSON    [parts, [symbol, ...], [gate, ...]], the names sorted by code points; ended by a newline
    sizes               for each symbol: how many gates it has
    steps               for each symbol, each gate: how far its place in the list is behind that of the gate before
                        (behind -1 for the first)
    counts              the same, in the same order: how often it was counted, 1 at least

All numbers behind the line are varints (LEB128: seven bits a byte, the lowest first, the top bit set in all but the
last). `parts` is a bit set: bit N stands for minute N of an hour, or hour N of a day, that the roll-up was made of.

It is text because whoever reads a hash with a client that decodes replies would fail on the whole of it otherwise.
"""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

VERSION = b"1:"

MOST_BYTES = 64 * 1024 * 1024
"""Of a field when it is unpacked: whatever would be larger, we did not write."""

_LEVEL = 9

_SURROGATES = re.compile("[\ud800-\udfff]")
"""JSON can spell them, and nothing can write them."""


class Unreadable(ValueError):
    """What was to be unpacked is nothing that `pack` makes."""


def pack(counts: Mapping[tuple[str, str], int], parts: int) -> bytes:
    """`counts`, all positive, and the bit set `parts`. Equal ones give equal bytes."""
    symbols, gates = sorted({symbol for symbol, _ in counts}), sorted({gate for _, gate in counts})
    place = {gate: number for number, gate in enumerate(gates)}
    rows: dict[str, list[tuple[int, int]]] = {symbol: [] for symbol in symbols}
    for (symbol, gate), count in counts.items():
        rows[symbol].append((place[gate], count))
    sizes, steps, numbers = [], [], []
    for row in rows.values():
        row.sort()
        sizes.append(len(row))
        before = -1
        for at, count in row:
            steps.append(at - before)
            numbers.append(count)
            before = at
    names = json.dumps([parts, symbols, gates], separators=(",", ":")).encode()
    return VERSION + b64encode(zlib.compress(names + b"\n" + _varints([*sizes, *steps, *numbers]), _LEVEL))


def unpack(packed: bytes) -> tuple[dict[tuple[str, str], int], int]:
    """The counts and the bit set in `packed`.

    :raises Unreadable: it is nothing that `pack` makes; nothing of it is known.
    """
    if not packed.startswith(VERSION):
        raise Unreadable("not of a known version")
    stream = zlib.decompressobj()
    try:
        body = stream.decompress(b64decode(packed[len(VERSION) :], validate=True), MOST_BYTES)
    except ValueError:
        raise Unreadable("no base64") from None
    except zlib.error:
        raise Unreadable("no zlib stream") from None
    if not stream.eof or stream.unused_data:
        raise Unreadable("cut off, or too large")
    line, _, rest = body.partition(b"\n")
    parts, symbols, gates = _names(line)
    numbers = _numbers(rest)
    try:
        sizes = [next(numbers) for _ in symbols]
        pairs = sum(sizes)
        if pairs > len(rest):
            raise Unreadable("cut off")
        steps = [next(numbers) for _ in range(pairs)]
        if 0 in steps:
            raise Unreadable("a gate twice")
        counts: dict[tuple[str, str], int] = {}
        step = iter(steps)
        for symbol, size in zip(symbols, sizes, strict=True):
            at = -1
            for _ in range(size):
                at += next(step)
                counts[symbol, gates[at]] = next(numbers)
    except (StopIteration, IndexError):
        raise Unreadable("cut off") from None
    return counts, parts


def _names(line: bytes) -> tuple[int, list[str], list[str]]:
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list) and len(found) == 3:
        parts, symbols, gates = found
        listed = isinstance(symbols, list) and isinstance(gates, list)
        if type(parts) is int and 0 <= parts < 1 << 64 and listed and all(map(_is_name, (*symbols, *gates))):
            return parts, symbols, gates
    raise Unreadable("no names")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and not _SURROGATES.search(value)


def _varints(numbers: Iterable[int]) -> bytes:
    made = bytearray()
    for number in numbers:
        while number > 0x7F:
            made.append(number & 0x7F | 0x80)
            number >>= 7
        made.append(number)
    return bytes(made)


def _numbers(text: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in text:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
