"""`quantum report`: a day."""

from __future__ import annotations

from typing import Annotated

import typer

from connectors.connection import connect
from console.terminal.command import EXIT_USAGE, AsJson, Full, RedisUrl, asking, fail, page, read_settings, write
from console.terminal.progress import progress_bar

SYMBOLS = 30
"""Symbols that are listed unless all are wanted."""


def report(
    day: Annotated[str, typer.Option(metavar="DAY", help="In UTC: YYYY-MM-DD, today or yesterday.")] = "today",
    full: Full = False,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """A day in Markdown.

    Its decisions, what rose, fell, is new or gone against the same day of the weeks before, top gates, hours, skip rate
    per symbol, and alerts.

    Minutes are kept for 48 hours (BUCKET_TTL_SEC). A day before that comes from history: its hours, or their sum once
    they are gone. It says which, and of what nothing is known. Lists 30 symbols, with --full all of them, and whole
    reasons instead of gates, which history does not keep.

    \b
    quantum report > today.md
    quantum report --day yesterday
    quantum report --day 2026-02-01 --json | jq '.symbols[] | {symbol, skip_rate}'
    quantum report --json | jq '.trend.rows[] | select(.verdict != "no clear change")'
    """
    from console.cli.report_text import as_markdown
    from console.queries.counting import read_now
    from console.queries.json import dumps
    from console.queries.report import as_json, parse_day, read_report
    from flows.settings.p35 import P35Settings

    settings = read_settings(P35Settings, redis_url)
    client = connect(settings, "quantum-console")
    with asking(settings), progress_bar() as progress:
        now = read_now(client)
        first = parse_day(day, now)
        if first is None:
            fail("--day must be a day: 2026-02-01, today or yesterday", EXIT_USAGE)
        if first * 60 > now:
            fail(f"--day: {day} has not begun yet", EXIT_USAGE)
        found = read_report(client, settings.key_prefix, first, now, settings.bucket_ttl_sec, progress, full=full)
    if json:
        write(dumps(as_json(found)))
    else:
        page(as_markdown(found, None if full else SYMBOLS))
