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

BYTES_TOO = "surrogateescape"
"""How text is encoded that may stand for bytes which are no UTF-8, as keys may."""

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
    check_sendable(effect, (effect.key,), BYTES_TOO)


def check_sendable(effect: Any, texts: Collection[Any], errors: str = "strict") -> None:
    """That UTF-8 can hold what is text among `texts`: JSON may have half of a surrogate pair alone, and Redis nothing.

    :arg errors: `BYTES_TOO` where text that stands for other bytes is sent as those.
    :raises ValueError: it cannot.
    """
    for text in texts:
        if isinstance(text, str) and not _is_utf8(text, errors):
            key = getattr(effect, "key", None)
            whose = name_of(effect) if key is None else f"{name_of(effect)} {key!r}"
            raise ValueError(f"{whose}: {text!r:.80} is no text that UTF-8 can hold")


def check_place(effect: Any, place: tuple[str, str] | None) -> None:
    """That `(key, field)` can be sent, if there is one.

    :raises ValueError: it cannot.
    """
    if place is not None:
        check_sendable(effect, place[:1], BYTES_TOO)
        check_sendable(effect, place[1:])


def check_texts(effect: Any, fields: Mapping[Any, Any]) -> None:
    """That names and values are text that can be sent.

    :raises ValueError: one is not.
    """
    if are_texts(fields) and are_texts(fields.values()):
        return
    for field, value in fields.items():
        if not isinstance(field, str | bytes) or not isinstance(value, str | bytes):
            raise ValueError(f"{name_of(effect)} {effect.key!r}: field {field!r} cannot be {value!r}, it must be text")
        check_sendable(effect, (field, value))


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


def are_texts(values: Collection[Any]) -> bool:
    """Whether all of them are text that can be sent, and of no subclass."""
    return _TEXT.issuperset(map(type, values)) and _is_utf8("".join(values))


def _is_utf8(text: str, errors: str = "strict") -> bool:
    try:
        return text.isascii() or bool(text.encode("utf-8", errors))
    except UnicodeEncodeError:
        return False


def are_integers(values: Collection[int]) -> bool:
    """Whether each `is_integer`."""
    return _INTEGER.issuperset(map(type, values)) and (not values or -_MOST < min(values) <= max(values) < _MOST)


def are_plain_numbers(values: Collection[Any]) -> bool:
    """Whether all of them are text, digits with a point at the most; False for other numbers, too."""
    return _TEXT.issuperset(map(type, values)) and _PLAIN.fullmatch(" ".join(values)) is not None


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
