"""`quantum verify`: is what was counted right?"""

from __future__ import annotations

from typing import Annotated

import typer

from connectors.connection import connect
from console.terminal.command import EXIT_ACT, EXIT_USAGE, AsJson, RedisUrl, asking, fail, read_settings, write
from console.terminal.progress import progress_bar


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
    # Imported here: it needs the tally of the flow, and Bytewax with it, which takes as long as any other answer.
    from console.audit.buckets import parse_minute
    from console.audit.result_text import as_json, as_text
    from console.audit.run import Audit
    from flows.settings.p35 import P35Settings

    minute = None if since is None else parse_minute(since)
    if since is not None and minute is None:
        fail("--since must be a minute, as in 202602010657", EXIT_USAGE)
    settings = read_settings(P35Settings, redis_url)
    with asking(settings), progress_bar() as progress:
        report = Audit(connect(settings, "quantum-verify"), settings, minute, progress).run()
    write(as_json(report) if json else as_text(report))
    raise typer.Exit(EXIT_ACT if report.differences else 0)
