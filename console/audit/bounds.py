"""The verdict on buckets: what each must hold, by a recount of the stream, and where it does not. Pure.

How strictly a minute is judged depends on what is left of the stream:

exact      No entry of the minute can be gone: either nothing was ever removed, or the minute begins more than
           MAX_FUTURE_SKEW_SEC after the first entry that is left (an event time is at most that far ahead of its ID,
           however late the entry). Every field must agree.
at least   Entries that are gone may have been counted in it. No field may hold less than the recount.
expired    An entry of the minute is older than BUCKET_TTL_SEC, so the bucket may have expired and been created again.
           It may not hold more than the recount, if no entry is gone.
moving     Entries were counted in it during each read. Every field must lie between the recounts before and after.

Decisions and reasons are counted in one step, so their sums are always equal. A full bucket folds fields into
`__other__`, in their order of arrival: then only each `decision:*` and the sums of the rest must agree.

Flows that did not escape colons in symbols yet wrote fields in which symbol and reason cannot be told apart. In a
bucket with such fields, those that read the same are compared in sum.

Not detected: a count that is too high, or moved between fields of one kind, in a minute of "at least"; and what
happened to an entry before its delivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sinks.buckets import SYMBOL_DECISION, SYMBOL_REASON, symbol_field
from sinks.values.counts import OTHER

Counts = Mapping[str, int]
Found = Mapping[str, "int | str"]
"""The fields of a bucket; values that are no numbers stay text."""

EXACT, AT_LEAST, EXPIRED, MOVING = "exact", "at_least", "expired", "moving"

DECISIONS_SUM, REASONS_SUM = "decision:*", "reason:*"


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is not what it must be."""

    key: str
    minute: str | None
    """`YYYYMMDDHHMM`; None where it is about no single bucket."""
    field: str
    """A field, or with `*` the sum of those that it matches."""
    least: int
    most: int | None
    """None: unlimited."""
    found: int | str | None
    """None: the key is missing. Text: no number."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the fields of a bucket must lie between; a field that is not named must be 0."""

    least: Counts
    most: Counts | None
    """None: unlimited."""


def compare(key: str, minute: str, found: Found, bounds: Bounds) -> list[Difference]:
    """Where the bucket `key` does not lie within `bounds`."""
    least, most = bounds.least, bounds.most
    # (What `sinks.buckets.escaped` makes has one colon before the decision, and no other.)
    if any(name.startswith(SYMBOL_DECISION) and name.count(":") > 2 for name in found):
        texts = {name: count for name, count in found.items() if isinstance(count, str)}
        found = {**_unescaped({name: count for name, count in found.items() if isinstance(count, int)}), **texts}
        least, most = _unescaped(least), None if most is None else _unescaped(most)
    if not found:
        wanted = _sum(least, "decision:")
        upper = None if most is None else _sum(most, "decision:")
        return [Difference(key, minute, DECISIONS_SUM, wanted, upper, None)] if wanted else []
    numbers = {name: count for name, count in found.items() if isinstance(count, int)}
    folded = _folded(numbers, least if most is None else most)
    differences = []
    for name in sorted({*least, *found, *(most or {})}):
        group, other = _group(name)
        lower = 0 if group in folded else least.get(name, 0)
        upper = None if most is None or (other and group in folded) else most.get(name, 0)
        value = found.get(name, 0)
        if isinstance(value, str) or not _within(value, lower, upper):
            differences.append(Difference(key, minute, name, lower, upper, value))
    for group in sorted(folded):
        lower, value = _group_sum(least, group), _group_sum(numbers, group)
        upper = None if most is None else _group_sum(most, group)
        if not _within(value, lower, upper):
            differences.append(Difference(key, minute, group, lower, upper, value))
    return differences or _inner(key, minute, numbers)


def compare_total(key: str, found: int | str | None, least: int, most: int | None) -> list[Difference]:
    """Where `processed_total` of the status hash `key` does not lie between `least` and `most`."""
    if isinstance(found, str) or not _within(found or 0, least, most):
        return [Difference(key, None, "processed_total", least, most, found)]
    return []


def compare_sum(key: str, decisions: int, processed: int | str | None) -> list[Difference]:
    """Where all buckets together (`key` is their pattern) count more than `processed_total` says.

    :arg decisions: the sum over `decision:*` of all buckets, each read before `processed`.
    """
    if isinstance(processed, str) or decisions <= (processed or 0):
        return []
    return [Difference(key, None, DECISIONS_SUM, 0, processed or 0, decisions)]


def decisions_of(found: Found) -> int:
    """How many entries are counted in a bucket."""
    return _sum({name: count for name, count in found.items() if isinstance(count, int)}, "decision:")


def without_symbols(found: Found) -> dict[str, int | str]:
    """`found` without its fields per symbol."""
    return {name: count for name, count in found.items() if not name.startswith("symbol_")}


def _unescaped(counts: Counts) -> dict[str, int]:
    """`counts` with all fields as they were before colons in symbols were escaped; what reads the same is added up."""
    fields: dict[str, int] = {}
    for name, count in counts.items():
        if name.startswith((SYMBOL_DECISION, SYMBOL_REASON)):
            name = name.partition(":")[0] + ":" + ":".join(symbol_field(name))
        fields[name] = fields.get(name, 0) + count
    return fields


def _within(value: int, least: int, most: int | None) -> bool:
    return least <= value and (most is None or value <= most)


def _sum(counts: Counts, start: str) -> int:
    return sum(count for name, count in counts.items() if name.startswith(start))


def _group(name: str) -> tuple[str, bool]:
    """The group of fields within which folding may move counts; and whether `name` is what they are folded into."""
    if name.startswith("reason:"):
        return REASONS_SUM, name == f"reason:{OTHER}"
    if name.startswith("symbol_decision:"):
        decision = name.rpartition(":")[2]
        return f"symbol_decision:*:{decision}", name == f"symbol_decision:{OTHER}:{decision}"
    if name.startswith("symbol_reason:"):
        return "symbol_reason:*", name.endswith(f":{OTHER}")
    return name, False


def _group_sum(counts: Counts, group: str) -> int:
    return sum(count for name, count in counts.items() if _group(name)[0] == group)


def _folded(found: Counts, expected: Counts) -> set[str]:
    """The groups in which something was folded: their `__other__` holds more than entries with that very name."""
    return {
        group
        for name, count in found.items()
        for group, other in (_group(name),)
        if other and count > expected.get(name, 0)
    }


def _inner(key: str, minute: str, found: Counts) -> list[Difference]:
    """Where a bucket contradicts itself."""
    pairs: Iterable[tuple[str, str]] = (("decision:", "reason:"), ("symbol_decision:", "symbol_reason:"))
    return [
        Difference(key, minute, f"{second}*", wanted, wanted, value)
        for first, second in pairs
        for wanted, value in ((_sum(found, first), _sum(found, second)),)
        if wanted != value
    ]
