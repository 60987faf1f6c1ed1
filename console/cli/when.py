"""The options that ask about the past, and what is said of a moment of which nothing can be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from console.queries.moment import Moment, MomentError, When, parse_ago, parse_at
from console.terminal.command import EXIT_USAGE, fail, read_settings

Parse = Callable[[str], Moment]


def typed(parse: Parse) -> Parse:
    """`parse`, for an option or an argument: what it does not understand is wrong usage."""

    def parsed(text: str) -> Moment:
        try:
            return parse(text)
        except ValueError as error:
            raise typer.BadParameter(f"{text!r} {error}") from None

    return parsed


At = Annotated[
    Moment | None,
    typer.Option(
        "--at",
        metavar="T",
        parser=typed(parse_at),
        help="As of then, in UTC: 14:05, 2026-02-01T14:05, YYYYMMDDHHMM, or epoch seconds.",
        show_default=False,
    ),
]
Ago = Annotated[
    Moment | None,
    typer.Option(
        "--ago",
        metavar="LENGTH",
        parser=typed(parse_ago),
        help="As of so long ago: 30min, 1h, 1d12h.",
        show_default=False,
    ),
]


def when_of(at: Moment | None, ago: Moment | None, redis_url: str | None) -> When | None:
    """The moment that was asked for; None: now.

    :raises SystemExit: both were given (2), or a setting is wrong (78).
    """
    if at is not None and ago is not None:
        fail("--at and --ago: one of them is enough", EXIT_USAGE)
    moment = at or ago
    if moment is None:
        return None
    # Here, because questions about now start faster without.
    from flows.settings.p35 import P35Settings

    return When(moment, read_settings(P35Settings, redis_url).bucket_ttl_sec)


@contextmanager
def telling() -> Iterator[None]:
    """Turns a moment of which nothing can be told into one line and status 2.

    :raises SystemExit: so it did.
    """
    try:
        yield
    except MomentError as error:
        fail(str(error), EXIT_USAGE)
