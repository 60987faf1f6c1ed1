"""The command `quantum`: questions about the running system. Each reads, and changes nothing.

Settings are those of the flows, from the environment. Exit status of every subcommand:

    0    asked and answered
    1    the answer is one to act upon
    2    wrong usage
    3    Redis does not answer, refuses, or holds nothing that could be asked about
    70   a bug
    78   a setting is wrong
    130  interrupted
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from connectors.connection import connect
from connectors.errors import RedisError, SettingsError, one_line
from connectors.settings import EXIT_SETTINGS, RedisSettings, load
from console.audit import Audit, parse_minute
from console.audit_text import as_json, as_text
from flows.settings import P35Settings

EXIT_ACT, EXIT_USAGE, EXIT_REDIS, EXIT_BUG = 1, 2, 3, 70

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

RedisUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Wins over REDIS_URL, REDIS_HOST and the rest. (Others on this machine can see it: leave passwords "
        "in the environment.)",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead, with a version in it.")]

AnyRedisSettings = TypeVar("AnyRedisSettings", bound=RedisSettings)


def main() -> None:
    """The console script.

    :raises SystemExit: always, see above.
    """
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.stderr.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        app(prog_name="quantum")
    except Exception as error:
        fail(f"this is a bug: {type(error).__name__}: {one_line(error)}", EXIT_BUG)


@app.callback()
def quantum() -> None:
    """Ask the trading system why it does what it does. Reads Redis, and changes nothing."""


@app.command()
def verify(
    redis_url: RedisUrl = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="YYYYMMDDHHMM",
            help="Demand equality from this minute (UTC) on only. For a stream that was deleted and made anew, or that "
            "entries were deleted from in a way that Redis does not record (XDEL before 7.0; trimming with ACKED).",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Recount the stream, and compare with the buckets of P3.5. Safe in production, at any time.

    Every entry that is still in the stream and has been acknowledged is counted once more, with the functions of the
    flow itself, in pages of 1,000; no consumer is disturbed, and the flow may go on. Prints each difference, or
    "exact: N messages, M buckets". Exit status 0: no difference, 1: differences.

    A minute is compared exactly if none of its entries can be gone: all minutes while nothing was ever removed from the
    stream, and processed_total, too; otherwise those that begin more than MAX_FUTURE_SKEW_SEC after the first entry
    that is left. Of earlier ones no field may hold less than what is recounted; too much is seen there only where it
    contradicts the bucket's other fields or processed_total. Minutes that may have expired (BUCKET_TTL_SEC) may not
    hold more. Entries that are unread or pending are left out. What was folded into __other__ is compared in sum.

    Give it the settings of the flow: KEY_PREFIX, MAX_FUTURE_SKEW_SEC, ENABLE_SYMBOL_BREAKDOWN, BUCKET_TTL_SEC. Minutes
    from before one of them was changed may differ.
    """
    minute = None if since is None else parse_minute(since)
    if since is not None and minute is None:
        fail("--since must be a minute, as in 202602010657", EXIT_USAGE)
    settings = read_settings(P35Settings, redis_url)
    with asking(settings), progress_bar() as progress:
        report = Audit(connect(settings, "quantum-verify"), settings, minute, progress).run()
    write(as_json(report) if json else as_text(report))
    raise typer.Exit(EXIT_ACT if report.differences else 0)


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
    except RedisError as error:
        fail(f"Redis at {one_line(settings.redis_place())}: {error} (KEY_PREFIX={settings.key_prefix})", EXIT_REDIS)


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A function that shows what is being done, how much of it is done, and of how much; for a terminal only."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=f"{what:>7}", completed=done, total=total)


def write(text: str) -> None:
    """Print `text`; a reader that has seen enough (`| head`) is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(reason: str, status: int) -> NoReturn:
    """End with `status`, after one line.

    :raises SystemExit: always.
    """
    print(f"quantum: {reason}", file=sys.stderr)
    raise SystemExit(status)


if __name__ == "__main__":
    main()
