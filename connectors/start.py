"""Starting a flow as a process: settings, logs, signals; and the one line and status 78 when a setting is wrong."""

from __future__ import annotations

import gc
import sys
from typing import TypeVar

from connectors import epochs, logs
from connectors.errors import SettingsError
from connectors.lifecycle import lifecycle
from connectors.settings import EXIT_SETTINGS, RedisSettings, load

GC_OBJECTS = 20_000
"""How many more objects there are before the youngest are looked through for cycles."""

AnyRedisSettings = TypeVar("AnyRedisSettings", bound=RedisSettings)


def start(kind: type[AnyRedisSettings], name: str) -> AnyRedisSettings:
    """Settings of `kind`, with logging set up under `name` and SIGTERM and SIGINT turned into a graceful stop.

    Call once, from the main thread, where the process builds its dataflow.

    :raises SystemExit: with status 78, after one line for each wrong setting.
    """
    try:
        settings = load(kind)
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS) from None
    logs.configure(settings, name)
    lifecycle.install()
    epochs.never_end()
    # What was made so far stays for good. Each full collection would look at all of it again, and take 30 ms.
    gc.collect()
    gc.freeze()
    # A read makes thousands of lists, and frees them soon by itself: to look through them at every 700th, as is the
    # default, takes as long as to parse them.
    gc.set_threshold(GC_OBJECTS)
    return settings
