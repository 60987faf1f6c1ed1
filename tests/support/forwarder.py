"""An address that moves: a TCP port whose connections are passed on to whichever server is the target now."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType


class Forwarder:
    """Passes new connections on to `target`; open ones stay where they are. A context manager."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.connections = 0
        """How many were made so far, whether or not the target took them."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    @property
    def url(self) -> str:
        """How to reach it."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def reset(self) -> None:
        """Break every open connection with a reset."""
        with self._lock:
            victims = list(self._open)
        for one in victims:
            # With no time to linger, closing sends a reset instead of an orderly end. (Only ends that nobody waits on
            # may be closed here; `shutdown` wakes the threads, which then close them.)
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RD)

    def __enter__(self) -> Forwarder:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            for one in (near, far):
                # As Redis and its clients do; else small packets wait for each other, up to 40 ms each time.
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {near, far}
            done = threading.Barrier(2, action=lambda near=near, far=far: self._close(near, far))  # type: ignore[misc]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(source, sink, done), daemon=True).start()

    def _close(self, *pair: socket.socket) -> None:
        with self._lock:
            self._open.difference_update(pair)
        for one in pair:
            one.close()


def _copy(source: socket.socket, sink: socket.socket, done: threading.Barrier) -> None:
    """Pass bytes one way until either end is gone; the last of the two directions closes both."""
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RD)
    done.wait()
