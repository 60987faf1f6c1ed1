"""Keys, as they are pressed, on the terminal that is standard input."""

from __future__ import annotations

import codecs
import os
import re
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

QUIT = "q"
"""The key that ends what goes on until it is ended."""

_KEY = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|.", re.DOTALL)


@contextmanager
def keyboard() -> Iterator[Callable[[float], list[str]]]:
    """A function that waits for keys: for so many seconds at the most, and until the size of the window changes.

    It gives the keys that were pressed; none where standard input is no terminal. Keys are not shown, and need no
    Enter. The terminal is given back as it was. Main thread only.

    Ctrl-C takes effect while the function waits, or is called next: anywhere else the exception could be raised where
    nobody lets it through, in a destructor say, and be lost. A second one takes effect at once.

    :raises EOFError: by the function: the terminal is gone.
    :raises KeyboardInterrupt: by the function: Ctrl-C.
    """
    interrupted = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True

    resized, signalled = os.pipe()
    os.set_blocking(signalled, False)
    before_handler = signal.signal(signal.SIGWINCH, lambda _number, _frame: None)
    before_interrupt = signal.signal(signal.SIGINT, interrupt)
    before_fd = signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
    keys = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    state = None if keys is None else termios.tcgetattr(keys)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def wait(seconds: float) -> list[str]:
        files = [resized] if keys is None else [keys, resized]
        ready, _, _ = select.select(files, [], [], 0 if interrupted else max(seconds, 0))
        if interrupted:
            raise KeyboardInterrupt
        if resized in ready:
            os.read(resized, 1024)
        if keys is None or keys not in ready:
            return []
        typed = os.read(keys, 1024)
        if not typed:
            raise EOFError
        return split_keys(decoder.decode(typed))

    try:
        if keys is not None:
            tty.setcbreak(keys)
        yield wait
    finally:
        if keys is not None and state is not None:
            with suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(keys, termios.TCSADRAIN, state)
        signal.set_wakeup_fd(before_fd)
        signal.signal(signal.SIGWINCH, before_handler)
        signal.signal(signal.SIGINT, before_interrupt)
        os.close(resized)
        os.close(signalled)


def split_keys(typed: str) -> list[str]:
    """Keys, of what a terminal sent at once: an escape sequence (an arrow, say) is one key."""
    return _KEY.findall(typed)
