"""How many entries to ask for, so that a reply stays within a budget of bytes, and its commit within one of time."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.delivery import RawEntry

REPLY_BYTES = 4 * 1024 * 1024
"""What one reply should hold at the most, in bytes. Redis has no such limit of its own."""

READS_AHEAD = 4
"""The most reads under way behind a backlog: as many as are worked on while Redis is at a commit. They fit into what
Redis takes from a socket at once, 16 kB: between a check and a read that are cut apart, others might have a turn."""

FIRST_COUNT = 8
"""Entries to ask for while nothing is known about their size, or while no more than that come."""


COMMIT_ARGUMENTS = 8_000
"""What the commit of one read should have at the most: Redis takes about a microsecond for each, and serves nobody else
meanwhile."""

FEW = 64
"""Commits of fewer entries do not tell what an entry takes: most of what they have, any commit has."""


class CommitWeight:
    """What an entry takes to commit, as the sinks of a process see it. Any thread may call; the last word counts."""

    def __init__(self) -> None:
        self.per_entry = 0.0
        """Arguments; 0 while nothing is known."""

    def saw(self, entries: int, arguments: int) -> None:
        """A commit of so many entries had so many arguments. Grows at once, shrinks by half at most."""
        each = arguments / entries
        # (What a small one says is too much; so where it is less than what is known, it is news all the same.)
        if entries >= FEW or each < self.per_entry:
            self.per_entry = max(each, self.per_entry / 2)


class BatchSizer:
    """Learns the size of entries from samples, and from commits what they take. Grows twofold at most, shrinks at once.

    It asks for no more than twice what came last: who has caught up needs no large replies, and is not caught with a
    large request in hand when entries of megabytes follow small ones.
    """

    def __init__(self, max_count: int, weight: CommitWeight | None = None) -> None:
        self._max_count = max_count
        self._weight = weight or CommitWeight()
        self.count = min(FIRST_COUNT, max_count)
        self.ahead = 1
        """How many reads of so many entries to have under way: as long as entries stay as large as those that came
        last, their replies fill the budget of one."""

    def saw(self, entries: Sequence[RawEntry]) -> None:
        """Adjust `count` to the mean size of a sample of `entries` (not empty)."""
        sample = entries[:: max(1, len(entries) // 32)]
        mean = sum(sum(map(len, fields)) for _id, fields in sample) / len(sample)
        affordable = int(REPLY_BYTES / (mean + 1))
        if self._weight.per_entry:
            affordable = min(affordable, int(COMMIT_ARGUMENTS / self._weight.per_entry))
        wanted = max(FIRST_COUNT, 2 * len(entries))
        most = max(1, min(self._max_count, affordable))
        self.count = min(most, 2 * self.count, wanted)
        # (One that is to grow is not to be followed by many that are as small.)
        self.ahead = max(1, min(READS_AHEAD, int(REPLY_BYTES / (most * (mean + 1))))) if self.count == most else 1
