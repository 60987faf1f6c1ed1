"""A TCP proxy in front of Redis that does something at a chosen step of the protocol.

A `Trap` waits for a request that holds some bytes; then it acts before the request reaches Redis, when Redis has
answered but the answer has not been passed on, or when it has.
"""

from __future__ import annotations

import contextlib
import enum
import select
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType


class Step(enum.Enum):
    """When a trap acts."""

    BEFORE = "before the request reaches Redis"
    ANSWERED = "after Redis acted, before its reply arrives"
    REPLIED = "after the reply arrived"


@dataclass
class Trap:
    """Springs once, at the first request that holds `request` (and whose answer holds `reply`)."""

    request: bytes
    step: Step
    act: Callable[[], None]
    reply: bytes = b""
    cut: bool = True
    """Whether the connection is cut, too."""
    sprung: threading.Event = field(default_factory=threading.Event)


class FaultProxy:
    """Listens on a port of its own on 127.0.0.1 and passes everything on to `target_port`. A context manager."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self._trap: Trap | None = None
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._closed = False

    @property
    def url(self) -> str:
        """How to reach Redis through the proxy."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def arm(self, trap: Trap) -> Trap:
        """Set `trap` in place of the one before."""
        with self._lock:
            self._trap = trap
        return trap

    def reset(self) -> None:
        """Cut every open connection."""
        for one in list(self._open):
            _shut(one)

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._listener.close()
        self.reset()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.target_port))
        except OSError:
            _hang_up(client)
            return
        self._open |= {client, server}
        try:
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # (as in `Forwarder`)
            self._pump(client, server)
        except OSError:
            pass
        finally:
            for one in (client, server):
                self._open.discard(one)
                _hang_up(one)

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        """Pass bytes both ways until one side ends or a trap cuts the line."""
        caught: Trap | None = None
        answer = b""
        while True:
            ready, _, _ = select.select([client, server], [], [])
            if client in ready:
                data = client.recv(1 << 20)
                if not data:
                    return
                with self._lock:
                    trap = self._trap
                    if trap is not None and trap.request in data and not trap.sprung.is_set():
                        caught, answer = trap, b""
                if caught is not None and caught.step is Step.BEFORE and self._spring(caught):
                    if caught.cut:
                        return
                    caught = None
                server.sendall(data)
            if server in ready:
                data = server.recv(1 << 20)
                if not data:
                    return
                if caught is None:
                    client.sendall(data)
                    continue
                answer += data
                held = caught.reply in answer
                if held and caught.step is Step.ANSWERED and self._spring(caught) and caught.cut:
                    return
                client.sendall(data)
                if held and self._spring(caught) and caught.cut:
                    return
                if held:
                    caught = None

    def _spring(self, trap: Trap) -> bool:
        """Act, unless another connection has sprung the trap already."""
        with self._lock:
            if trap.sprung.is_set() or self._trap is not trap:
                return False
            self._trap = None
        trap.act()
        trap.sprung.set()
        return True


def _hang_up(one: socket.socket) -> None:
    _shut(one)
    one.close()


def _shut(one: socket.socket) -> None:
    """End the traffic, and leave the closing to the thread that serves it."""
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
