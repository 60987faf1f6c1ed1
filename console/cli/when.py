"""The options that ask about the past."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from console.queries.moment import Moment, When, parse_ago, parse_at, parse_bound
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


def _option(name: str, metavar: str, parse: Parse, help: str) -> Any:
    return typer.Option(name, metavar=metavar, parser=typed(parse), help=help, show_default=False)


At = Annotated[
    Moment | None,
    _option("--at", "T", parse_at, "As of then, in UTC: 14:05, 2026-02-01T14:05, YYYYMMDDHHMM, or epoch seconds."),
]
Ago = Annotated[Moment | None, _option("--ago", "LENGTH", parse_ago, "As of so long ago: 30min, 1h, 1d12h.")]
From = Annotated[
    Moment | None,
    _option("--from", "T", parse_bound, "Since then, in UTC: 14:05, 2026-02-01, 2026-02-01T14:05, or so long ago: 7d."),
]
To = Annotated[Moment | None, _option("--to", "T", parse_bound, "Until then; a day is its beginning. Default: now.")]
Since = Annotated[
    Moment | None,
    _option("--since", "T", parse_bound, "Entries since then, in UTC: 14:05, 2026-02-01T14:05, or so long ago: 1h."),
]
Until = Annotated[Moment | None, _option("--until", "T", parse_bound, "Only entries before then.")]
Length = Annotated[str, typer.Argument(metavar="LENGTH", parser=typed(parse_ago), help="How long ago: 30min, 1h, 1d.")]
"""As the help has it; what a subcommand gets is a Moment."""


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
