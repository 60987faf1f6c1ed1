"""Commits in flight: sent to Redis, reply not read yet.

A sink that waits for Redis holds up its worker, which could be at the next batch meanwhile. One that does not wait has
to be called again, and the runtime calls sinks with new values only. So whoever turns up regularly on the same worker
(the consumer-group source does) lets them finish, before it waits for anything itself.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_PUT_OFF = 8
"""What was answered meanwhile to a call is not known yet: a commit that Redis wants sent again, say."""


class CommitsInFlight:
    """Calls that are due, of each thread for itself.

    By the number of the thread: the runtime's own threads are none of Python's, which forgets their `threading.local`
    between one call and the next.
    """

    def __init__(self) -> None:
        self._of_thread: defaultdict[int, _Due] = defaultdict(_Due)

    def add(self, call: Callable[[], object]) -> None:
        """Remember `call` for the next `finish` of this thread."""
        due = self._of_thread[threading.get_ident()]
        due.calls.append(call)
        due.put_off = 0

    def finish(self) -> None:
        """Make the calls of this thread, in order. May block as long as they do."""
        due = self._of_thread[threading.get_ident()]
        calls, due.calls = due.calls, []
        for call in calls:
            call()

    def put_off(self) -> None:
        """Let the calls of this thread wait; `finish` where that was done `MOST_PUT_OFF` times since one was added."""
        due = self._of_thread[threading.get_ident()]
        if due.put_off == MOST_PUT_OFF:
            self.finish()
        due.put_off += 1


@dataclass
class _Due:
    calls: list[Callable[[], object]] = field(default_factory=list)
    put_off: int = 0
