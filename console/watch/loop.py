"""The loop of `quantum watch`: a terminal, its keys and its size."""

from __future__ import annotations

import codecs
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import redis

from connectors.errors import RedisError
from console.terminal.command import write
from console.terminal.refresh import frame
from console.terminal.refresh import screen as own_screen
from console.terminal.viewport import here, printed
from console.watch.scene import Scene, read_scene
from console.watch.screen import screen
from console.watch.view import View, press, split_keys
from flows.settings.joins import AllocationSettings


def watch(client: redis.Redis, settings: AllocationSettings, view: View, every: float) -> None:
    """Show it until `q`.

    :arg every: seconds between two looks at Redis; keys and a new size of the terminal are heeded at once.
    :raises RedisError: Redis does not answer at the first look. Later, what was seen last stays, and is called old.
    :raises KeyboardInterrupt: Ctrl-C.
    """
    scene, trouble = read_scene(client, settings), ""
    with _keys() as (keyboard, resized), own_screen():
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        due = time.monotonic() + every
        while not view.done:
            if not write(_drawn(scene, view, trouble)):
                return
            ready, _, _ = select.select([*keyboard, resized], [], [], max(due - time.monotonic(), 0))
            if resized in ready:
                os.read(resized, 1024)
            for one in keyboard:
                if one in ready:
                    typed = os.read(one, 1024)
                    if not typed:  # the terminal is gone
                        return
                    for key in split_keys(decoder.decode(typed)):
                        view = press(view, key)
            if time.monotonic() >= due:
                try:
                    scene, trouble = read_scene(client, settings), ""
                except RedisError as error:
                    trouble = f"NOT UP TO DATE: {error}"
                due = time.monotonic() + every


def once(client: redis.Redis, settings: AllocationSettings, view: View) -> str:
    """What the screen would show, as plain text. Raises `connectors.errors.RedisError`."""
    lines = screen(read_scene(client, settings), view, here())
    return printed(lines[:-1])  # without the line about keys


def _drawn(scene: Scene, view: View, trouble: str) -> str:
    size = os.get_terminal_size(sys.stdout.fileno())
    room = here()
    # All lines of the terminal: there is no prompt below.
    room = type(room)(max(size.columns, 20), max(size.lines, 5), room.ascii_only)
    return frame(printed(screen(scene, view, room, trouble)))


@contextmanager
def _keys() -> Iterator[tuple[list[int], int]]:
    """Files to wait for: the keyboard (none, where standard input is no terminal), key by key; and changes of size."""
    resized, signalled = os.pipe()
    os.set_blocking(signalled, False)
    before_handler = signal.signal(signal.SIGWINCH, lambda _number, _frame: None)
    before_fd = signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
    keyboard = sys.stdin.fileno() if sys.stdin.isatty() else None
    state = None if keyboard is None else termios.tcgetattr(keyboard)
    try:
        if keyboard is not None:
            tty.setcbreak(keyboard)
        yield ([] if keyboard is None else [keyboard]), resized
    finally:
        if keyboard is not None and state is not None:
            with suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(keyboard, termios.TCSADRAIN, state)
        signal.set_wakeup_fd(before_fd)
        signal.signal(signal.SIGWINCH, before_handler)
        os.close(resized)
        os.close(signalled)
