"""Processes that are measured: started in a clean environment, and looked at from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from connectors.private_redis import PrivateRedis, die_with_parent, free_port

ROOT = Path(__file__).resolve().parents[2]

FLOW = ("bytewax.run", "flows.p35")

_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


class Measured:
    """`python -m {arguments}` on a private Redis. A context manager: the process is gone at its end.

    The metrics are served, as in operation, on a port of their own.
    """

    def __init__(self, server: PrivateRedis, arguments: tuple[str, ...], **env: str) -> None:
        base = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        base |= {"REDIS_URL": server.url, "REDIS_PORT": str(server.port), "METRICS_PORT": str(free_port())}
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=base | env,
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            preexec_fn=die_with_parent(),
        )
        self.pid = self._process.pid
        self._what = " ".join(arguments)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def check(self) -> None:
        """Raise RuntimeError, with its log, if it has ended other than by itself in good order."""
        if self._process.poll():
            log = os.pread(self._errors.fileno(), 1_000_000, 0).decode("utf-8", "replace")
            raise RuntimeError(f"{self._what} ended with {self._process.returncode}:\n{log}")

    def stop(self) -> None:
        """SIGTERM, and wait for a good end.

        :raises RuntimeError: see `wait`.
        """
        self._process.send_signal(signal.SIGTERM)
        self.wait()

    def wait(self) -> None:
        """Wait until it has ended by itself.

        :raises RuntimeError: it does not end within 30 s, or not in good order.
        """
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{self._what} does not end") from None
        self.check()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def __enter__(self) -> Measured:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process so far, to the nanosecond (/proc counts in hundredths)."""
    per_process_clock = 2  # how clock_getcpuclockid(3) names the clock of another process
    return time.clock_gettime((~pid << 3) | per_process_clock)


def resident_mib(pid: int, peak: bool = False) -> float:
    """Resident memory of a process in MiB: now, or the most that it ever had."""
    name = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)
