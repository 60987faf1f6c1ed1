"""A private Redis whose clock can be moved, while that of the machine stays."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import time
from pathlib import Path
from types import TracebackType

from tests.support.users import SecuredRedis

CAN_MOVE = sys.platform == "linux" and platform.machine() == "x86_64"
WHY_NOT = "the wheel of libfaketime holds a library for Linux on x86-64 only"


def _library() -> Path:
    """What is loaded ahead of the C library, and answers in its place when a program asks for the time."""
    spec = importlib.util.find_spec("libfaketime")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"


class MovedClockRedis(SecuredRedis):
    """A private server whose clock is that of this machine, plus what it was last told. At first that is nothing.

    TIME, the IDs of entries and the ends of keys go by this clock; the server's own timers do not.
    """

    def __init__(self, version: str, **options: str) -> None:
        super().__init__(version, **options)
        self._ahead = self.folder / "ahead"
        self._environment = {
            **os.environ,
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._ahead),
            "FAKETIME_NO_CACHE": "1",  # (the file is read each time that the time is asked for)
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        self._write(0)

    def move_clock(self, seconds: int) -> None:
        """Let the clock be `seconds` ahead of this machine's, or behind it, from now on."""
        self._write(seconds)
        with self.client() as one:
            found = one.time()[0] - time.time()
        assert abs(found - seconds) < 60, f"{found} s ahead, not {seconds}"

    def _write(self, seconds: int) -> None:
        new = self._ahead.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n", "ascii")
        new.replace(self._ahead)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # In good order, so that the library can remove what it shares with other processes.
        self.stop()
        super().__exit__(kind, error, trace)
