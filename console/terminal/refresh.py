"""Showing an answer again and again: in place on a terminal, one after another anywhere else."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from connectors.errors import RedisFailure
from connectors.settings import RedisSettings
from connectors.text import one_line
from console.terminal.command import EXIT_REDIS, fail, refusal, say, write
from console.terminal.keyboard import QUIT, keyboard

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""A screen of its own without a cursor, and back."""

_HOME, _END_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"

HINT = "q end"
"""The last line of what is shown in place."""

MOST_TROUBLE = 200
"""Characters of a line about trouble."""


@contextmanager
def screen() -> Iterator[None]:
    """A screen of its own on a terminal, given back however it ends (SIGTERM is an end, too)."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    write(_ENTER)
    try:
        yield
    finally:
        write(_LEAVE)
        signal.signal(signal.SIGTERM, before)


def frame(text: str) -> str:
    """What replaces what a terminal shows by `text`, without flicker."""
    body = text.removesuffix("\n").replace("\n", f"{_END_OF_LINE}\r\n")
    return f"{_HOME}{body}{_END_OF_LINE}{_REST_OF_SCREEN}"


def repeat(settings: RedisSettings, answer: Callable[[], str], every: float) -> NoReturn:
    """Show what `answer` gives every `every` seconds, until `q` is pressed or it is interrupted.

    A Redis that is away at first ends it, with status 3; one that goes away later is waited for.

    :raises SystemExit: `q`; Redis is away, or nobody reads any more.
    :raises KeyboardInterrupt: interrupted.
    """
    try:
        text = answer()
    except RedisFailure as error:
        fail(refusal(settings, error), EXIT_REDIS)
    if not sys.stdout.isatty():
        while write(text):
            time.sleep(every)
            text = _again(settings, answer)
        raise SystemExit(0)
    with screen(), keyboard() as wait, suppress(EOFError):
        while True:
            # What is longer (with --full) would roll the screen on and on.
            lines = text.splitlines(keepends=True)[: max(shutil.get_terminal_size().lines - 1, 1)]
            write(frame("".join(lines) + HINT))
            due = time.monotonic() + every
            while (left := due - time.monotonic()) > 0:
                if QUIT in wait(left):
                    raise SystemExit(0)
            text = _again_in_place(answer, text)
    raise SystemExit(0)  # the terminal is gone


def _again(settings: RedisSettings, answer: Callable[[], str]) -> str:
    try:
        return answer()
    except RedisFailure as error:
        say(refusal(settings, error))
        return ""


def _again_in_place(answer: Callable[[], str], shown: str) -> str:
    try:
        return answer()
    except RedisFailure as error:
        line = f"NOT UP TO DATE: {error}; trying again"
        lines = shown.splitlines()
        if lines and lines[0].startswith("NOT UP TO DATE"):
            lines = lines[1:]
        return "\n".join([one_line(line, MOST_TROUBLE), *lines]) + "\n"
