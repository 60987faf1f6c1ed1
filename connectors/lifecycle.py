"""One process's wish to stop, and the status that it will end with.

Bytewax sets no signal handlers. Here SIGTERM and SIGINT set a flag; every source sees it, drains what it has in flight
and ends, and so the dataflow comes to its end by itself. Nothing is interrupted in the middle of a step.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from types import FrameType

import structlog

_log = structlog.get_logger("lifecycle")

_LOOK_SECONDS = 0.05
"""How often a wait looks whether a stop has been asked for."""


class Lifecycle:
    """The flag, with the reason for it. Thread-safe; one a process (`lifecycle` below), more only in tests."""

    def __init__(self) -> None:
        # A plain flag and not an Event: the signal handler may run while its own thread is inside an Event's lock.
        self._stopping = False
        self._lock = threading.Lock()
        self._exit_status = 0

    @property
    def stopping(self) -> bool:
        """Whether the process has been asked to stop."""
        return self._stopping

    @property
    def exit_status(self) -> int:
        """The status to end with: 0 for a stop that was asked for, else what the first failure set."""
        return self._exit_status

    def stop(self, reason: str) -> None:
        """Ask for a graceful stop. Idempotent; never blocks."""
        with self._lock:
            first = not self._stopping
            self._stopping = True
        if first:
            _log.info("stopping", reason=reason)

    def fail(self, message: str, exit_status: int) -> None:
        """Log `message` as the one line that says what broke, and stop with `exit_status`."""
        with self._lock:
            first = self._exit_status == 0
            if first:
                self._exit_status = exit_status
            self._stopping = True
        if first:
            _log.error(message, exit_status=exit_status)

    def wait(self, seconds: float) -> bool:
        """Sleep for `seconds`, or until a stop is asked for; whether one is."""
        deadline = time.monotonic() + seconds
        while not self._stopping and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_SECONDS))
        return self._stopping

    def reset(self) -> None:
        """Forget everything: for a process that runs one dataflow after another, as tests do."""
        self._stopping = False
        self._exit_status = 0

    def install(self) -> None:
        """Take SIGTERM and SIGINT, and make the process end with `exit_status`. Main thread only."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        atexit.register(self._exit)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # No log from here: the handler may run inside the logger's own lock.
        self._stopping = True

    def _exit(self) -> None:
        """Bytewax ends with 0 after a graceful stop; a failure that we stopped for must not look like one."""
        if self.stopping:
            _log.info("stopped")
        if self._exit_status:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self._exit_status)


lifecycle = Lifecycle()
"""This process's."""
