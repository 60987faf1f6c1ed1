"""Writes to Redis as values: a sink is a pure function from a result to its effects.

What an effect could not do in Redis is refused when it is made (ValueError), where the traceback names the line that
made it: later it would fail in the middle of a commit, or at each new attempt.

Every effect says what it does to one key (Count may mirror to a second, and some count in a hash what they left out),
and the commit carries out all effects of a part in one atomic step with its acknowledgement, so none needs to be
idempotent. What each costs is in docs/effects.md. Durations are seconds; `ttl=None` leaves the key's time to live as it
is. Those on members are in `connectors.members`, those on windows in `connectors.windows`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from connectors.effect_checks import (
    BYTES_TOO,
    MOST_DIGITS,
    MOST_FIELDS,
    are_integers,
    are_plain_numbers,
    are_texts,
    check_id,
    check_key,
    check_limit,
    check_place,
    check_sendable,
    check_texts,
    is_decimal,
    is_integer,
    is_number,
    is_scalar,
)
from connectors.members import Estimate, Include, Top
from connectors.windows import CountSession, CountWindows

_BRACES = re.compile(r"\{([^{}]*)\}")
_PIECES = {"name", "head", "tail"}


@dataclass(frozen=True, slots=True)
class Fold:
    """In which field a full hash counts what it has no field for, told from the name that it would have.

    In `first` and `second`, `{name}` stands for that name, `{head}` for what is in it from the end of `prefix` to the
    next colon, and `{tail}` for what is behind its last colon, or else behind `prefix`.
    """

    prefix: str
    """What the names begin with that this is about; empty: all."""
    first: str
    """Used once the hash has `limit` fields, if this field exists or the hash has fewer than twice `limit`."""
    second: str
    """Used from then on."""

    def __post_init__(self) -> None:
        texts = (self.prefix, self.first, self.second)
        if not all(isinstance(text, str) for text in texts):
            raise ValueError(f"Fold takes texts, and got {texts!r:.80}")
        check_sendable(self, texts)
        for template in (self.first, self.second):
            for name in _BRACES.findall(template):
                if name not in _PIECES:
                    raise ValueError(f"Fold {self.prefix!r}: {{{name}}} is none of {{name}}, {{head}} and {{tail}}")


@dataclass(frozen=True, slots=True)
class Cap:
    """A bound on the number of fields of a hash: past it, the counts of new fields are folded into others."""

    limit: int
    folds: tuple[Fold, ...] = ()
    """For a field the first whose prefix it has; without one it is never folded."""
    overflow: tuple[str, str] | None = None
    """`(key, field)` of a hash where what is folded is added up."""

    def __post_init__(self) -> None:
        if type(self.limit) is not int or self.limit < 1:
            raise ValueError(f"Cap cannot leave room for {self.limit!r} fields")
        if not isinstance(self.folds, tuple) or not all(isinstance(fold, Fold) for fold in self.folds):
            raise ValueError(f"Cap folds by a tuple of Fold values, and got {self.folds!r:.80}")
        check_place(self, self.overflow)


@dataclass(frozen=True, slots=True)
class Mirror:
    """A second hash that gets the same increments."""

    key: str
    ttl: int | None = None

    def __post_init__(self) -> None:
        check_key(self, self.ttl)


@dataclass(frozen=True, slots=True)
class Count:
    """Add to integer fields of the hash `key` (HINCRBY). A field that holds no integer is replaced."""

    key: str
    counts: Mapping[str, int]
    ttl: int | None = None
    cap: Cap | None = None
    mirror: Mirror | None = None

    def __post_init__(self) -> None:
        check_key(self, self.ttl)
        if are_texts(self.counts) and are_integers(self.counts.values()):
            return
        for field, count in self.counts.items():
            if not is_integer(count) or not isinstance(field, str):
                raise ValueError(f"Count {self.key!r}: {field!r} cannot be counted up by {count!r}")
        check_sendable(self, self.counts)


@dataclass(frozen=True, slots=True)
class Sum:
    """Add decimal numbers to fields of the hash `key`, exact to the last digit. A field that holds none is replaced.

    A field has as many digits behind its point as the longest fraction that was added to it: 0.10 and 0.2 are 0.30.
    """

    key: str
    amounts: Mapping[str, Decimal | int]
    ttl: int | None = None

    def __post_init__(self) -> None:
        check_key(self, self.ttl)
        for field, amount in self.amounts.items():
            if not isinstance(field, str) or not is_decimal(amount):
                raise ValueError(
                    f"Sum {self.key!r}: {amount!r:.40} cannot be added to {field!r}: a Decimal or an int, of at most "
                    f"{MOST_DIGITS} digits on either side of the point"
                )
        check_sendable(self, self.amounts)


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

    def __post_init__(self) -> None:
        check_key(self, self.ttl)
        check_limit(self, self.limit, "fields")
        check_place(self, self.dropped)
        if are_texts(self.values) and are_plain_numbers(self.values.values()):
            return
        for field, value in self.values.items():
            # (Lua reads neither digits of other scripts nor underscores.)
            plain = isinstance(value, str) and isinstance(field, str) and value.isascii() and "_" not in value
            if not plain or not is_number(value):
                raise ValueError(f"Raise {self.key!r}: {field!r} cannot be raised to {value!r}")
        check_sendable(self, self.values)


@dataclass(frozen=True, slots=True)
class RaiseId:
    """Raise one field of the hash `key` to at least the stream ID given, in the order of stream IDs."""

    key: str
    field: str
    stream_id: bytes

    def __post_init__(self) -> None:
        check_key(self, None)
        check_id(self, self.stream_id)
        check_sendable(self, (self.field,))


@dataclass(frozen=True, slots=True)
class Put:
    """Set fields of the hash `key`; its other fields stay.

    Right where all that is ever written under the key is the same, or comes from one entry. Entries are not always
    committed in the order of the stream: what a consumer had read when it died comes after what others read meanwhile.
    See `PutNewest`.
    """

    key: str
    fields: Mapping[str, str]
    ttl: int | None = None

    def __post_init__(self) -> None:
        check_key(self, self.ttl)
        check_texts(self, self.fields)


@dataclass(frozen=True, slots=True)
class PutNewest:
    """Set fields of the hash `key`, unless a later entry has set them; its other fields stay.

    So the newest value wins, in whatever order entries are committed.
    """

    key: str
    fields: Mapping[str, str]
    at: bytes
    """The ID of the entry that they come from."""
    ttl: int | None = None
    field: str = "at"
    """Where the hash keeps that ID: one for all fields that are set together."""

    def __post_init__(self) -> None:
        check_key(self, self.ttl)
        check_texts(self, self.fields)
        check_id(self, self.at)
        check_sendable(self, (self.field,))
        if self.field in self.fields:
            raise ValueError(f"PutNewest {self.key!r}: field {self.field!r} holds the ID of the entry")


@dataclass(frozen=True, slots=True)
class PutIf:
    """Set a field of the hash `key`, if it holds what is expected; else leave it, and count that."""

    key: str
    field: str
    expected: str | None
    """None: the field must be missing."""
    value: str
    ttl: int | None = None
    missed: tuple[str, str] | None = None
    """`(key, field)` of a hash where it is counted how often something else was found."""

    def __post_init__(self) -> None:
        check_key(self, self.ttl)
        check_texts(self, {self.field: self.value})
        if self.expected is not None:
            check_texts(self, {self.field: self.expected})
        check_place(self, self.missed)


@dataclass(frozen=True, slots=True)
class Append:
    """Append an entry to the stream `key`, which keeps about `max_length` entries (None: all)."""

    key: str
    fields: Mapping[str, str]
    max_length: int | None = None

    def __post_init__(self) -> None:
        check_key(self, None)
        if not 1 <= len(self.fields) <= MOST_FIELDS:
            raise ValueError(f"Append {self.key!r}: an entry has 1 to {MOST_FIELDS} fields, not {len(self.fields)}")
        if self.max_length is not None and (type(self.max_length) is not int or self.max_length < 0):
            raise ValueError(f"Append {self.key!r} cannot keep {self.max_length!r} entries")
        check_texts(self, self.fields)


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

    def __post_init__(self) -> None:
        check_key(self, self.ttl)
        if not self.fields or len(self.fields) + len(self.beside) > MOST_FIELDS // 2:
            raise ValueError(f"Merge {self.key!r} cannot be with {len(self.fields)} fields")
        for field, value in (*self.fields.items(), *self.beside.items()):
            if not isinstance(field, str) or not is_scalar(value):
                raise ValueError(f"Merge {self.key!r}: field {field!r} cannot be {value!r}")
            check_sendable(self, (field, value), BYTES_TOO)


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete `key`, whatever it holds, if it is there."""

    key: str

    def __post_init__(self) -> None:
        check_key(self, None)


Effect: TypeAlias = (
    Count
    | Sum
    | Raise
    | RaiseId
    | Put
    | PutNewest
    | PutIf
    | Append
    | Merge
    | Include
    | Estimate
    | Top
    | Delete
    | CountWindows
    | CountSession
)
