"""Writes to Redis as values: a sink is a pure function from a result to its effects.

The vocabulary is small on purpose. Every effect says what it does to one key (Count may mirror to a second), and the
commit carries out all effects of a part in one atomic step with its acknowledgement, so none needs to be idempotent.
Durations are seconds; `ttl=None` leaves the key's time to live as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    """At most so many fields: new ones past it are dropped."""


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


Effect: TypeAlias = Count | Raise | RaiseId | Put | Append
