"""Numbers and names as people read them: bars, percentages, counts, and text that is safe for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from rich.cells import set_cell_size

from connectors.text import one_line

_EIGHTHS = " ▏▎▍▌▋▊▉█"


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


def bar(share: float, width: int, *, ascii_only: bool = False) -> str:
    """`share` (0 to 1) of a bar of `width` cells, to an eighth of a cell, without spaces behind it.

    Something never looks like nothing.
    """
    share = min(max(share, 0.0), 1.0)
    if ascii_only:
        return "#" * max(round(share * width), 1 if share else 0)
    full, eighths = divmod(max(round(share * width * 8), 1 if share else 0), 8)
    return _EIGHTHS[8] * full + (_EIGHTHS[eighths] if eighths else "")


def fit(name: str, width: int) -> str:
    """`name`, which may come from Redis and be hostile, printable and exactly `width` cells wide."""
    safe = one_line(name)
    cut = set_cell_size(safe, width)
    return cut if cut.rstrip() == safe.rstrip() else set_cell_size(safe, width - 1) + "…"


def age(seconds: float) -> str:
    """A length of time, to one unit, rounded down: `7 s`, `12 min`, `3 h`, `2 d`."""
    seconds = max(seconds, 0.0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def clock(seconds: float) -> str:
    """An instant (epoch seconds) as a date and time in UTC; `unknown` where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return "unknown"


def sparkline(values: Sequence[float | None], top: float, *, ascii_only: bool = False) -> str:
    """One character a value of 0 to `top`, with seven steps above 0, and a space for None.

    Something never looks like nothing.
    """
    steps = ".:-=+*#@" if ascii_only else "▁▂▃▄▅▆▇█"
    drawn = ""
    for value in values:
        if value is None:
            drawn += " "
        elif value <= 0 or top <= 0:
            drawn += "_" if ascii_only else "▁"
        else:
            drawn += steps[max(round(min(value / top, 1.0) * (len(steps) - 1)), 1)]
    return drawn
