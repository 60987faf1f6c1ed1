"""Reads under way: what the sources of one worker have asked for, so that none waits while another has an answer.

The runtime calls the sources of a worker one after another. If each waited for its own stream, an entry of one would be
found after the waits of all others.
"""

from __future__ import annotations

import select
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

from connectors import connection, reading
from connectors.errors import RedisSilent
from connectors.reading import Reader


class ReadsUnderWay:
    """Readers of each thread for itself, by the number of the thread: see `connectors.in_flight`."""

    def __init__(self) -> None:
        self._of_thread: defaultdict[int, _Readers] = defaultdict(_Readers)

    def join(self, reader: Reader) -> None:
        """`reader` belongs to this thread from now on. Idempotent."""
        readers = self._of_thread[threading.get_ident()]
        if reader not in readers.all:
            readers.all.append(reader)

    def leave(self, reader: Reader) -> None:
        """`reader` is used no more."""
        readers = self._of_thread[threading.get_ident()]
        if reader in readers.all:
            readers.all.remove(reader)
        readers.passing.discard(reader)

    def brought(self) -> None:
        """A reader of this thread brought something: no reader waits before what that became is at its sink."""
        readers = self._of_thread[threading.get_ident()]
        readers.passing.update(readers.all)

    def lets_pass(self, reader: Reader) -> bool:
        """Whether `reader` may not block in this turn; once for each time that something was `brought`."""
        passing = self._of_thread[threading.get_ident()].passing
        if reader not in passing:
            return False
        passing.remove(reader)
        return True

    def turn_of(self, reader: Reader) -> bool:
        """Whether `reader`, which has a read under way, is the one to receive now; if not, come again.

        Alone on its thread it is. Else this blocks until any reader of the thread has an answer or is to send its next
        read, as long as one read may.

        :raises RedisFailure: its connection broke, or there was no answer for too long.
        """
        readers = self._of_thread[threading.get_ident()].all
        if len(readers) < 2 or reader.ready():
            return True
        if time.monotonic() - reader.sent_at > connection.SOCKET_TIMEOUT:
            reader.close()
            raise RedisSilent("no answer to a read")
        poll, now = select.poll(), time.monotonic()
        longest = reading.BLOCK_MS / 1000
        for one in readers:
            if one.under_way:
                poll.register(one.fileno(), select.POLLIN)
            else:
                longest = min(longest, max(one.due_at - now, 0.0))
        poll.poll(longest * 1000)
        return reader.ready()


@dataclass
class _Readers:
    all: list[Reader] = field(default_factory=list)
    passing: set[Reader] = field(default_factory=set)
    """Those that let their next turn pass."""
