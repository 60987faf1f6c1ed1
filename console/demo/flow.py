"""A flow, or the page, as a process, the way an administrator starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from connectors.private_redis import die_with_parent
from connectors.text import one_line

_ROOT = Path(__file__).resolve().parents[2]

_INHERITED = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
"""What the flow inherits: never a REDIS_URL or KEY_PREFIX that is meant for production."""

_STOP_SECONDS = 15.0

_LOG_LINES = 15


class Flow:
    """A context manager: started within, gone after. Its log is a file in `folder`.

    :arg name: such as `flows.p35`.
    :arg command: what Python is to run; empty: that flow.
    :arg env: settings beside those of the demo.
    """

    def __init__(
        self, name: str, url: str, prefix: str, folder: Path, command: tuple[str, ...] = (), **env: str
    ) -> None:
        self._name = name
        self._command = command or ("-m", "bytewax.run", name)
        self._log = folder / f"{name}.log"
        self._env = {name: os.environ[name] for name in _INHERITED if name in os.environ} | {
            "REDIS_URL": url,
            "KEY_PREFIX": prefix,
            "METRICS_PORT": "0",
            # Rare enough for Redis, frequent enough for a viewer.
            "SNAPSHOT_INTERVAL_SEC": "1",
            "STATUS_INTERVAL_SEC": "1",
            "LOOP_INTERVAL_SEC": "1",
            "HISTORY_INTERVAL_SEC": "5",
            "PYTHONUNBUFFERED": "1",
            "ALERT_INTERVAL_SEC": "1",
            "P35_ALERT_COOLDOWN": "10",
            **env,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def failure(self) -> str | None:
        """Its exit status and the end of its log, in printable lines; None while it runs."""
        if self._process is None or self._process.poll() is None:
            return None
        lines = self._log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:]
        end = "\n".join(f"    {one_line(line)}" for line in lines)
        return f"{self._name} ended with status {self._process.returncode}; the end of its log:\n{end}"

    def stop(self) -> None:
        """SIGTERM: it finishes what is in flight. Blocks until it has ended; it is killed after 15 s."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Flow:
        with self._log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal must not reach it before we ask it to stop.
            self._process = subprocess.Popen(
                [sys.executable, *self._command],
                cwd=_ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
