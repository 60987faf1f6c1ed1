"""Serving: a socket, an event loop, and a stop that leaves nobody waiting."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from console.web.app import Application
from console.web.settings import ServeSettings

STOP_SEC = 5
"""Seconds that a stop waits for what is being answered."""

IDLE_SEC = 30
"""Seconds without a request, after which a connection is closed."""

_log = structlog.get_logger("web")


def listen(settings: ServeSettings) -> socket.socket:
    """A socket that listens as `settings` say.

    :raises OSError: it cannot.
    """
    family = socket.AF_INET6 if ":" in settings.http_addr else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((settings.http_addr, settings.http_port))
        sock.listen(1_024)
    except BaseException:
        sock.close()
        raise
    return sock


def address_of(sock: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = sock.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def serve(settings: ServeSettings, sock: socket.socket) -> None:
    """Serve on `sock` until SIGTERM or SIGINT. Main thread only.

    :raises OSError, ValueError: the token cannot be read any more.
    """
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    logging.getLogger("uvicorn").propagate = False
    asyncio.run(_serve(settings, sock))


async def _serve(settings: ServeSettings, sock: socket.socket) -> None:
    application = Application(settings)
    config = uvicorn.Config(
        application.asgi,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=settings.http_max_viewers + settings.http_max_viewers // 2 + 100,
        timeout_keep_alive=IDLE_SEC,
        timeout_graceful_shutdown=STOP_SEC,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()

    def stop(name: str) -> None:
        if not server.should_exit:
            _log.info("stopping", reason=name)
        application.stop()
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number.name)
    _log.info("serving", url=address_of(sock), token="needed" if settings.token_file else "none needed")
    try:
        await server.serve(sockets=[sock])
    finally:
        application.close()
    _log.info("stopped")


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would end the process by the one it got, and not with status 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
