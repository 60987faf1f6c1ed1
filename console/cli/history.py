"""`quantum history`: what it was like, minute by minute, hour by hour, day by day."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from connectors.connection import connect
from connectors.settings import EXIT_SETTINGS
from connectors.text import one_line
from console.cli.when import From, To
from console.queries.moment import MomentError
from console.terminal.command import (
    EXIT_IO,
    EXIT_REDIS,
    EXIT_USAGE,
    AsJson,
    RedisUrl,
    as_counted,
    asking,
    fail,
    page,
    read_settings,
    say,
    write,
)
from console.terminal.progress import progress_bar


def history(
    by: Annotated[Literal["minute", "hour", "day"], typer.Option(help="What a row stands for.")] = "hour",
    begin: From = None,
    end: To = None,
    gate: Annotated[str | None, typer.Option(metavar="GATE", help="This gate only.", show_default=False)] = None,
    symbol: Annotated[
        str | None, typer.Option(metavar="SYMBOL", help="Decisions on this symbol only.", show_default=False)
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print a table for a spreadsheet instead.")] = False,
    parquet: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write that table to this file; needs the extra export.", show_default=False),
    ] = None,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """What was it like, and what was it like a week before?

    Decisions and top gates of each hour of the last 24, of each of the last 60 minutes, or of the last 28 days; on a
    terminal as a chart, with the same hour or day of the week before behind it. Hours are kept for 35 days, days for
    400, minutes for 48 hours. One of which nothing is known is left out: that is not zero.

    Exit status 3: Redis does not answer, or no data for that time.

    \b
    quantum history                                the last 24 hours
    quantum history --from 7d --gate no_position   a week of one gate
    quantum history --by day --from 2026-01-01 --csv > days.csv
    quantum history --by day --from 13w --parquet days.parquet
    quantum history --by minute --from 14:00 --to 14:30 --symbol BTCUSDT
    quantum history --json | jq '.points[] | [.time, .total]'
    """
    from console.queries.counting import read_now
    from console.queries.history import Asked, as_json, ask_history, retention
    from console.queries.json import dumps
    from console.terminal.viewport import here, printed
    from flows.settings.history import HistorySettings

    if csv + json + (parquet is not None) > 1:
        fail("--csv, --json and --parquet: one of them is enough", EXIT_USAGE)
    if parquet is not None and find_spec("pyarrow") is None:
        fail("--parquet needs the package pyarrow: pip install 'quantum-flows[export]'", EXIT_SETTINGS)
    if parquet is not None and parquet.exists() and not parquet.is_file():
        fail(f"--parquet {one_line(parquet)} is there, and is no file", EXIT_USAGE)
    asked = Asked(by, begin, end, gate and as_counted(gate), symbol and as_counted(symbol))
    settings = read_settings(HistorySettings, redis_url)
    kept = retention(settings, by)
    client = connect(settings, "quantum-console")
    try:
        with asking(settings), progress_bar() as progress:
            now, text = read_now(client), not (csv or json or parquet)
            series = ask_history(client, settings.key_prefix, asked, now, kept, progress, beside=text)
    except MomentError as error:
        fail(str(error), EXIT_USAGE)
    if json:
        write(dumps(as_json(series)))
    elif csv:
        from console.cli.history_table import as_csv

        write(as_csv(series))
    elif parquet is not None and series.points:
        from console.cli.history_table import write_parquet

        try:
            write_parquet(series, parquet)
        except OSError as error:
            fail(f"cannot write {one_line(parquet)}: {error.strerror or one_line(error)}", EXIT_IO)
    elif series.points:
        from console.cli.history_text import as_text

        page(printed(as_text(series, here(full=True))))
    if json or csv or parquet or not sys.stdout.isatty():
        for warning in series.warnings:
            say(warning)
    if not series.points:
        writer = "flows.p35" if by == "minute" else "flows.history"
        fail(f"no data for that time: did {writer} run then? (quantum health tells)", EXIT_REDIS)
