"""Shares over the last hour as shaded cells, a line a name. Pure.

The shade alone shows the share. Colour means severity, here as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.text import Text

from console.queries.readable import percent
from console.terminal.viewport import STYLES
from flows.domain.thresholds import Severity, Thresholds

_WIDEST = 2
"""Cells of a column at the most."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The minutes of each column, oldest first, and how many cells wide each is."""

    minutes: tuple[range, ...]
    """Since the epoch."""
    cells: int

    @property
    def width(self) -> int:
        """Cells of all of them."""
        return len(self.minutes) * self.cells


def columns(running: int, depth: int, room: int) -> Columns:
    """The `depth` minutes up to `running`, in at most `room` (at least 1) cells.

    A column spans as many minutes as necessary, and begins at a multiple of them, so that its minutes stay the same
    until it leaves the screen. Minutes at the old end that fill no column are left out.
    """
    each = -(-depth // room)
    first, last = running - depth + 1, running
    starts = [at * each for at in range(first // each, last // each + 1)][-room:]
    found = [range(max(start, first), min(start + each, last + 1)) for start in starts]
    return Columns(tuple(found), min(room // len(found), _WIDEST))


def heat(shares: Sequence[float | None], cells: int, thresholds: Thresholds, *, ascii_only: bool = False) -> Text:
    """A line of columns that are `cells` wide.

    :arg shares: 0 to 1, a column each; None: unknown, a blank column.
    """
    line = Text()
    drawn = (_cell(share, thresholds, ascii_only) for share in shares)
    for (cell, style), same in groupby(drawn):
        line.append(cell * cells * sum(1 for _ in same), style)
    return line


def legend(thresholds: Thresholds, *, ascii_only: bool = False) -> Text:
    """What the shades mean."""
    limits = (_some(thresholds), *thresholds.gates[:2])
    said = [f"{_cell(0.0, thresholds, ascii_only)[0]} none"]
    said += [f"{_shade(at, ascii_only)} <{percent(limit)}" for at, limit in enumerate(limits)]
    return Text("  ".join([*said, f"{_shade(len(limits), ascii_only)} more"]), "dim")


def axis(shown: Columns, running: int) -> str:
    """Labels above the columns, in minutes before now: each quarter of an hour, where there is room."""
    line = ""
    for at, minutes in enumerate(shown.minutes):
        quarters = [running - minute for minute in minutes if minute != running and (running - minute) % 15 == 0]
        if quarters and len(line) + bool(line) <= at * shown.cells < shown.width - 7:
            line = line.ljust(at * shown.cells) + f"-{quarters[0]}"
    return f"{line:<{shown.width - 3}}now"


def _cell(share: float | None, thresholds: Thresholds, ascii_only: bool) -> tuple[str, str]:
    """A character, and its style."""
    if share is None:
        return " ", ""
    if share <= 0:
        return "." if ascii_only else "·", "dim"
    severity = thresholds.gate_severity(share)
    if severity is Severity.NORMAL:
        return _shade(int(share >= _some(thresholds)), ascii_only), ""
    return _shade(2 if severity is Severity.ATTENTION else 3, ascii_only), STYLES[severity]


def _some(thresholds: Thresholds) -> float:
    """The share from which on a cell has the second shade: 10 % by default."""
    return thresholds.gate_medium / 4


def _shade(at: int, ascii_only: bool) -> str:
    return ("-+#@" if ascii_only else "░▒▓█")[at]
