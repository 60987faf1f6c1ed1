"""Buckets: the counts of each minute of event time, and the truth that everything else is computed from.

    {prefix}:p35:bucket:YYYYMMDDHHMM            HASH, TTL BUCKET_TTL_SEC after its last count
        decision:{D}                 entries with decision D
        reason:{R}                   entries with reason R; reason:__other__ once the bucket is full
        symbol_decision:{S}:{D}      the same per symbol; both only with ENABLE_SYMBOL_BREAKDOWN
        symbol_reason:{S}:{R}        (in these {S} is as `escaped` has it: a colon in a symbol is %3A)
    {prefix}:p35:summary:YYYYMMDDHHMM           HASH, TTL 2 h: the decision:* and reason:* fields of the bucket once
        more, so that a snapshot does not have to read past thousands of symbol fields
    {prefix}:p35:unknown_decision:minute:YYYYMMDDHHMM   HASH, TTL 2 h: raw decisions that nobody knows -> count

What `quantum proof` counted and took back lies in the bucket of minute 0 (197001010000), where no window looks: so the
sum over `decision:*` of all buckets stays what it was, and what is recounted from the stream can be found.

A bucket is full with MAX_FIELDS_PER_BUCKET fields: new reasons then go to `__other__`. The fields of new symbols are
still made until it has twice as many; after that they go to the symbol `__other__`. Both count as overflow.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import redis

from connectors.effects import Cap, Count, Effect, Fold, Mirror
from sinks import p35_status
from sinks.numbers import count
from sinks.times import minute_name
from sinks.values.counts import OTHER, Counts, Kind

SUMMARY_TTL = 7_200
"""Seconds; the longest window is one hour."""

UNKNOWN_LIMIT = 1_000
"""Raw decisions that are told apart within a minute."""

REASON, SYMBOL_DECISION, SYMBOL_REASON = "reason:", "symbol_decision:", "symbol_reason:"
"""What the fields of reasons and of symbols begin with."""

FOLDS = (
    Fold(REASON, f"{REASON}{OTHER}", f"{REASON}{OTHER}"),
    Fold(SYMBOL_DECISION, "{name}", f"{SYMBOL_DECISION}{OTHER}:{{tail}}"),
    Fold(SYMBOL_REASON, f"{SYMBOL_REASON}{{head}}:{OTHER}", f"{SYMBOL_REASON}{OTHER}:{OTHER}"),
)
"""What a bucket does without once it is full, and once it is twice as full. (A symbol has no colon here.)"""

_UNKNOWN_CAP = Cap(UNKNOWN_LIMIT, (Fold("", OTHER, OTHER),))

_ESCAPES = {"%3A": ":", "%25": "%"}
_ESCAPED = re.compile("|".join(_ESCAPES))


def escaped(symbol: str) -> str:
    """`symbol` as the names of fields have it: the first colon behind it ends it.

    A symbol without a colon stays as it is. In others a colon is `%3A` and a percent sign `%25`. So they are in a
    symbol that holds `%3A` or `%25` itself, which could not be read back otherwise.
    """
    if ":" not in symbol and ("%" not in symbol or not _ESCAPED.search(symbol)):
        return symbol
    return symbol.replace("%", "%25").replace(":", "%3A")


def symbol_field(name: str) -> tuple[str, str]:
    """Symbol, and decision or reason, of the field `name`, which begins with SYMBOL_DECISION or SYMBOL_REASON.

    Buckets written before symbols were escaped hold colons as they are. There a symbol is told from its decision, which
    has no colon; but not from its reason, which then begins behind the first colon of the symbol.
    """
    start, _, rest = name.partition(":")
    symbol, _, other = rest.rpartition(":") if start + ":" == SYMBOL_DECISION else rest.partition(":")
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], symbol), other


TAKEN_BACK = 0
"""The minute in whose bucket lies what was counted and taken back."""


def bucket_key(prefix: str, minute: int) -> str:
    """The bucket of `minute` (minutes since the epoch)."""
    return f"{prefix}:p35:bucket:{minute_name(minute)}"


def bucket_keys(prefix: str, start: int) -> list[str]:
    """The buckets of the 60 minutes of the hour that begins with the minute `start`."""
    hour = bucket_key(prefix, start)[:-2]
    return [f"{hour}{minute:02}" for minute in range(60)]


def summary_key(prefix: str, minute: int) -> str:
    """The summary of `minute`."""
    return f"{prefix}:p35:summary:{minute_name(minute)}"


def unknown_key(prefix: str, minute: int) -> str:
    """The raw unknown decisions of `minute`."""
    return f"{prefix}:p35:unknown_decision:minute:{minute_name(minute)}"


class _Fields(NamedTuple):
    """The fields of a bucket, and their counts."""

    gates: dict[str, int]
    """Of decisions and of reasons."""
    symbol_decisions: dict[str, int]
    symbol_reasons: dict[str, int]


def _fields_from(counts: Mapping[Kind, int], symbol_breakdown: bool) -> _Fields:
    found = _Fields(defaultdict(int), defaultdict(int), defaultdict(int))
    gates, by_decision, by_reason = found
    for kind, number in counts.items():
        decision, reason, symbol_decision, symbol_reason = _fields_of(kind)
        gates[decision] += number
        gates[reason] += number
        if symbol_breakdown and symbol_decision:
            by_decision[symbol_decision] += number
            by_reason[symbol_reason] += number
    return found


def bucket_counts(counts: Mapping[Kind, int], symbol_breakdown: bool) -> dict[str, int]:
    """The fields of a bucket that `counts` add up to."""
    gates, by_decision, by_reason = _fields_from(counts, symbol_breakdown)
    return {**gates, **by_decision, **by_reason}


@lru_cache(maxsize=16_384)
def _fields_of(kind: Kind) -> tuple[str, str, str, str]:
    """The fields that a kind is counted in: of its decision, its reason, and its symbol with either, if it has one."""
    decision, reason = f"decision:{kind.decision}", f"{REASON}{kind.reason}"
    if not kind.symbol:
        return decision, reason, "", ""
    symbol = escaped(kind.symbol)
    return decision, reason, f"{SYMBOL_DECISION}{symbol}:{kind.decision}", f"{SYMBOL_REASON}{symbol}:{kind.reason}"


def effects(
    prefix: str, minute: int, counts: Mapping[Kind, int], *, ttl: int, max_fields: int, symbol_breakdown: bool
) -> list[Effect]:
    """What counting `counts` into `minute` does to Redis."""
    key, fields = bucket_key(prefix, minute), _fields_from(counts, symbol_breakdown)
    cap, quiet = Cap(max_fields, FOLDS, (p35_status.key(prefix), "overflow_total")), Cap(max_fields, FOLDS)
    result: list[Effect] = [
        Count(key, fields.gates, ttl, cap, Mirror(summary_key(prefix, minute), SUMMARY_TTL)),
    ]
    if fields.symbol_decisions:
        # (A folded entry is counted once as overflow for its reason, and once for its symbol.)
        result += Count(key, fields.symbol_decisions, ttl, cap), Count(key, fields.symbol_reasons, ttl, quiet)
    unknown: dict[str, int] = {}
    for kind, number in counts.items():
        if kind.unknown:
            unknown[kind.unknown] = unknown.get(kind.unknown, 0) + number
    if unknown:
        result.append(Count(unknown_key(prefix, minute), unknown, SUMMARY_TTL, _UNKNOWN_CAP))
    return result


def read_summaries(client: redis.Redis, prefix: str, minutes: range) -> dict[int, Counts]:
    """The summaries of those of `minutes` that have any. Blocks for one round trip; raises what redis-py raises."""
    pipeline = client.pipeline(transaction=False)
    for minute in minutes:
        pipeline.hgetall(summary_key(prefix, minute))
        pipeline.hgetall(unknown_key(prefix, minute))
    replies = pipeline.execute()
    summaries = {}
    for minute, counts, unknown in zip(minutes, replies[::2], replies[1::2], strict=True):
        if counts:
            names = ((name.decode("utf-8", "replace"), count(value)) for name, value in unknown.items())
            raw = {name: counted for name, counted in names if counted is not None}
            summaries[minute] = replace(decode(counts), unknown=raw)
    return summaries


def read_minutes(client: redis.Redis, prefix: str, minutes: Sequence[int]) -> dict[int, Counts]:
    """The buckets of those of `minutes` that have any counts, symbols and all: up to 10,000 fields for each minute.

    Blocks for one round trip; raises what redis-py raises.
    """
    pipeline = client.pipeline(transaction=False)
    for minute in minutes:
        pipeline.hgetall(bucket_key(prefix, minute))
    return {minute: decode(counts) for minute, counts in zip(minutes, pipeline.execute(), strict=True) if counts}


def decode(fields: Mapping[bytes, bytes]) -> Counts:
    """The counts of a bucket, a summary, or a part of either. A field that holds no count is left out."""
    decisions: dict[str, int] = {}
    reasons: dict[str, int] = {}
    symbol_decisions: dict[tuple[str, str], int] = {}
    symbol_reasons: dict[tuple[str, str], int] = {}
    by_kind: dict[str, dict[Any, int]] = {
        "decision:": decisions,
        REASON: reasons,
        SYMBOL_DECISION: symbol_decisions,
        SYMBOL_REASON: symbol_reasons,
    }
    for field, value in fields.items():
        kind, name = name_of(field)
        found = by_kind.get(kind)
        if found is not None and (counted := count(value)) is not None:
            found[name] = found.get(name, 0) + counted
    return Counts(decisions, reasons, symbol_decisions=symbol_decisions, symbol_reasons=symbol_reasons)


@lru_cache(maxsize=65_536)
def name_of(field: bytes) -> tuple[str, str | tuple[str, str]]:
    """What a field of a bucket, or of a roll-up, begins with, the colon included, and what it counts."""
    text = field.decode("utf-8", "replace")
    kind, colon, rest = text.partition(":")
    kind += colon
    return kind, symbol_field(text) if kind in (SYMBOL_DECISION, SYMBOL_REASON) else rest
