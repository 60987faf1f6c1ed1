"""What is chosen to be shown, and how keys change it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from console.terminal.keyboard import QUIT
from sinks.values.counts import WINDOWS

WINDOW_KEYS = dict(zip("1234", WINDOWS, strict=True))

ENTER, ESCAPE, BACKSPACE = ("\r", "\n"), "\x1b", ("\x7f", "\x08")

MOST_FILTER = 40
"""Characters of a filter."""


@dataclass(frozen=True, slots=True)
class ScreenState:
    """What is chosen."""

    window: str = "5m"
    filter: str = ""
    """Only gates and symbols that contain it, in any case, are listed."""
    typing: bool = False
    """Whether keys go to the filter."""
    help: bool = False
    done: bool = False

    def lets_through(self, name: str) -> bool:
        """Whether a gate or symbol is listed."""
        return self.filter.lower() in name.lower()


def press(view: ScreenState, key: str) -> ScreenState:
    """The view after a key: a character, or a whole escape sequence."""
    if view.typing:
        return _type(view, key)
    if view.help:
        return replace(view, help=False, done=key == QUIT)
    if key in WINDOW_KEYS:
        return replace(view, window=WINDOW_KEYS[key])
    if key == QUIT:
        return replace(view, done=True)
    if key == "?":
        return replace(view, help=True)
    if key == "/":
        return replace(view, typing=True)
    if key == ESCAPE:
        return replace(view, filter="")
    return view


def _type(view: ScreenState, key: str) -> ScreenState:
    if key in ENTER:
        return replace(view, typing=False)
    if key == ESCAPE:
        return replace(view, typing=False, filter="")
    if key in BACKSPACE:
        return replace(view, filter=view.filter[:-1])
    if len(key) == 1 and key.isprintable():
        return replace(view, filter=(view.filter + key)[:MOST_FILTER])
    return view
