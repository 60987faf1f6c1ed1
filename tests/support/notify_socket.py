"""The supervisor's end of sd_notify(3): a real datagram socket that remembers what came."""

from __future__ import annotations

import socket
import uuid
from pathlib import Path
from types import TracebackType


class NotifySocket:
    """Bound to a file in `folder`, or without one to a name that is no file (`@...`). A context manager."""

    def __init__(self, folder: Path | None = None) -> None:
        self.name = str(folder / "notify") if folder else f"@quantum-test-{uuid.uuid4().hex}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.name.replace("@", "\0", 1))
        self._socket.setblocking(False)
        self._messages: list[str] = []

    def listen(self) -> None:
        """Take what has come; a socket that nobody reads holds ten messages."""
        while True:
            try:
                self._messages.append(self._socket.recv(65536).decode())
            except BlockingIOError:
                return

    @property
    def messages(self) -> list[str]:
        """All that has come so far, in order."""
        self.listen()
        return list(self._messages)

    def statuses(self) -> list[str]:
        """The lines that were shown, in order."""
        return [message.removeprefix("STATUS=") for message in self.messages if message.startswith("STATUS=")]

    def __enter__(self) -> NotifySocket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()
