"""Where text goes: how much space there is, and printing it, on a terminal in colour and anywhere else plain."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from flows.domain.thresholds import Severity

STYLES = {
    Severity.NORMAL: "",
    Severity.ATTENTION: "yellow",
    Severity.SERIOUS: "red",
    Severity.CRITICAL: "bold red",
}


@dataclass(frozen=True, slots=True)
class Viewport:
    """The size of what is written to, in cells; None: as many as it takes."""

    width: int | None
    height: int | None
    ascii_only: bool = False

    def rows(self, most: int, others: int) -> int:
        """How many of `most` rows fit with `others` lines; at least three."""
        return most if self.height is None else max(min(most, self.height - others), 3)


def here(full: bool = False) -> Viewport:
    """That of standard output: a screen without its last line, which is the prompt's; endless if it is none.

    :arg full: as many lines as it takes all the same.
    """
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    ascii_only = not encoding.startswith("utf")
    if not sys.stdout.isatty():
        return Viewport(None, None, ascii_only)
    size = shutil.get_terminal_size()
    return Viewport(max(size.columns, 40), None if full else max(size.lines - 1, 10), ascii_only)


def cut(lines: Iterable[Text], width: int | None) -> list[Text]:
    """`lines`, none of them wider than `width` cells; None: as they are."""
    shown = list(lines)
    for line in shown:
        line.truncate(line.cell_len if width is None else width, overflow="ellipsis")
    return shown


def printed(lines: Sequence[Text]) -> str:
    """`lines` as they are to be written to standard output: with colours on a terminal that wants them."""
    if not sys.stdout.isatty():
        return "".join(f"{line.plain.rstrip()}\n" for line in lines)
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False, markup=False)
    with console.capture() as capture:
        for line in lines:
            line.rstrip()
            console.print(line)
    return capture.get()
