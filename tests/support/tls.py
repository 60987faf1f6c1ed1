"""TLS in front of a private Redis, with certificates made for the test."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType

import trustme


class TlsProxy:
    """Ends TLS on a port of its own and passes all on to `target`, a port on 127.0.0.1. A context manager.

    :arg host: whom the certificate is for.
    """

    def __init__(self, target: int, folder: Path, host: str = "127.0.0.1") -> None:
        self.authority_file = folder / "authority.pem"
        self._target = target
        self._folder = folder
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self.renew(host)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def url(self, **options: str) -> str:
        """How to reach Redis through it, with `options` of redis-py."""
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return f"rediss://127.0.0.1:{self.port}/0?{query}"

    @property
    def trusting(self) -> str:
        """The URL that names the authority."""
        return self.url(ssl_ca_certs=str(self.authority_file))

    def renew(self, host: str) -> None:
        """From now on, another certificate, by another authority, whose file replaces the old one's."""
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(context)
        authority.cert_pem.write_to_path(str(self.authority_file))
        self._context = context

    def __enter__(self) -> TlsProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        """End all connections."""
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        """Pass bytes both ways, in one thread: a TLS connection is not for two at a time."""
        with contextlib.suppress(OSError), raw, socket.create_connection(("127.0.0.1", self._target)) as far:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._context.wrap_socket(raw, server_side=True) as near:
                self._open |= {near, far}
                while True:
                    ready = [near] if near.pending() else select.select([near, far], [], [])[0]
                    for source, sink in ((near, far), (far, near)):
                        if source in ready:
                            data = source.recv(1 << 16)
                            if not data:
                                return
                            sink.sendall(data)
