"""Numbers as they are read from Redis, where anything may stand. Pure."""

from __future__ import annotations

import math

_DIGITS = 18
"""Of a count; what has more is none of ours, and Redis could not add to it."""


def number(text: bytes | str | None) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def count(text: bytes | None) -> int | None:
    """A count, 0 or more; None where `text` is none."""
    return int(text) if text is not None and text.isdigit() and len(text) <= _DIGITS else None
