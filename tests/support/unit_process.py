"""An installed service as a process, started by its unit file and its env file, as its user, within its limits."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.flow_process import ROOT
from tests.support.notify_socket import NotifySocket
from tests.support.unit_file import read_unit, system_calls
from tests.support.waiting import wait_for

USER = 64_999
"""Number of a user that nobody has."""


class UnitProcess:
    """Runs until `stop` or `kill`; see `tests/support/confined.py` for what it is confined by."""

    def __init__(self, root: Path, name: str, **environment: str) -> None:
        path = root / "etc/systemd/system" / f"quantum-{name}.service"
        filters = read_unit(path)["Service"]["SystemCallFilter"]
        self.ears = NotifySocket()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        plan = {
            "unit": str(path),
            "root": str(root),
            "system_calls": sorted(system_calls(filters)) if shutil.which("systemd-analyze") else None,
            "uid": USER,
            "cgroup": f"quantum-{name}-{os.getpid()}-{time.monotonic_ns()}",
            "environment": {"NOTIFY_SOCKET": self.ears.name, **environment},
        }
        command = [sys.executable, "-m", "tests.support.confined", json.dumps(plan)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True
        )

        assert self._process.stdout is not None
        self.confined = self._process.stdout.readline() == "confined\n"
        """Whether user, limits and file system are the unit's; else only what needs no rights is."""

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status, or None while it runs."""
        return self._process.poll()

    def log(self) -> str:
        """What it has written so far."""
        return os.pread(self._log.fileno(), 10_000_000, 0).decode("utf-8", "replace")

    def wait_until_ready(self, seconds: float = 120.0) -> None:
        """As systemd does."""
        wait_for(lambda: self.status is not None or "READY=1" in self.ears.messages, "READY=1", seconds)
        assert self.status is None, self.log()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self, seconds: float = 120.0) -> int:
        """Its exit status, when it has ended by itself."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {seconds} s; its log:\n{self.log()}") from None

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        self.send(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """SIGKILL, wait until it is gone, and remove its control groups."""
        if self._process.poll() is None:
            self._process.kill()
        output, _ = self._process.communicate()
        for folder in output.split():
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
        self.ears.close()


@contextlib.contextmanager
def starting(*started: UnitProcess) -> Iterator[None]:
    """None of them outlives this."""
    try:
        yield
    finally:
        for one in started:
            one.kill()
