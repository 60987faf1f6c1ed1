"""Capital efficiency: the table that both joins look up, and what is made of one row of it.

{prefix}:capital:efficiency:{symbol}    HASH, written by others
    efficiency_score    0 to 1
    confidence          0 to 1
    ts                  when it was computed, epoch seconds (13 digits: milliseconds)
    mode, version       and more: not looked at
"""

from __future__ import annotations

FIELDS = (b"efficiency_score", b"confidence", b"ts")
"""Those of a row that are looked at."""


def key(prefix: str, symbol: str) -> str:
    """The efficiency of `symbol`."""
    return f"{prefix}:capital:efficiency:{symbol}"
