"""A receiver of webhooks on this machine: it works, fails, hangs, or is not there, as a test wants it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

SECRET = "token-that-nobody-may-see"


class HttpReceiver:
    """A context manager. What it took is in `messages`, what it was asked in `attempts`."""

    def __init__(self, port: int = 0) -> None:
        self.status = 200
        self.hang = threading.Event()
        """While set, requests are accepted and not answered."""
        self.messages: list[dict[str, Any]] = []
        self.attempts = 0
        self._port = port

    @property
    def url(self) -> str:
        """For apprise; it holds a secret."""
        return f"json://user:{SECRET}@127.0.0.1:{self._port}/{SECRET}"

    @property
    def texts(self) -> list[str]:
        """What was taken: title and body in one."""
        return [f"{one['title']}\n{one['message']}" for one in self.messages]

    def __enter__(self) -> HttpReceiver:
        outer = self
        self._gone = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.attempts += 1
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                while outer.hang.is_set() and not outer._gone.wait(0.02):
                    pass
                if outer._gone.is_set():
                    return
                if outer.status < 300:
                    outer.messages.append(json.loads(body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gone.set()
        self._server.shutdown()
        self._server.server_close()
