"""When each symbol was last seen and last executed.

    {prefix}:p35:symbol:last_seen      HASH symbol -> epoch seconds of its newest decision of any kind
    {prefix}:p35:symbol:last_execute   HASH symbol -> epoch seconds of its newest EXECUTE

Whole seconds are written as such, others with milliseconds. No TTL. At most `MAX_SYMBOLS` symbols: then a new one takes
the place of one that was seen, or executed, longest ago (nearly: of the oldest of some taken at random), and is counted
in `symbols_dropped_total` of the status. One that is older than all of those is dropped itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.effects import Effect, Raise
from sinks import p35_status
from sinks.times import seconds_text

MAX_SYMBOLS = 10_000
"""Whoever makes symbols up must not fill the memory of Redis."""


def last_seen_key(prefix: str) -> str:
    """Newest decision of each symbol."""
    return f"{prefix}:p35:symbol:last_seen"


def last_execute_key(prefix: str) -> str:
    """Newest EXECUTE of each symbol."""
    return f"{prefix}:p35:symbol:last_execute"


def effects(prefix: str, seen: Mapping[str, float], executed: Mapping[str, float]) -> list[Effect]:
    """What entries do to the two hashes, whose newest event times for each symbol are these."""
    dropped = (p35_status.key(prefix), "symbols_dropped_total")
    return [
        Raise(key, values, limit=MAX_SYMBOLS, dropped=dropped)
        for key, newest in ((last_seen_key(prefix), seen), (last_execute_key(prefix), executed))
        if (values := {symbol: seconds_text(seconds) for symbol, seconds in newest.items() if symbol})
    ]
