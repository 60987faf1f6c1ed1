"""How many entries to ask for, so that a reply stays within a budget of bytes."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.delivery import Row

REPLY_BYTES = 4 * 1024 * 1024
"""What one reply should hold at the most, in bytes. Redis has no such limit of its own."""

FIRST_COUNT = 8
"""Entries to ask for while nothing is known about their size, or while no more than that come."""


class BatchSizer:
    """Learns the size of entries from samples. Grows twofold at most, shrinks at once.

    It asks for no more than twice what came last: who has caught up needs no large replies, and is not caught with a
    large request in hand when entries of megabytes follow small ones.
    """

    def __init__(self, max_count: int) -> None:
        self._max_count = max_count
        self.count = min(FIRST_COUNT, max_count)

    def saw(self, entries: Sequence[Row]) -> None:
        """Adjust `count` to the mean size of a sample of `entries` (not empty)."""
        sample = entries[:: max(1, len(entries) // 32)]
        mean = sum(sum(map(len, fields)) for _id, fields in sample) / len(sample)
        affordable = int(REPLY_BYTES / (mean + 1))
        wanted = max(FIRST_COUNT, 2 * len(entries))
        self.count = max(1, min(self._max_count, affordable, 2 * self.count, wanted))
