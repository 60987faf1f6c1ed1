"""`quantum trend`: what has changed against the weeks before."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from connectors.text import one_line
from console.terminal.command import (
    EXIT_REDIS,
    EXIT_USAGE,
    AsJson,
    RedisUrl,
    fail,
    page,
    reading,
    say,
    write,
)
from console.terminal.progress import progress_bar


def trend(
    over: Annotated[str, typer.Option(metavar="LENGTH", help="The last whole hours: 6h, 24h, up to 7d.")] = "24h",
    against: Annotated[
        str, typer.Option(metavar="WEEKS", help="How many weeks before: 1w, 2w, 3w or 4w; more tell more.")
    ] = "4w",
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """Is this normal? The last hours against the same hours of the weeks before.

    For each decision, gate and symbol its share now and before, and whether it rose, fell, is new or gone. Where there
    is no clear change, it varies that much anyway, or too little is known. And of the last seven days: which gates were
    in the top 3 every day, which are new, which have been growing for three weeks.

    A change of one day in a gate that comes in bursts cannot be told from the bursts: try --over 7d. What it all rests
    on is in docs/statistics.md.

    Exit status 3: Redis does not answer, or nothing is known of the last hours.

    \b
    quantum trend                          a day against four weeks
    quantum trend --over 7d                a week against four weeks
    quantum trend --over 6h --against 1w
    quantum trend --json | jq '.rows[] | select(.verdict != "no clear change")'
    """
    from console.queries.counting import read_now
    from console.queries.json import dumps
    from console.queries.trend import as_json, ask_trend, parse_against, parse_over

    hours, weeks = _read("--over", over, parse_over), _read("--against", against, parse_against)
    with reading(redis_url) as (client, prefix), progress_bar() as progress:
        answer = ask_trend(client, prefix, hours, weeks, read_now(client), progress)
    if json:
        write(dumps(as_json(answer)))
    elif answer.hours:
        from console.cli.trend_text import as_text
        from console.terminal.viewport import here, printed

        page(printed(as_text(answer, here(full=True))))
    if json or not sys.stdout.isatty():
        for warning in answer.warnings:
            say(warning)
    if not answer.hours:
        why = "has no whole hour ended yet, or does flows.history not run? (quantum health tells)"
        fail(f"nothing is known of the last hours: {why}", EXIT_REDIS)


def _read(option: str, text: str, parse: Callable[[str], int]) -> int:
    """What was given for an option; ends with status 2, after one line, where it is wrong."""
    try:
        return parse(text)
    except ValueError as error:
        fail(f"{option} {one_line(text, 80)!r} {error}", EXIT_USAGE)
