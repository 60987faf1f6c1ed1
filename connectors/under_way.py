"""Reads under way: what the sources of one worker have asked for, so that none waits while another has an answer.

The runtime calls the sources of a worker one after another. If each waited for its own stream, an entry of one would be
found after the waits of all others.
"""

from __future__ import annotations

import select
import threading
import time
from collections import defaultdict

from connectors import connection, reading
from connectors.errors import RedisSilent
from connectors.reading import Reader


class ReadsUnderWay:
    """Readers of each thread for itself, by the number of the thread: see `connectors.in_flight`."""

    def __init__(self) -> None:
        self._of_thread: defaultdict[int, list[Reader]] = defaultdict(list)

    def join(self, reader: Reader) -> None:
        """`reader` belongs to this thread from now on. Idempotent."""
        readers = self._of_thread[threading.get_ident()]
        if reader not in readers:
            readers.append(reader)

    def leave(self, reader: Reader) -> None:
        """`reader` is used no more."""
        readers = self._of_thread[threading.get_ident()]
        if reader in readers:
            readers.remove(reader)

    def turn_of(self, reader: Reader) -> bool:
        """Whether `reader`, which has a read under way, is the one to receive now; if not, come again.

        Alone on its thread it is. Else this blocks until any reader of the thread has an answer, as long as one read
        may.

        :raises RedisFailure: its connection broke, or there was no answer for too long.
        """
        readers = self._of_thread[threading.get_ident()]
        if len(readers) < 2 or reader.ready():
            return True
        if time.monotonic() - reader.sent_at > connection.SOCKET_TIMEOUT:
            reader.close()
            raise RedisSilent("no answer to a read")
        poll = select.poll()
        for one in readers:
            if one.under_way:
                poll.register(one.fileno(), select.POLLIN)
        poll.poll(reading.BLOCK_MS)
        return reader.ready()
