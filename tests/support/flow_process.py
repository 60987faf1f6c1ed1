"""A flow as a process, as an administrator starts it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from tests.support.forked import started
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]

_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


class FlowProcess:
    """`python -m bytewax.run {module}` (or another program) with a clean environment; what it writes goes to a file."""

    class Factory(Protocol):
        """Starts one; keyword arguments become environment variables."""

        def __call__(
            self, *arguments: str, module: str = "flows.p35", program: str = "bytewax.run", **env: str
        ) -> FlowProcess: ...

    def __init__(self, program: str, module: str, arguments: tuple[str, ...], env: dict[str, str]) -> None:
        self._errors = tempfile.NamedTemporaryFile()  # noqa: SIM115 (lives as long as the process)
        given = (program, [module, *arguments], ROOT, env)
        self._process = started(*given, self._errors.name, self._errors.name)

    @classmethod
    @contextlib.contextmanager
    def factory(cls, url: str, login: Mapping[str, str] | None = None) -> Iterator[Factory]:
        """A factory whose processes are all dead when it ends.

        :arg login: more of the environment, for flows.p35 where its keys are those that its user may use.
        """
        processes: list[FlowProcess] = []

        def start(*arguments: str, module: str = "flows.p35", program: str = "bytewax.run", **env: str) -> FlowProcess:
            base = {name: os.environ[name] for name in _INHERITED if name in os.environ}
            base |= {"REDIS_URL": url, "METRICS_PORT": "0", "PYTHONDONTWRITEBYTECODE": "1"}
            if module == "flows.p35" and "KEY_PREFIX" not in env:
                base |= login or {}
            merged = {name: value for name, value in (base | env).items() if value != ""}
            process = cls(program, module, arguments, merged)
            processes.append(process)
            return process

        try:
            yield start
        finally:
            for process in processes:
                process.kill()
                # Captured, and shown when the test has failed.
                print(f"--- log of process {process.pid}, which ended with {process.status}\n{process.log()[-5_000:]}")

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status, or None while it runs."""
        return self._process.poll()

    def log(self) -> str:
        """What it has written to standard output and error so far."""
        return os.pread(self._errors.fileno(), 10_000_000, 0).decode("utf-8", "replace")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def stop(self, seconds: float = 90.0) -> int:
        """SIGTERM, once the process takes it (one that has just been started would die of it); its exit status."""
        wait_for(lambda: self.status is not None or self._takes(signal.SIGTERM), "a handler of SIGTERM")
        self.send(signal.SIGTERM)
        return self.wait(seconds)

    def _takes(self, number: signal.Signals) -> bool:
        """Whether it has a handler for this signal; assumed where the system does not say."""
        try:
            facts = Path(f"/proc/{self.pid}/status").read_text()
        except FileNotFoundError:
            return True
        return bool(int(facts.partition("SigCgt:")[2].split()[0], 16) >> (number - 1) & 1)

    def wait(self, seconds: float = 90.0) -> int:
        """Its exit status, when it has ended by itself."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the flow did not end within {seconds} s; its log:\n{self.log()}") from None

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
