"""How long an entry that failed waits for its next attempt. Pure."""

from __future__ import annotations

FIRST_SECONDS = 0.1
"""After the first failure; twice as long after each more."""

LONGEST_SECONDS = 60.0

LONGER_SECONDS = 5.0
"""It waits for so much longer at the most, when the clock of Redis, which tells the wait, was set back."""


def seconds_after(failures: int) -> float:
    """How long it waits at the least, when it has failed so often (once or more)."""
    return min(FIRST_SECONDS * 2.0 ** min(failures - 1, 64), LONGEST_SECONDS)
