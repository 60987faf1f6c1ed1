"""Read model: decisions and reasons per symbol, from the buckets.

A bucket holds thousands of fields for symbols, so Redis is asked for those that matter only: first how many decisions
each symbol had, then the reasons of a few symbols by name (a minute's reasons are known from its summary).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import redis

from console.queries.fetch import ask_all, count_of, in_any_case, literally, scan_fields, text
from flows.domain.decisions import gate_of
from flows.domain.windows import Minutes, Window, minutes_of, rank
from sinks.buckets import SYMBOL_DECISION, SYMBOL_REASON, bucket_key, escaped, symbol_field
from sinks.values.counts import DECISIONS, OTHER, Counts


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol in a window."""

    name: str
    window: Window
    """Of its own decisions alone."""


def read_totals(client: redis.Redis, prefix: str, minutes: Sequence[int]) -> dict[str, Counter[str]]:
    """Symbol -> decision -> count, over `minutes`.

    Blocks for a round trip each 15 minutes; raises `connectors.errors.RedisFailure`.
    """
    fields: dict[bytes, int] = {}
    for bucket in scan_fields(client, [bucket_key(prefix, minute) for minute in minutes], f"{SYMBOL_DECISION}*"):
        for field, value in bucket.items():
            fields[field] = fields.get(field, 0) + count_of(value)
    symbols: dict[str, Counter[str]] = {}
    for field, count in fields.items():
        name, decision = symbol_field(text(field))
        symbols.setdefault(name, Counter())[decision] += count
    return symbols


def busiest(totals: Mapping[str, Mapping[str, int]], count: int) -> list[str]:
    """The symbols with the most decisions, most first, equal ones by name; what was folded is no symbol."""
    sums = {name: sum(by.values()) for name, by in totals.items() if name != OTHER}
    return sorted(sums, key=lambda name: (-sums[name], name))[:count]


def read_symbols(
    client: redis.Redis, prefix: str, minutes: Minutes, window: str, names: Sequence[str]
) -> tuple[Symbol, ...]:
    """The symbols `names` in `window`, in that order; one that nothing was counted for is there, with zeros.

    Blocks for a round trip, rarely more; raises `connectors.errors.RedisFailure`.
    """
    if not names:
        return ()
    questions: list[list[str]] = []
    asked: list[tuple[int, list[str]]] = []
    for minute in minutes_of(window, minutes.running):
        if minute in minutes.counted:
            reasons = [*minutes.counted[minute].reasons, OTHER]
            asked.append((minute, reasons))
            questions.append(["HMGET", bucket_key(prefix, minute), *_fields(names, reasons)])
    decisions = {name: Counter[str]() for name in names}
    found = {name: Counter[str]() for name in names}
    doubtful: list[tuple[int, str, str]] = []
    for (minute, reasons), values in zip(asked, ask_all(client, questions), strict=True):
        counts = iter(values)
        for name in names:
            of_decisions = _take(counts, DECISIONS)
            of_reasons = _take(counts, reasons)
            unescaped = _take(counts, DECISIONS) if ":" in name else {}
            decisions[name].update(of_decisions)
            if sum(of_decisions.values()) == sum(of_reasons.values()):
                found[name].update(of_reasons)
            else:
                doubtful.append((minute, name, escaped(name)))
            if unescaped:  # the flow that wrote the bucket did not escape colons in symbols yet
                decisions[name].update(unescaped)
                doubtful.append((minute, name, name))
    for name, of_reasons in _scan_reasons(client, prefix, doubtful):
        found[name].update(of_reasons)
    span = minutes_of(window, minutes.running)
    return tuple(Symbol(name, Window(span, (Counts(decisions[name], found[name]),))) for name in names)


def _fields(names: Sequence[str], reasons: Sequence[str]) -> list[str]:
    fields: list[str] = []
    for name in names:
        symbol = escaped(name)
        fields += [f"{SYMBOL_DECISION}{symbol}:{decision}" for decision in DECISIONS]
        fields += [f"{SYMBOL_REASON}{symbol}:{reason}" for reason in reasons]
        if ":" in name:
            fields += [f"{SYMBOL_DECISION}{name}:{decision}" for decision in DECISIONS]
    return fields


def _take(counts: Iterator[bytes | None], names: Sequence[str]) -> dict[str, int]:
    return {name: count_of(value) for name, value in zip(names, counts, strict=False) if value is not None}


def _scan_reasons(
    client: redis.Redis, prefix: str, wanted: Sequence[tuple[int, str, str]]
) -> Iterator[tuple[str, dict[str, int]]]:
    """The reasons of a symbol in a minute whose reasons are not all known (they came in while we looked, say).

    :arg wanted: minute, symbol, and how fields have it.
    """
    for minute, name, symbol in wanted:
        start = f"{SYMBOL_REASON}{symbol}:"
        (fields,) = scan_fields(client, [bucket_key(prefix, minute)], f"{literally(start)}*")
        yield name, {text(field)[len(start) :]: count_of(value) for field, value in fields.items()}


def read_most_stopped(client: redis.Redis, prefix: str, minutes: Sequence[int], gate: str, count: int) -> list[str]:
    """The symbols that `gate` (in whatever case) stopped most often in `minutes`, most first.

    Blocks for a round trip each 15 minutes; raises `connectors.errors.RedisFailure`.
    """
    sums: Counter[str] = Counter()
    pattern = f"{SYMBOL_REASON}*:{in_any_case(gate)}*"
    for bucket in scan_fields(client, [bucket_key(prefix, minute) for minute in minutes], pattern):
        for field, value in bucket.items():
            name, reason = symbol_field(text(field))
            if gate_of(reason).lower() == gate.lower() and name != OTHER:
                sums[name] += count_of(value)
    return [ranked.name for ranked in rank(sums)[:count]]
