"""Noticing that a full window stands still: as much is in flight as may be, and commits have stalled. Pure."""

from __future__ import annotations

SECONDS = 10.0
"""How long nothing moves before that is worth a line."""

LOOKS = 100
"""How often it is looked at meanwhile, at the least: a step that takes long holds up the looks, too."""


class Standstill:
    """What was seen at the last looks at a full window."""

    def __init__(self) -> None:
        self._in_flight = -1
        self._since = 0.0
        self._looks = 0

    def look(self, in_flight: int, now: float) -> bool:
        """Whether this is the moment to say that nothing moves; once, until something does.

        :arg in_flight: entries that are read and not committed.
        :arg now: monotonic seconds.
        """
        if in_flight != self._in_flight:
            self._in_flight, self._since, self._looks = in_flight, now, 0
            return False
        self._looks += 1
        if self._looks < LOOKS or now - self._since < SECONDS:
            return False
        self._since = float("inf")
        return True
