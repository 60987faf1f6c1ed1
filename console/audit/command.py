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
            help="Require equality from this minute (UTC) on only: for a stream that was deleted and created again, or "
            "lost entries in a way that Redis does not record (XDEL before 7.0; trimming with ACKED).",
        ),
    ] = None,
    history: Annotated[
        bool,
        typer.Option(
            "--history", help="Audit the hours and days of `flows.history` against the buckets and each other."
        ),
    ] = False,
    json: AsJson = False,
) -> None:
    """Recount the stream, and compare with the buckets of P3.5. Safe in production, at any time.

    Recounts every acknowledged entry that is still in the stream, with the flow's own functions, in pages of 1,000;
    consumers are not disturbed, and the flow may go on. Prints each difference, or "exact: N messages, M buckets". Exit
    status 0: no difference, 1: differences.

    A minute is compared exactly if none of its entries can be gone: while nothing was ever removed from the stream,
    every minute, and processed_total; otherwise those that begin more than MAX_FUTURE_SKEW_SEC after the first entry
    that is left. Earlier ones may not hold less than the recount; an excess is detected there only where it contradicts
    the bucket's other fields or processed_total. Minutes that may have expired (BUCKET_TTL_SEC) may not hold more.
    Unread and pending entries are left out. Fields that were folded into __other__ are compared in sum.

    Give it the flow's settings: KEY_PREFIX, MAX_FUTURE_SKEW_SEC, ENABLE_SYMBOL_BREAKDOWN, BUCKET_TTL_SEC. Minutes from
    before a change of these may differ.

    With --history the stream is left alone: each hour is compared with the sum of its minutes, and each day with that
    of its hours, field by field, as far as these live.
    """
    # Here, because other questions start faster without.
    from console.audit.buckets import parse_minute
    from console.audit.history import HistoryAudit
    from console.audit.history_text import history_json, history_text
    from console.audit.result_text import as_json, as_text
    from console.audit.run import Audit
    from flows.settings.p35 import P35Settings

    minute = None if since is None else parse_minute(since)
    if since is not None and minute is None:
        fail("--since must be a minute, as in 202602010657", EXIT_USAGE)
    if history and since is not None:
        fail("--since is about the stream, which --history leaves alone", EXIT_USAGE)
    settings = read_settings(P35Settings, redis_url)
    if history:
        with asking(settings), progress_bar() as progress:
            result = HistoryAudit(connect(settings, "quantum-verify"), settings.key_prefix, progress).run()
        write(history_json(result) if json else history_text(result))
        raise typer.Exit(EXIT_ACT if result.differences else 0)
    with asking(settings), progress_bar() as progress:
        report = Audit(connect(settings, "quantum-verify"), settings, minute, progress).run()
    write(as_json(report) if json else as_text(report))
    raise typer.Exit(EXIT_ACT if report.differences else 0)
