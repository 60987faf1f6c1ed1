"""What all subcommands of `quantum` share: options, settings, a connection, output, and how to end.

Exit status of every subcommand, unless its help says otherwise:

    0    asked and answered
    1    the answer calls for action
    2    wrong usage
    3    Redis does not answer, refuses, or holds nothing that could be asked about
    70   a bug
    74   the answer could not be written: a full disk, a terminal that is gone
    78   a setting is wrong
    130  interrupted
"""

from __future__ import annotations

import errno
import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Literal, NoReturn, TypeVar

import redis
import typer

from connectors.connection import connect
from connectors.errors import RedisFailure, SettingsError
from connectors.settings import EXIT_SETTINGS, RedisSettings, load
from connectors.sign import NAME
from connectors.text import one_line
from flows.domain.decisions import clean

EXIT_ACT, EXIT_USAGE, EXIT_REDIS, EXIT_IO, EXIT_INTERRUPTED = 1, 2, 3, 74, 130

UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""How a full disk, a quota, a limit and a terminal that is gone are told."""

WindowName = Literal["1m", "5m", "15m", "1h"]

RedisUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Wins over REDIS_URL, REDIS_HOST and the rest. (Others on this machine can see it: leave passwords "
        "in the environment.)",
        show_default=False,
    ),
]


def _app_name(name: str | None) -> str | None:
    if name is not None and not NAME.fullmatch(name):
        raise typer.BadParameter(f"{one_line(name)} is not the name of an App.")
    return name


OfApp = Annotated[
    str | None,
    typer.Option("--flow", metavar="APP", callback=_app_name, help="Ask about this App instead.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead, with a version in it.")]
InWindow = Annotated[
    WindowName, typer.Option("--window", "-w", help="The last 1, 5, 15 or 60 minutes, with the running one.")
]
Watch = Annotated[bool, typer.Option("--watch", help="Refresh the answer in place, until q or Ctrl-C.")]
Every = Annotated[float, typer.Option(metavar="SECONDS", min=0.1, max=3600, help="With --watch: how often.")]
Full = Annotated[bool, typer.Option("--full", help="Whole reasons: neither folded into gates nor cut.")]


def as_counted(name: str) -> str:
    """A gate, reason or symbol from the command line, in whatever bytes, as the flow would have read it.

    :raises typer.BadParameter: nothing is left of it.
    """
    read = clean(os.fsencode(name))
    if not read:
        raise typer.BadParameter("a name is empty")
    return read


AnyRedisSettings = TypeVar("AnyRedisSettings", bound=RedisSettings)


def read_settings(kind: type[AnyRedisSettings], redis_url: str | None) -> AnyRedisSettings:
    """Settings from the environment, but for a URL that was given on the command line.

    :raises SystemExit: with status 78, after one line for each wrong setting.
    """
    try:
        return load(kind) if redis_url is None else load(kind, redis_url=redis_url)
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS) from None


@contextmanager
def asking(settings: RedisSettings) -> Iterator[None]:
    """Turns what Redis refuses within into one line and status 3.

    :raises SystemExit: so it did.
    """
    try:
        yield
    except RedisFailure as error:
        fail(refusal(settings, error), EXIT_REDIS)


def refusal(settings: RedisSettings, error: RedisFailure) -> str:
    """One line, for a person, on what Redis refused and which Redis that is."""
    return f"Redis at {one_line(settings.redis_place())}: {error} (KEY_PREFIX={settings.key_prefix})"


@contextmanager
def reading(redis_url: str | None) -> Iterator[tuple[redis.Redis, str]]:
    """A client and the prefix of all keys, for a subcommand that needs no other settings.

    :raises SystemExit: a setting is wrong (78), or Redis refuses something within (3).
    """
    settings = read_settings(RedisSettings, redis_url)
    with asking(settings):
        yield connect(settings, "quantum-console"), settings.key_prefix


def write(text: str) -> bool:
    """Print `text`; a reader that has seen enough (`| head`) is no error. Whether there is still one.

    :raises SystemExit: with status 74, after one line: it cannot be written.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up_output()
        return False
    except OSError as error:
        unwritable(error)
    return True


def unwritable(error: OSError) -> NoReturn:
    """End, as standard output took no more for the reason `error`.

    :raises SystemExit: always, with status 74.
    """
    _give_up_output()
    fail(f"cannot write the answer: {error.strerror or type(error).__name__}", EXIT_IO)


def _give_up_output() -> None:
    # Python would complain again when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def page(text: str) -> None:
    """Print `text`; on a terminal that it does not fit on, through PAGER (`less`), as git does."""
    command = shlex.split(os.environ.get("PAGER") or "less")
    program = shutil.which(command[0]) if command else None
    if program is None or not sys.stdout.isatty() or _rows(text) < shutil.get_terminal_size().lines:
        write(text)
        return
    # Ctrl-C is for the pager. (A handler, as what is ignored here would be ignored there, too.)
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        subprocess.run(
            [program, *command[1:]],
            input=text,
            env={"LESS": "FRX", **os.environ},
            encoding=sys.stdout.encoding,
            errors="replace",
            check=False,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def _rows(text: str) -> int:
    """Rows that `text` takes on a terminal, which breaks long lines."""
    width = shutil.get_terminal_size().columns
    return sum(max(math.ceil(len(line) / width), 1) for line in text.splitlines())


def say(text: str) -> None:
    """A message to the person in front of it, beside the data."""
    with suppress(OSError):  # (there is nobody left to be told)
        print(f"quantum: {one_line(text, 400)}", file=sys.stderr)


def fail(reason: str, status: int) -> NoReturn:
    """End with `status`, after one line.

    :raises SystemExit: always.
    """
    with suppress(OSError):
        print(f"quantum: {reason}", file=sys.stderr)
    raise SystemExit(status)
