"""Serving: a socket, an event loop, and a stop that leaves nobody waiting."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
import uvicorn

from connectors.errors import RedisFailure
from connectors.lifecycle import Lifecycle
from connectors.supervisor import Supervisor
from console.web.app import Application
from console.web.idle import close_idle
from console.web.settings import ServeSettings

STOP_SEC = 5
"""Seconds that a stop waits for what is being answered."""

IDLE_SEC = 30
"""Seconds after which a connection is closed on which nothing is asked, or nothing of an answer is taken."""

_log = structlog.get_logger("web")


def listen(settings: ServeSettings) -> socket.socket:
    """A socket that listens as `settings` say.

    :raises OSError: it cannot.
    """
    family = socket.AF_INET6 if ":" in settings.http_addr else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # (Connections have these from it.) Who is gone without a word, or takes nothing, is not waited for.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, IDLE_SEC * 1_000)
        sock.bind((settings.http_addr, settings.http_port))
        sock.listen(1_024)
    except BaseException:
        sock.close()
        raise
    return sock


def allow_files(wanted: int) -> None:
    """Let this process have `wanted` files open, or as many as it may be let."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):  # (a supervisor may forbid it, and has said then how many there may be)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def most_connections(settings: ServeSettings) -> int:
    """At once: all viewers, and half as many who ask beside."""
    return settings.http_max_viewers + settings.http_max_viewers // 2 + 100


def address_of(sock: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = sock.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


class Serving:
    """An application on a socket. Make it in the event loop that it is to run in.

    :arg lifecycle: the wish to stop, for the supervisor.
    :raises OSError, ValueError: the token cannot be read any more.
    """

    def __init__(self, settings: ServeSettings, sock: socket.socket, lifecycle: Lifecycle) -> None:
        self._sock, self._lifecycle = sock, lifecycle
        self._supervisor = Supervisor(lifecycle)
        self.application = Application(settings, self._supervisor)
        config = uvicorn.Config(
            self.application.asgi,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=most_connections(settings),
            timeout_keep_alive=IDLE_SEC,
            timeout_graceful_shutdown=STOP_SEC,
        )
        self._server = _Server(config)

    async def run(self) -> None:
        """Serve until `stop`."""
        beside = [asyncio.create_task(self._live()), asyncio.create_task(self._first_look())]
        beside.append(asyncio.create_task(close_idle(self._server.server_state.connections, IDLE_SEC)))
        try:
            await self._server.serve(sockets=[self._sock])
        finally:
            for task in beside:
                task.cancel()
            self.application.close()

    def stop(self, reason: str) -> None:
        """End all streams, answer what is being asked, take nothing new. From the thread of the event loop."""
        self._lifecycle.stop(reason)
        self.application.hub.stop()
        self._server.should_exit = True

    async def _live(self) -> None:
        """Tell the supervisor: ready, alive as long as the event loop turns, and stopping."""
        while True:
            if self._server.started:
                self._supervisor.up("listening")
            self._supervisor.turn()
            await asyncio.sleep(0.1 if self._lifecycle.stopping or not self._server.started else 1)

    async def _first_look(self) -> None:
        """Ask Redis once, so that the log says how that went before anybody asks."""
        with suppress(RedisFailure):  # (it has been logged)
            await self.application.ping()


def serve(settings: ServeSettings, sock: socket.socket, lifecycle: Lifecycle) -> None:
    """Serve on `sock` until SIGTERM or SIGINT. Main thread only.

    :raises OSError, ValueError: the token cannot be read any more.
    """
    for name in ("uvicorn", "asyncio"):
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    allow_files(most_connections(settings) + 100)
    needed = "needed" if settings.token_file else "none needed"

    async def main() -> None:
        serving, loop = Serving(settings, sock, lifecycle), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, serving.stop, number.name)
        _log.info("serving", url=address_of(sock), token=needed)
        await serving.run()
        _log.info("stopped")

    asyncio.run(main())


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would end the process by the one it got, and not with status 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
