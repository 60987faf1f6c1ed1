"""What effects refuse where they are made. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

MOST_FIELDS = 3_000
"""Of an entry: the script passes them on as arguments, and Lua takes some 8,000 at once."""

MOST_DIGITS = 100
"""Of a decimal number, on either side of its point."""

_MOST = 2**63
_TEXT, _INTEGER = frozenset([str]), frozenset([int])
_PLAIN = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?: |\Z))+", re.ASCII)
_ID = re.compile(rb"[0-9]{1,20}-[0-9]{1,20}")


def check_key(effect: Any, ttl: int | None) -> None:
    """That it has a key, and a time to live that Redis takes.

    :raises ValueError: it has not.
    """
    if not isinstance(effect.key, str) or not effect.key:
        raise ValueError(f"{name_of(effect)} needs a key, and {effect.key!r} is none")
    if ttl is not None and (type(ttl) is not int or not 1 <= ttl < _MOST // 1000):
        raise ValueError(
            f"{name_of(effect)} {effect.key!r} cannot have a time to live of {ttl!r}: whole seconds, 1 or more"
        )


def check_texts(effect: Any, fields: Mapping[Any, Any]) -> None:
    """That names and values are text.

    :raises ValueError: one is not.
    """
    for field, value in fields.items():
        if not isinstance(field, str | bytes) or not isinstance(value, str | bytes):
            raise ValueError(f"{name_of(effect)} {effect.key!r}: field {field!r} cannot be {value!r}, it must be text")


def check_id(effect: Any, stream_id: object) -> None:
    """That it is the ID of an entry.

    :raises ValueError: it is none.
    """
    if not isinstance(stream_id, bytes) or not _ID.fullmatch(stream_id):
        raise ValueError(f"{name_of(effect)} {effect.key!r}: {stream_id!r} is no ID of an entry")


def check_limit(effect: Any, limit: int | None, of: str) -> None:
    """That it leaves room for something.

    :raises ValueError: it does not.
    """
    if limit is not None and (type(limit) is not int or not 1 <= limit < _MOST):
        raise ValueError(f"{name_of(effect)} {effect.key!r} cannot leave room for {limit!r} {of}")


def name_of(effect: object) -> str:
    """What its maker calls it."""
    return type(effect).__name__


def is_integer(value: object, most: int = _MOST) -> bool:
    """Whether it is a whole number of less than `most`, either way."""
    return type(value) is int and -most < value < most


# (By the column: a commit counts thousands of fields.)


def are_texts(values: Collection[object]) -> bool:
    """Whether all of them are text, and of no subclass."""
    return _TEXT.issuperset(map(type, values))


def are_integers(values: Collection[int]) -> bool:
    """Whether each `is_integer`."""
    return _INTEGER.issuperset(map(type, values)) and (not values or -_MOST < min(values) <= max(values) < _MOST)


def are_plain_numbers(values: Collection[Any]) -> bool:
    """Whether all of them are text, digits with a point at the most; False for other numbers, too."""
    return are_texts(values) and _PLAIN.fullmatch(" ".join(values)) is not None


def is_number(text: str) -> bool:
    """Whether it says a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def is_decimal(value: object) -> bool:
    """Whether it is an exact number of so many digits that adding it up stays cheap."""
    if isinstance(value, int):
        return type(value) is int and abs(value) < 10**MOST_DIGITS
    if not isinstance(value, Decimal) or not value.is_finite():
        return False
    return int(value.as_tuple().exponent) >= -MOST_DIGITS and value.adjusted() < MOST_DIGITS


def is_scalar(value: object) -> bool:
    """Whether a hash and a JSON object can both hold it."""
    return value is None or isinstance(value, str | int) or (isinstance(value, Decimal) and value.is_finite())
