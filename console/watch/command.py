"""`quantum watch`: the command."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from connectors.connection import connect
from console.terminal.command import InWindow, RedisUrl, asking, read_settings, write


def watch(
    window: InWindow = "5m",
    every: Annotated[float, typer.Option(metavar="SECONDS", min=0.2, max=3600, help="Between two refreshes.")] = 2.0,
    redis_url: RedisUrl = None,
) -> None:
    """One screen for the night: are we trading, and if not, why; refreshed in place.

    The verdict; decisions with their trend by minute; gates; firing alerts; stuck symbols; proposals and permits;
    consumers and lag. Fits any terminal from 80x24 on, and follows its size: where there is room, each gate has its
    last hour beside it, and the busiest symbols are listed with what stops them.

    \b
    quantum watch
    quantum watch --window 1h --every 5

    \b
    Keys   1 2 3 4   the last 1, 5, 15, 60 minutes
           /         list only gates and symbols that contain what you type,
                     and show what stops the symbol (Esc ends it)
           ?         help
           q         end

    Without a terminal it prints what the screen would show, once. While Redis is away, the last screen stays, marked as
    out of date.
    """
    from console.watch import loop
    from console.watch.scene import WatchSettings
    from console.watch.view import ScreenState

    settings = read_settings(WatchSettings, redis_url)
    client = connect(settings, "quantum-console")
    view = ScreenState(window)
    with asking(settings):
        if sys.stdout.isatty():
            loop.watch(client, settings, view, every)
        else:
            write(loop.once(client, settings, view))
