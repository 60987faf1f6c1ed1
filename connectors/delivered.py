"""Which pending entries have reached us: detects a reply that was lost with its connection. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from connectors import stream_id
from connectors.delivery import Entry


class DeliveredEntries:
    """The entries that reached us, as far as they may still be pending.

    Reads of new entries are disjoint ranges of the stream, so two IDs stand for each. What was taken over has gaps
    between, and is kept one by one.
    """

    def __init__(self) -> None:
        self._read: deque[tuple[tuple[int, int], tuple[int, int]]] = deque()
        self._taken: set[tuple[int, int]] = set()

    def read(self, entries: list[Entry]) -> None:
        """`entries` are one read of new ones."""
        if entries:
            self._read.append((stream_id.parse(entries[0].id), stream_id.parse(entries[-1].id)))

    def taken(self, entries: Iterable[Entry]) -> None:
        """`entries` were pending before they became ours."""
        self._taken.update(stream_id.parse(entry.id) for entry in entries)

    def holds(self, oldest: bytes | None) -> bool:
        """Whether `oldest`, the lowest ID that is pending for us, was seen; forgets what lies below. None: none is."""
        if oldest is None:
            self._read.clear()
            self._taken.clear()
            return True
        place = stream_id.parse(oldest)
        self._taken = {taken for taken in self._taken if taken >= place}
        if place in self._taken:
            return True
        if any(first <= place <= last for first, last in self._read):
            while not self._read[0][0] <= place <= self._read[0][1]:
                self._read.popleft()
            return True
        return False
