"""Names, bars and sparklines of an exact width, safe for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import set_cell_size

from connectors.text import one_line

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def fit(name: str, width: int) -> str:
    """`name`, which may come from Redis and be hostile, printable and exactly `width` cells wide."""
    safe = one_line(name)
    cut = set_cell_size(safe, width)
    return cut if cut.rstrip() == safe.rstrip() else set_cell_size(safe, width - 1) + "…"


def bar(share: float, width: int, *, ascii_only: bool = False) -> str:
    """`share` (0 to 1) of a bar of `width` cells, to an eighth of a cell, without spaces behind it.

    Something never looks like nothing.
    """
    share = min(max(share, 0.0), 1.0)
    if ascii_only:
        return "#" * max(round(share * width), 1 if share else 0)
    full, eighths = divmod(max(round(share * width * 8), 1 if share else 0), 8)
    return _EIGHTHS[8] * full + (_EIGHTHS[eighths] if eighths else "")


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
