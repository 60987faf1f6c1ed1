"""What the supervisor of this process is told, in the protocol of systemd's sd_notify(3): ready, alive, stopping.

A supervisor that wants to hear it names a datagram socket in `NOTIFY_SOCKET`; without one, all of this does nothing.

    READY=1                  every consumer-group source of the process has registered and read; where there is none,
                             Redis has answered. The start is then over.
    EXTEND_TIMEOUT_USEC=...  not ready yet, but trying: a Redis that is away is waited for, however long
    WATCHDOG=1               every worker thread has made progress (`turn`) within half of WATCHDOG_USEC
    STATUS=...               one line: the last headline of the flow, or what is wrong with Redis
    STOPPING=1               a stop was asked for, and has been seen by a worker

There is no timer and no thread here: a message is sent from a worker's own turn, or not at all. A worker that hangs for
longer than half of WATCHDOG_USEC silences the process, and is killed within one and a half of it; one that waits for an
absent Redis makes an attempt every few seconds, and each attempt is a turn.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping

from connectors.lifecycle import Lifecycle
from connectors.text import one_line

START_SECONDS = 60.0
"""How much longer the start may take, from each attempt on."""

_EXTEND_EVERY = 5.0
"""Seconds between two requests for more time to start."""

_SEND_SECONDS = 1.0
"""How long a message may wait for a supervisor that does not read."""


class Supervisor:
    """The supervisor of this process. Thread-safe; never raises; blocks only while the supervisor's socket is full.

    :arg environment: `NOTIFY_SOCKET`, and `WATCHDOG_USEC` (microseconds) with `WATCHDOG_PID`.
    :arg clock: monotonic seconds.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lifecycle = lifecycle
        self._clock = clock
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._period = _watchdog_seconds(environment)
        self._lock = threading.Lock()
        self._awaited: set[str] = set()
        self._ready = False
        self._stopping = False
        self._headline = self._trouble = self._shown = ""
        self._turns: dict[int, float] = {}
        self._next_message = 0.0

    def expect(self, part: str) -> None:
        """The process is not ready before `part` (a name as `Outage` is told) has heard of Redis."""
        self._awaited.add(part)

    def turn(self, *, worker: bool = True) -> None:
        """The calling thread made progress: call it wherever a worker comes by regularly. Cheap.

        :arg worker: whether this is sure to be a worker; if not, it counts for a thread that is known to be one only.
        """
        if self._address is None or (not worker and threading.get_ident() not in self._turns):
            return
        now = self._clock()
        self._turns[threading.get_ident()] = now
        if self._lifecycle.stopping:
            self._stop()
        elif now >= self._next_message:
            self._sign_of_life(now)

    def up(self, part: str) -> None:
        """`part` got an answer from Redis."""
        if self._address is None or self._ready:
            return
        with self._lock:
            self._awaited.discard(part)
            # (what was not delivered is tried again at the next good answer)
            if not self._awaited and not self._ready:
                self._ready = self._send("READY=1")
                self._next_message = 0.0
        self._show()

    def trouble(self, cause: str) -> None:
        """What is wrong with Redis, in one line; empty when it is over."""
        self._trouble = cause
        self._show()

    def headline(self, line: str) -> None:
        """What there is to say while nothing is wrong."""
        self._headline = line
        self._show()

    def _show(self) -> None:
        line = one_line(self._trouble or self._headline)
        if self._address is None or line == self._shown:
            return
        with self._lock:
            if self._send(f"STATUS={line}"):
                self._shown = line

    def _stop(self) -> None:
        with self._lock:
            if not self._stopping:
                self._stopping = self._send("STOPPING=1")

    def _sign_of_life(self, now: float) -> None:
        with self._lock:
            if not self._ready:
                self._next_message = now + _EXTEND_EVERY
                self._send(f"EXTEND_TIMEOUT_USEC={round(START_SECONDS * 1e6)}")
            elif self._period is None:
                self._next_message = float("inf")
            elif now - min(self._turns.values()) <= self._period / 2:
                self._next_message = now + self._period / 4
                self._send("WATCHDOG=1")

    def _send(self, message: str) -> bool:
        """Whether `message` reached the supervisor's socket."""
        if self._address is None:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as one:
                one.settimeout(_SEND_SECONDS)
                one.sendto(message.encode("utf-8", "replace"), self._address)
        except OSError:
            return False
        return True


def _address(name: str) -> str | None:
    """The address of the socket `name`; `@` begins one that is no file. None: there is no such socket."""
    if name.startswith("/"):
        return name
    return f"\0{name[1:]}" if name.startswith("@") else None


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """The longest silence that the supervisor tolerates, in seconds; None: any, or another process is meant."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 else None
