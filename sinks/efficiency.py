"""Capital efficiency: the table that both joins look up, and what is made of one row of it.

{prefix}:capital:efficiency:{symbol}    HASH, written by others
    efficiency_score    0 to 1
    confidence          0 to 1
    ts                  when it was computed, epoch seconds (13 digits: milliseconds)
    mode, version       and more: not looked at
"""

from __future__ import annotations

from typing import NamedTuple

OK, REDIS_ERROR, MISSING, STALE, LOW_CONFIDENCE = REASONS = (
    "ok",
    "redis_error",
    "missing_eff",
    "stale_eff",
    "low_conf",
)
"""Why an efficiency counts, or does not."""

FIELDS = (b"efficiency_score", b"confidence", b"ts")
"""Those of a row that are looked at."""


class Efficiency(NamedTuple):
    """What is known of the efficiency of one symbol. It counts only where the reason is OK."""

    score: float | None
    """0 to 1; None where it is missing, or no finite number."""
    confidence: float | None
    """As it was read; None where it is missing, or no finite number."""
    reason: str
    """One of REASONS."""

    @property
    def stale(self) -> bool:
        """Whether its age is what speaks against it."""
        return self.reason == STALE


def key(prefix: str, symbol: str) -> str:
    """The efficiency of `symbol`."""
    return f"{prefix}:capital:efficiency:{symbol}"
