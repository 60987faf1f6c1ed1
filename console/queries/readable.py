"""Numbers as people read them: percentages, counts, lengths of time and instants. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def percent(share: float) -> str:
    """`share` (0 to 1) as whole percent, where neither something looks like nothing nor a part like all."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{share * 100:.0f} %"


def number(count: int | None) -> str:
    """`count` with thousands apart; `unknown` for None, which is never 0."""
    return "unknown" if count is None else f"{count:,}"


def many(count: int, noun: str) -> str:
    """`count` and the `noun`, with an s behind it unless it is one."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def age(seconds: float) -> str:
    """A length of time, to one unit, rounded down: `7 s`, `12 min`, `3 h`, `2 d`."""
    seconds = max(seconds, 0.0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def clock(seconds: float) -> str:
    """An instant (epoch seconds) as a date and time in UTC; `unknown` where no calendar has it."""
    return _formatted(seconds, "%Y-%m-%d %H:%M:%S UTC")


def moment(seconds: float, now: float) -> str:
    """An instant (epoch seconds) in UTC, to the minute; with its day where that is not the day of `now`."""
    today = seconds // 86_400 == now // 86_400
    return _formatted(seconds, "%H:%M UTC" if today else "%Y-%m-%d %H:%M UTC")


def _formatted(seconds: float, pattern: str) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime(pattern)
    except (ValueError, OverflowError, OSError):
        return "unknown"
