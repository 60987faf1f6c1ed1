"""What a look at one hash of a table brings, as a value: a row, nothing, or a failure. Never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Found:
    """The hash is there; its fields as Redis gave them, which may be anything."""

    fields: Mapping[bytes, bytes]
    """Of the fields that were asked for, those that it has: at least one."""


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such key, or it has none of the fields that were asked for."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Not known: Redis did not answer, denied it, or holds another type under the key."""

    cause: str
    """One printable line."""


LookupResult: TypeAlias = Found | Missing | Failed
