"""Writes to Redis as values: a sink is a pure function from a result to its effects.

The set is small on purpose. Every effect says what it does to one key (Count may mirror to a second), and the
commit carries out all effects of a part in one atomic step with its acknowledgement, so none needs to be idempotent.
Durations are seconds; `ttl=None` leaves the key's time to live as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Cap:
    """A bound on the number of fields of a hash: past it, the counts of new fields are folded into others.

    `fallbacks` names two for a field. The first is used once the hash has `limit` fields, if it exists or the hash has
    fewer than twice `limit`; else the second. A field without fallbacks is never folded.
    """

    limit: int
    fallbacks: Mapping[str, tuple[str, str]]
    overflow: tuple[str, str]
    """`(key, field)` of a hash where the folded counts of `watched` fields are added up."""
    watched: tuple[str, ...]
    """Prefixes of the fields whose folding is counted as overflow."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A second hash that gets the same increments, for those fields that start with one of `prefixes`."""

    key: str
    prefixes: tuple[str, ...]
    ttl: int | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Add to integer fields of the hash `key` (HINCRBY). A field that holds no integer is replaced."""

    key: str
    counts: Mapping[str, int]
    ttl: int | None = None
    cap: Cap | None = None
    mirror: Mirror | None = None


@dataclass(frozen=True, slots=True)
class Raise:
    """Raise numeric fields of the hash `key` to at least the values given. A field that holds no number is replaced."""

    key: str
    values: Mapping[str, str]
    ttl: int | None = None
    limit: int | None = None
    """At most so many fields: the commit drops those with the lowest values, new ones among them, and reports it.
    Approximate: they are the lowest of some taken at random, at least 24 where there are as many."""
    dropped: tuple[str, str] | None = None
    """`(key, field)` of a hash where the fields that were dropped are counted."""


@dataclass(frozen=True, slots=True)
class RaiseId:
    """Raise one field of the hash `key` to at least the stream ID given, in the order of stream IDs."""

    key: str
    field: str
    stream_id: bytes


@dataclass(frozen=True, slots=True)
class Put:
    """Set fields of the hash `key`; its other fields stay."""

    key: str
    fields: Mapping[str, str]
    ttl: int | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """Append an entry to the stream `key`, which keeps about `max_length` entries (None: all)."""

    key: str
    fields: Mapping[str, str]
    max_length: int | None = None


Scalar: TypeAlias = str | bool | int | Decimal | None
"""A value that a hash and a JSON object can both hold. In a hash a bool is `1` or `0`, and None is empty text; a number
has the same digits in both, those of a Decimal as they are (`Decimal("0.20")` is `0.20`)."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Set fields of the record `key`, whoever made it; its other fields, and its time to live, stay as they are.

    A record is a hash, or a string that is a JSON object; members of the object that are not set keep their very text.
    Where there is none, one is made of `fields` and `beside`. A key that is neither is left as it is (the commit
    reports it), and stops nothing.
    """

    key: str
    fields: Mapping[str, Scalar]
    """At least one."""
    beside: Mapping[str, Scalar]
    """Only for a record that is made; not set in one that exists."""
    ttl: int
    """Of a record that is made."""
    json: bool
    """Whether a record that is made is a JSON object, and not a hash."""


Effect: TypeAlias = Count | Raise | RaiseId | Put | Append | Merge
