"""Commits in flight: sent to Redis, reply not read yet.

A sink that waits for Redis holds up its worker, which could be at the next batch meanwhile. One that does not wait has
to be called again, and the runtime calls sinks with new values only. So whoever turns up regularly on the same worker
(the consumer-group source does) lets them finish, before it waits for anything itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class CommitsInFlight:
    """Calls that are due, of each thread for itself."""

    def __init__(self) -> None:
        self._of_thread = _Due()

    def add(self, call: Callable[[], object]) -> None:
        """Remember `call` for the next `finish` of this thread."""
        self._of_thread.calls.append(call)
        self._of_thread.was_put_off = False

    def finish(self) -> None:
        """Make the calls of this thread, in order. May block as long as they do."""
        calls, self._of_thread.calls = self._of_thread.calls, []
        for call in calls:
            call()

    def put_off(self) -> None:
        """Let the calls of this thread wait, if nothing was put off since the last was added; else `finish`."""
        if self._of_thread.was_put_off:
            self.finish()
        self._of_thread.was_put_off = True


class _Due(threading.local):
    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []
        self.was_put_off = False
