"""A real terminal for a program: a pty whose screen is read by an emulator."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

import pyte

from tests.support.flow_process import ROOT


class Terminal:
    """`command` on a terminal of its own. A context manager; the program is dead when it ends."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], columns: int = 80, lines: int = 24) -> None:
        self._master, slave = pty.openpty()
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        """All that the program ever wrote."""
        self._set_size(columns, lines)
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={"TERM": "xterm-256color", **env},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Give the window another size."""
        self._screen.resize(lines, columns)
        self._set_size(columns, lines)

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.lines)

    def colours_of(self, line: int) -> set[str]:
        """The colours of the characters in a line of the screen, from 0."""
        return {cell.fg for cell in self._screen.buffer[line].values() if cell.data.strip()}

    def wait(self, condition: Callable[[str], object], what: str, seconds: float = 120.0) -> str:
        """The screen, once it fulfils `condition`."""
        deadline = time.monotonic() + seconds
        while not condition(self.text):
            if not self._read(max(deadline - time.monotonic(), 0)):
                raise AssertionError(f"waited in vain for {what}; the screen:\n{self.text}")
        return self.text

    def end(self, seconds: float = 90.0) -> int:
        """The exit status, when it has ended by itself; reads what it still writes."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(0.05)
        while self._read(0):
            pass
        return self.process.wait(max(deadline - time.monotonic(), 0.1))

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return False
        try:
            seen = os.read(self._master, 65536)
        except OSError:  # nobody is at the other end any more
            return False
        self.raw += seen
        self._stream.feed(seen)
        return bool(seen)
