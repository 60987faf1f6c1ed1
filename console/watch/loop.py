"""The loop of `quantum watch`: a terminal, its keys and its size."""

from __future__ import annotations

import os
import sys
import time

import redis

from connectors.errors import RedisFailure
from console.terminal.command import write
from console.terminal.keyboard import keyboard
from console.terminal.refresh import frame
from console.terminal.refresh import screen as own_screen
from console.terminal.viewport import Viewport, here, printed
from console.watch.middle import symbols_wanted
from console.watch.scene import WatchSettings, read_scene
from console.watch.screen import screen
from console.watch.symbols import Picked, SymbolReader
from console.watch.view import ScreenState, press


def watch(client: redis.Redis, settings: WatchSettings, view: ScreenState, every: float) -> None:
    """Show it until `q`.

    :arg every: seconds between two reads; keys and a resized terminal take effect at once.
    :raises RedisFailure: Redis does not answer at first. Later, the last screen stays, marked as out of date.
    :raises KeyboardInterrupt: Ctrl-C.
    """
    scene, trouble, picked = read_scene(client, settings), "", Picked()
    reader = SymbolReader(client, settings.key_prefix)
    with own_screen(), keyboard() as wait:
        due = time.monotonic() + every
        while not view.done:
            viewport = _viewport()
            if not trouble:
                try:
                    picked = reader.read(scene.minutes, view, symbols_wanted(viewport.height))
                except RedisFailure as error:
                    trouble = _old(error)
            if not write(frame(printed(screen(scene, view, picked, viewport, trouble)))):
                return
            try:
                for key in wait(due - time.monotonic()):
                    view = press(view, key)
            except EOFError:  # the terminal is gone
                return
            if time.monotonic() >= due:
                try:
                    scene, trouble = read_scene(client, settings), ""
                except RedisFailure as error:
                    trouble = _old(error)
                due = time.monotonic() + every


def once(client: redis.Redis, settings: WatchSettings, view: ScreenState) -> str:
    """What the screen would show, as plain text. Raises `connectors.errors.RedisFailure`."""
    scene, viewport = read_scene(client, settings), here()
    picked = SymbolReader(client, settings.key_prefix).read(scene.minutes, view, symbols_wanted(viewport.height))
    return printed(screen(scene, view, picked, viewport)[:-1])  # without the line about keys


def _old(error: RedisFailure) -> str:
    return f"NOT UP TO DATE: {error}"


def _viewport() -> Viewport:
    """The whole terminal: there is no prompt below."""
    size = os.get_terminal_size(sys.stdout.fileno())
    return Viewport(max(size.columns, 20), max(size.lines, 5), here().ascii_only)
