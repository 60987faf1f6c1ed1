"""Parts as the keys and arguments of `lua/commit.lua`, as it, `effects.lua` and `windows.lua` describe them. Pure."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from connectors.consumer_names import waiting_name
from connectors.delivery import Delivery, Part
from connectors.effects import (
    Append,
    Count,
    Delete,
    Effect,
    Merge,
    Put,
    PutIf,
    PutNewest,
    Raise,
    RaiseId,
    Scalar,
    Sum,
)
from connectors.members import Estimate, Include, Top
from connectors.windows import CountSession, CountWindows, open_key, sessions_key, time_text, window_key


class _Keys:
    """Keys in order of first use, each named by its position (from 1)."""

    def __init__(self) -> None:
        self.positions: dict[str, int] = {}

    def __call__(self, key: str) -> int:
        return self.positions.setdefault(key, len(self.positions) + 1)


def encode(parts: Sequence[Part]) -> tuple[list[str | bytes], list[Any]]:
    """`(keys, args)` of one commit of `parts`.

    Text that was made of bytes which are not UTF-8 (with `surrogateescape`) becomes those bytes again, in keys and in
    the fields of Merge.

    :raises ValueError: a delivery is not whole.
    """
    keys = _Keys()
    deliveries: dict[Delivery, int] = {}
    waits: set[Delivery] = set()
    entries: Counter[Delivery] = Counter()
    body: list[Any] = [len(parts)]
    for part in parts:
        body.append(deliveries.setdefault(part.delivery, len(deliveries) + 1))
        entries[part.delivery] += len(part.ids)
        body += (len(part.again), *part.again, len(part.effects))
        if part.again:
            waits.add(part.delivery)
        for effect in part.effects:
            _ENCODERS[type(effect)](effect, keys, body)
    head: list[Any] = [len(deliveries)]
    for delivery in deliveries:
        if not 0 < delivery.entries == entries[delivery]:
            raise ValueError(f"{delivery.entries} entries were read, {entries[delivery]} are to be committed")
        head += (keys(delivery.stream), delivery.group, keys(delivery.lease_key), delivery.token)
        head += (keys(delivery.counters) if delivery.counters else "", delivery.generation)
        waiting = waiting_name(delivery.consumer, delivery.token, delivery.failures + 1) if delivery in waits else ""
        head += (waiting, len(delivery.reads))
        head += itertools.chain.from_iterable(delivery.reads)
    return [_raw(key) for key in keys.positions], head + body


def _raw(text: str) -> str | bytes:
    """`text` as it goes to Redis: as it is, unless it holds what was no UTF-8."""
    if text.isascii():
        return text
    raw = text.encode("utf-8", "surrogateescape")
    return text if raw == text.encode("utf-8", "replace") else raw


def _optional(value: int | None) -> int | str:
    return "" if value is None else value


def _pairs(fields: Mapping[str, Any]) -> Iterable[Any]:
    return itertools.chain.from_iterable(fields.items())


def _count(effect: Count, keys: _Keys, out: list[Any]) -> None:
    cap, mirror = effect.cap, effect.mirror
    out += ("C", keys(effect.key), _optional(effect.ttl), len(effect.counts), cap.limit if cap else "")
    out += (keys(cap.overflow[0]), cap.overflow[1]) if cap and cap.overflow else ("", "")
    out += (keys(mirror.key), _optional(mirror.ttl)) if mirror else ("", "")
    folds = cap.folds if cap else ()
    out.append(len(folds))
    for fold in folds:
        out += (fold.prefix, fold.first, fold.second)
    out += _pairs(effect.counts)


def _sum(effect: Sum, keys: _Keys, out: list[Any]) -> None:
    out += ("S", keys(effect.key), _optional(effect.ttl), len(effect.amounts))
    for field, amount in effect.amounts.items():
        digits = _digits(amount)
        out += (field, digits if amount else digits.lstrip("-"))


def _raise(effect: Raise, keys: _Keys, out: list[Any]) -> None:
    out += ("R", keys(effect.key), _optional(effect.ttl), _optional(effect.limit))
    out += (keys(effect.dropped[0]), effect.dropped[1]) if effect.dropped else ("", "")
    out.append(len(effect.values))
    out += _pairs(effect.values)


def _raise_id(effect: RaiseId, keys: _Keys, out: list[Any]) -> None:
    out += ("I", keys(effect.key), effect.field, effect.stream_id)


def _put(effect: Put, keys: _Keys, out: list[Any]) -> None:
    out += ("P", keys(effect.key), _optional(effect.ttl), len(effect.fields))
    out += _pairs(effect.fields)


def _put_newest(effect: PutNewest, keys: _Keys, out: list[Any]) -> None:
    out += ("N", keys(effect.key), effect.field, effect.at, _optional(effect.ttl), len(effect.fields))
    out += _pairs(effect.fields)


def _put_if(effect: PutIf, keys: _Keys, out: list[Any]) -> None:
    held = effect.expected is not None
    out += ("X", keys(effect.key), effect.field, int(held), effect.expected if held else "", effect.value)
    out.append(_optional(effect.ttl))
    out += (keys(effect.missed[0]), effect.missed[1]) if effect.missed else ("", "")


def _append(effect: Append, keys: _Keys, out: list[Any]) -> None:
    out += ("A", keys(effect.key), _optional(effect.max_length), len(effect.fields))
    out += _pairs(effect.fields)


def _merge(effect: Merge, keys: _Keys, out: list[Any]) -> None:
    out += ("M", keys(effect.key), effect.ttl, int(effect.json), len(effect.fields), len(effect.beside))
    for name, value in (*effect.fields.items(), *effect.beside.items()):
        out += (_raw(name), _hash_text(value), f"{_json_text(name)}:{_json_text(value)}")


def _members(letter: str, effect: Include | Estimate, keys: _Keys, out: list[Any]) -> None:
    out += (letter, keys(effect.key), _optional(effect.ttl), len(effect.members), *effect.members)


def _top(effect: Top, keys: _Keys, out: list[Any]) -> None:
    out += ("T", keys(effect.key), _optional(effect.ttl), _optional(effect.limit), len(effect.counts))
    out += _pairs(effect.counts)


def _delete(effect: Delete, keys: _Keys, out: list[Any]) -> None:
    out += ("D", keys(effect.key))


def _count_windows(effect: CountWindows, keys: _Keys, out: list[Any]) -> None:
    out += ("W", keys(effect.key), keys(open_key(effect.key)), time_text(effect.at), effect.length)
    out.append(len(effect.starts))
    for start in effect.starts:
        out += (keys(window_key(effect.key, start)), start)
    out.append(len(effect.counts))
    out += _pairs(effect.counts)


def _count_session(effect: CountSession, keys: _Keys, out: list[Any]) -> None:
    out += ("V", keys(effect.key), keys(open_key(effect.key)), keys(sessions_key(effect.key, effect.of)))
    out += (_raw(effect.of), time_text(effect.at), effect.gap, len(effect.counts))
    out += _pairs(effect.counts)


def _hash_text(value: Scalar) -> str | bytes:
    if isinstance(value, str):
        return _raw(value)
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else _digits(value)


def _json_text(value: Scalar) -> str:
    if isinstance(value, str):
        # What is not UTF-8 cannot be in JSON.
        return json.dumps(value.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return json.dumps(value) if isinstance(value, bool) or value is None else _digits(value)


def _digits(value: int | Decimal) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


_ENCODERS: dict[type, Callable[[Any, _Keys, list[Any]], None]] = {
    Count: _count,
    Sum: _sum,
    Raise: _raise,
    RaiseId: _raise_id,
    Put: _put,
    PutNewest: _put_newest,
    PutIf: _put_if,
    Append: _append,
    Merge: _merge,
    Include: partial(_members, "J"),
    Estimate: partial(_members, "H"),
    Top: _top,
    Delete: _delete,
    CountWindows: _count_windows,
    CountSession: _count_session,
}
assert set(_ENCODERS) == set(Effect.__args__)
