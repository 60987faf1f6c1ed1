"""Tumbling windows that emit each value at once, on or late, instead of keeping it until the window closes.

The window operator assigns the window, by event time, and tells what is late; the counting happens where it is safe,
in Redis. So there is no state to lose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

import bytewax.operators.windowing as win
from bytewax.operators import KeyedStream

from connectors.times import EPOCH

Value = TypeVar("Value")


class _EmitAtOnce(win.WindowLogic[Value, Value, None]):
    """Passes values through; keeps nothing."""

    def on_value(self, value: Value) -> Iterable[Value]:
        return (value,)

    def on_merge(self, original: object) -> Iterable[Value]:
        return ()

    def on_close(self) -> Iterable[Value]:
        return ()

    def snapshot(self) -> None:
        return None


def emit_at_once(_state: object) -> win.WindowLogic[Value, Value, None]:
    """What `tumble` builds its windows with: they keep nothing, so a crash loses nothing of them."""
    return _EmitAtOnce()


def tumble(
    step_id: str,
    up: KeyedStream[Value],
    length: timedelta,
    event_time: Callable[[Value], datetime],
    wait: timedelta,
) -> win.WindowOut[Value, Value]:
    """Assign each value to its tumbling window; window 0 begins at the epoch.

    :arg event_time: of a value, aware, in UTC.
    :arg wait: a value is late when it is more than this behind the newest of its key (plus the time since that came).
    :returns: `down` and `late`: keyed pairs of window number and value. Every value is in exactly one of the two.
    """
    clock = win.EventClock(
        event_time,
        wait_for_system_duration=wait,
        # A window that ends at t closes when the watermark reaches t, which without new values is at t + wait. Told to
        # wake at t, the runtime would spin until then.
        to_system_utc=lambda timestamp: timestamp + wait,
    )
    windower = win.TumblingWindower(length, align_to=EPOCH)
    return win.window(step_id, up, clock, windower, emit_at_once, ordered=False)
