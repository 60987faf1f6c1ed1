"""Parts as keys and arguments: read back as the head of `lua/commit.lua` describes them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.delivery import Delivery, Part, Read
from connectors.effects import (
    Append,
    Cap,
    Count,
    Delete,
    Fold,
    Merge,
    Mirror,
    Put,
    PutIf,
    PutNewest,
    Raise,
    RaiseId,
    Sum,
)
from connectors.encoding import encode
from connectors.members import Estimate, Include, Top
from connectors.windows import CountSession, CountWindows

KEY = st.sampled_from(["k1", "k2", "k3", "{q}:é"])
NAME = st.sampled_from(["decision:SKIP", "reason:a", "symbol:S", "other"])
TTL = st.none() | st.integers(1, 100)
FOLDS = [(), (Fold("reason:", "{name}", "rest"), Fold("", "a{head}", "b"))]
CAPS = st.builds(Cap, st.integers(1, 9), st.sampled_from(FOLDS), st.none() | st.tuples(KEY, NAME))
MIRRORS = st.builds(Mirror, KEY, TTL)
TEXTS = st.dictionaries(NAME, st.sampled_from(["", "1", "2.5"]), max_size=3)
NUMBERS = st.dictionaries(NAME, st.sampled_from(["-1", "1", "2.5"]), max_size=3)
SOME_TEXTS = st.dictionaries(NAME, st.sampled_from(["", "1"]), min_size=1, max_size=3)
SCALAR = {"": '""', "a": '"a"', 'é"': r'"\u00e9\""', True: "true", None: "null", 7: "7", Decimal("0.20"): "0.20"}
"""A value of Merge -> how JSON has it."""
HASHED = {True: "1", None: "", 7: "7", Decimal("0.20"): "0.20"}
"""A value of Merge that is no text -> how a hash has it."""
AMOUNTS = {7: "7", Decimal("0.20"): "0.20", Decimal("-1E+2"): "-100", Decimal("-0.0"): "0.0"}
"""An amount of Sum -> its digits."""
MEMBERS = st.lists(NAME, max_size=3)
SCALARS = st.dictionaries(NAME, st.sampled_from(list(SCALAR)), max_size=3)
SOME_SCALARS = st.dictionaries(NAME, st.sampled_from(list(SCALAR)), min_size=1, max_size=3)
EFFECTS = st.one_of(
    st.builds(
        Count, KEY, st.dictionaries(NAME, st.integers(1, 9), max_size=4), TTL, st.none() | CAPS, st.none() | MIRRORS
    ),
    st.builds(Raise, KEY, NUMBERS, TTL, TTL, st.none() | st.tuples(KEY, NAME)),
    st.builds(RaiseId, KEY, NAME, st.sampled_from([b"1-1", b"2-0"])),
    st.builds(Put, KEY, TEXTS, TTL),
    st.builds(PutNewest, KEY, TEXTS, st.sampled_from([b"1-1", b"2-0"]), TTL, st.sampled_from(["at", "id"])),
    st.builds(Append, KEY, SOME_TEXTS, TTL),
    st.builds(Merge, KEY, SOME_SCALARS, SCALARS, st.integers(1, 100), st.booleans()),
    st.builds(Sum, KEY, st.dictionaries(NAME, st.sampled_from(list(AMOUNTS)), max_size=3), TTL),
    st.builds(PutIf, KEY, NAME, st.none() | st.sampled_from(["", "a"]), NAME, TTL, st.none() | st.tuples(KEY, NAME)),
    st.builds(Include, KEY, MEMBERS, TTL),
    st.builds(Estimate, KEY, MEMBERS, TTL),
    st.builds(Top, KEY, st.dictionaries(NAME, st.integers(-9, 9), max_size=3), TTL, TTL),
    st.builds(Delete, KEY),
    st.builds(
        CountWindows,
        KEY,
        st.sampled_from([7, 12.5]),
        st.just(10),
        st.sampled_from([(), (0,), (0, 5)]),
        st.dictionaries(NAME, st.integers(1, 9), max_size=3),
    ),
    st.builds(
        CountSession, KEY, NAME, st.just(12.5), st.just(10), st.dictionaries(NAME, st.integers(1, 9), max_size=3)
    ),
)
READS = st.lists(st.integers(1, 3), min_size=1, max_size=3)


@st.composite
def whole_deliveries(draw: st.DrawFn) -> list[Part]:
    """The parts of up to three deliveries, mixed."""
    parts = []
    for number in range(draw(st.integers(0, 3))):
        counts = enumerate(draw(READS))
        reads = tuple(Read(f"c:{number}.{place}", count, f"{number + 1}-{place}".encode()) for place, count in counts)
        tokens = st.sampled_from(["t1", "t2"])
        one = Delivery(
            draw(KEY), "g", "c", draw(KEY), draw(tokens), draw(st.just("") | KEY), number, "here", number % 2, reads
        )
        ids = [f"{number + 1}-{place}".encode() for place in range(one.entries)]
        cuts = sorted({0, len(ids), *draw(st.lists(st.integers(1, len(ids)), max_size=3))})
        for low, high in itertools.pairwise(cuts):
            again = tuple(ids[low : draw(st.integers(low, high))])
            parts.append(Part(one, tuple(ids[low:high]), tuple(draw(st.lists(EFFECTS, max_size=3))), again=again))
    return draw(st.permutations(parts))


PARTS = whole_deliveries()


class Reader:
    """Takes the arguments one by one, as the script does."""

    def __init__(self, keys: list[str], args: list[Any]) -> None:
        self._keys = keys
        self._args: Iterator[Any] = iter(args)

    def take(self) -> Any:
        return next(self._args)

    def key(self) -> str | None:
        position = self.take()
        return None if position == "" else self._keys[position - 1]

    def number(self) -> int | None:
        value = self.take()
        return None if value == "" else int(value)

    def pairs(self, count: int) -> dict[str, str]:
        return {self.take(): self.take() for _ in range(count)}

    def effect(self) -> tuple[Any, ...]:
        kind, key = self.take(), self.key()
        if kind == "I":
            return (kind, key, self.take(), self.take())
        if kind == "N":
            field, at, ttl = self.take(), self.take(), self.number()
            return (kind, key, field, at, ttl, self.pairs(self.take()))
        if kind == "R":
            ttl, limit = self.number(), self.number()
            dropped = (self.key(), self.take())
            return (kind, key, ttl, limit, dropped, self.pairs(self.take()))
        if kind in ("P", "A"):
            bound = self.number()
            return (kind, key, bound, self.pairs(self.take()))
        if kind == "S":
            return (kind, key, self.number(), self.pairs(self.take()))
        if kind == "X":
            condition = tuple(self.take() for _ in range(4))
            return (kind, key, condition, self.number(), (self.key(), self.take()))
        if kind in ("J", "H"):
            return (kind, key, self.number(), [self.take() for _ in range(self.take())])
        if kind == "T":
            return (kind, key, self.number(), self.number(), self.pairs(self.take()))
        if kind == "D":
            return (kind, key)
        if kind == "W":
            noted = self.key()
            at, length, count = (self.take() for _ in range(3))
            windows = [(self.key(), self.take()) for _ in range(count)]
            return (kind, key, noted, at, length, windows, self.pairs(self.take()))
        if kind == "V":
            return (kind, key, self.key(), self.key(), *(self.take() for _ in range(3)), self.pairs(self.take()))
        if kind == "M":
            ttl, made_json, count, beside = (self.take() for _ in range(4))
            fields = [tuple(self.take() for _ in range(3)) for _ in range(count + beside)]
            return (kind, key, ttl, made_json, fields[:count], fields[count:])
        assert kind == "C"
        ttl, count, limit = self.number(), self.take(), self.number()
        overflow, mirror, mirror_ttl = (self.key(), self.take()), self.key(), self.number()
        folds = [tuple(self.take() for _ in range(3)) for _ in range(self.take())]
        return (kind, key, ttl, limit, overflow, mirror, mirror_ttl, folds, self.pairs(count))

    def delivery(self) -> tuple[Any, ...]:
        """Without the name of the consumer, which is not sent."""
        head = (self.key(), self.take(), self.key(), self.take(), self.key() or "", self.take(), self.take())
        return (*head, tuple(Read(self.take(), self.take(), self.take()) for _ in range(self.take())))

    def all(self) -> list[tuple[Any, ...]]:
        deliveries = [self.delivery() for _ in range(self.take())]
        parts: list[tuple[Any, ...]] = []
        for _ in range(self.take()):
            delivery = deliveries[self.take() - 1]
            again = tuple(self.take() for _ in range(self.take()))
            parts.append((delivery, again, [self.effect() for _ in range(self.take())]))
        assert list(self._args) == []
        return parts


def described(effect: Any) -> tuple[Any, ...]:
    """`effect` in the order in which `Reader` reads it."""
    if isinstance(effect, RaiseId):
        return ("I", effect.key, effect.field, effect.stream_id)
    if isinstance(effect, PutNewest):
        return ("N", effect.key, effect.field, effect.at, effect.ttl, effect.fields)
    if isinstance(effect, Raise):
        return ("R", effect.key, effect.ttl, effect.limit, effect.dropped or (None, ""), effect.values)
    if isinstance(effect, Put):
        return ("P", effect.key, effect.ttl, effect.fields)
    if isinstance(effect, Append):
        return ("A", effect.key, effect.max_length, effect.fields)
    if isinstance(effect, Merge):
        triples = [
            [(name, HASHED.get(value, value), f'"{name}":{SCALAR[value]}') for name, value in fields.items()]
            for fields in (effect.fields, effect.beside)
        ]
        return ("M", effect.key, effect.ttl, int(effect.json), *triples)
    if isinstance(effect, Sum):
        return ("S", effect.key, effect.ttl, {field: AMOUNTS[amount] for field, amount in effect.amounts.items()})
    if isinstance(effect, PutIf):
        held = ("0", "") if effect.expected is None else ("1", effect.expected)
        condition = (effect.field, int(held[0]), held[1], effect.value)
        return ("X", effect.key, condition, effect.ttl, effect.missed or (None, ""))
    if isinstance(effect, Include | Estimate):
        return ("J" if isinstance(effect, Include) else "H", effect.key, effect.ttl, effect.members)
    if isinstance(effect, Top):
        return ("T", effect.key, effect.ttl, effect.limit, effect.counts)
    if isinstance(effect, Delete):
        return ("D", effect.key)
    if isinstance(effect, CountWindows):
        at = {7: "7", 12.5: "12.5"}[effect.at]
        windows = [(f"{effect.key}:{start}", start) for start in effect.starts]
        return ("W", effect.key, f"{effect.key}:open", at, effect.length, windows, effect.counts)
    if isinstance(effect, CountSession):
        keys = (effect.key, f"{effect.key}:open", f"{effect.key}:of:{effect.of}")
        return ("V", *keys, effect.of, "12.5", effect.gap, effect.counts)
    assert isinstance(effect, Count)
    cap, mirror = effect.cap, effect.mirror
    limit, overflow = (cap.limit, cap.overflow or (None, "")) if cap else (None, (None, ""))
    mirror_key, mirror_ttl = (mirror.key, mirror.ttl) if mirror else (None, None)
    folds = [(fold.prefix, fold.first, fold.second) for fold in cap.folds] if cap else []
    return ("C", effect.key, effect.ttl, limit, overflow, mirror_key, mirror_ttl, folds, effect.counts)


@given(PARTS)
def test_every_part_can_be_read_back_whole(parts: list[Part]) -> None:
    keys, args = encode(parts)
    expected = []
    for part in parts:
        stream, group, consumer, lease, token, *rest, _place, failures, reads = part.delivery
        some = any(other.again for other in parts if other.delivery == part.delivery)
        waiting = f"{consumer}:{token}.-.{failures + 1}" if some else ""
        head = (stream, group, lease, token, *rest, waiting, reads)
        expected.append((head, part.again, [described(effect) for effect in part.effects]))
    assert Reader(keys, args).all() == expected


@given(PARTS)
def test_every_key_that_is_touched_is_named_once_and_no_other(parts: list[Part]) -> None:
    keys, _args = encode(parts)
    touched = set()
    for part in parts:
        touched |= {part.delivery.stream, part.delivery.lease_key}
        touched |= {part.delivery.counters} - {""}
        for effect in part.effects:
            touched.add(effect.key)
            if isinstance(effect, PutIf):
                touched |= {effect.missed[0]} if effect.missed else set()
            if isinstance(effect, CountWindows):
                touched |= {f"{effect.key}:{start}" for start in effect.starts} | {f"{effect.key}:open"}
            if isinstance(effect, CountSession):
                touched |= {f"{effect.key}:of:{effect.of}", f"{effect.key}:open"}
            if isinstance(effect, Raise):
                touched |= {effect.dropped[0]} if effect.dropped else set()
            if isinstance(effect, Count):
                touched |= {effect.cap.overflow[0]} if effect.cap and effect.cap.overflow else set()
                touched |= {effect.mirror.key} if effect.mirror else set()
    assert len(keys) == len(set(keys))
    assert set(keys) == touched


@given(PARTS)
def test_arguments_are_what_redis_takes(parts: list[Part]) -> None:
    _keys, args = encode(parts)
    assert {type(one) for one in args} <= {str, bytes, int}


def test_a_delivery_is_sent_once_for_all_its_parts_and_no_id_is() -> None:
    reads = (Read("consumer:1.a", 2, b"2-1"), Read("consumer:1.b", 1, b"3-1"))
    delivery = Delivery("stream", "group", "consumer", "lease", "token", "counters", 7, reads=reads)
    keys, args = encode([Part(delivery, (b"1-1",), ()), Part(delivery, (b"2-1", b"3-1"), (RaiseId("k", "f", b"3-1"),))])
    assert keys == ["k", "stream", "lease", "counters"]
    sent = [1, 2, "group", 3, "token", 4, 7, "", 2, "consumer:1.a", 2, b"2-1", "consumer:1.b", 1, b"3-1"]
    assert args == [*sent, 2, 1, 0, 0, 1, 0, 1, "I", 1, "f", b"3-1"]


@pytest.mark.parametrize(("read", "ids"), [(0, (b"1-1",)), (2, (b"1-1",)), (2, (b"1-1", b"2-1", b"3-1"))])
def test_what_was_read_is_committed_whole_or_not_at_all(read: int, ids: tuple[bytes, ...]) -> None:
    """What is acknowledged are the reads of a delivery: an entry that is in no part of it would be lost."""
    delivery = Delivery("s", "g", "c", "l", "t", reads=(Read("c:1.0", read),))
    with pytest.raises(ValueError, match=f"{read} entries were read, {len(ids)} are to be committed"):
        encode([Part(delivery, ids, ())])
