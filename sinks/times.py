"""Times as they are written to Redis: in keys and in fields."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from connectors.times import EPOCH


def minute_name(minute: int) -> str:
    """`YYYYMMDDHHMM` in UTC, for a minute since the epoch, up to the year 9999."""
    day, rest = divmod(minute, 1_440)
    return f"{_day_name(day)}{rest // 60:02}{rest % 60:02}"


@lru_cache(maxsize=1024)
def _day_name(day: int) -> str:
    return (EPOCH + timedelta(days=day)).strftime("%Y%m%d")


@lru_cache(maxsize=4096)
def seconds_text(seconds: float) -> str:
    """Epoch seconds: `1769929020`, or with milliseconds `1769929020.123` where they are not whole."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".")
