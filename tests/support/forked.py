"""Python programs as processes of their own, started in a tenth of the time.

Most of a start is the import of libraries. Here they are imported once, by a server of which each process is forked
(that of `multiprocessing`); all else is as after an exec: environment, folder, standard files, arguments, `__main__`,
exit status and what is done at the exit. Programs as they are installed are started by tests/deploy, and cold.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_LIBRARIES = (
    "bytewax.dataflow",
    "bytewax.operators.windowing",
    "orjson",
    "prometheus_client",
    "pydantic_settings",
    "redis",
    "structlog",
    "typer.main",
)

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(list(_LIBRARIES))


def started(
    module: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], output: str, errors: str
) -> Forked | subprocess.Popen[bytes]:
    """`python -m {module} {arguments}`, running in `folder` with `environment`.

    :arg output: a file that gets its standard output, and `errors` one for standard error; may be the same.
    """
    ahead = [name for name in environment if name == "PYTHONPATH" or name.startswith("LD_")]
    if all(environment[name] == os.environ.get(name) for name in ahead):
        return Forked(module, arguments, folder, environment, output, errors)
    # (such a setting is read before anything is imported)
    with open(output, "ab") as out, open(errors, "ab") as error:  # noqa: PTH123
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=error
        )


def run(
    module: str,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    together: bool = False,
    seconds: float = 240.0,
) -> subprocess.CompletedProcess[str]:
    """The same to its end.

    :arg together: what it writes to standard error is part of its output.
    :raises subprocess.TimeoutExpired: it has not come within `seconds`.
    """
    with tempfile.NamedTemporaryFile() as output, tempfile.NamedTemporaryFile() as errors:
        process = started(module, arguments, folder, environment, output.name, (output if together else errors).name)
        try:
            status = process.wait(seconds)
        finally:
            process.kill()
        texts = (file.read().decode("utf-8") for file in (output, errors))
        return subprocess.CompletedProcess([module, *arguments], status, *texts)


class Forked:
    """As `started` says; as far as it goes like a `subprocess.Popen`."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        output: str,
        errors: str,
    ) -> None:
        plan = (module, list(arguments), str(folder), dict(environment), output, errors)
        self._process = _server.Process(target=_run, args=plan, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.exitcode

    def wait(self, seconds: float | None = None) -> int:
        """Its exit status, once it has ended.

        :raises subprocess.TimeoutExpired: it runs longer.
        """
        self._process.join(seconds)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(self._process.name, seconds or 0)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()


def _run(module: str, arguments: list[str], folder: str, environment: dict[str, str], output: str, errors: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.path.insert(0, folder)
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, output, os.O_WRONLY), (2, errors, os.O_WRONLY)):
        opened = os.open(path, flags | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.argv = [module, *arguments]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os._exit(_status(module))


def _status(module: str) -> int:
    """Run it; what it ends with, as the interpreter would have it."""
    status = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as asked:
        if isinstance(asked.code, str):
            print(asked.code, file=sys.stderr)
        status = asked.code if isinstance(asked.code, int) else int(asked.code is not None)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    return status
