"""`quantum alerts`: what fires since when, what did, and who was told."""

from __future__ import annotations

from typing import Annotated

import typer

from console.terminal.command import EXIT_ACT, EXIT_REDIS, EXIT_USAGE, AsJson, RedisUrl, fail, page, reading, say, write

_COUNT = 10
"""Of the alerts that have ended, so many are listed unless it is said how many."""


def alerts(
    count: Annotated[
        int | None,
        typer.Option(
            "--count", "-n", min=0, max=1_000, help="How many ended alerts to list. Default: 10. Not with --replay."
        ),
    ] = None,
    replay: Annotated[
        str | None,
        typer.Option(metavar="LENGTH", help="What the rules would have raised over the last LENGTH: 24h, 90min."),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="With --replay: a P35_ALERT_ setting to try. Repeatable."),
    ] = None,
    symbols: Annotated[bool, typer.Option("--symbols", help="With --replay: stuck symbols, too; slower.")] = False,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """Alerts that fire and that have ended, and whether each receiver got them.

    What fires is what flows.alerts found at its last check. Ended alerts are listed as far back as the stream goes
    (about 1,000 entries). A receiver is named by its number in ALERT_NOTIFY_URLS and its kind: its URL is a secret, and
    not in Redis. An alert "sent to nobody" is below ALERT_NOTIFY_MIN_SEVERITY, or is older than the first receiver.

    Exit status 0: nothing fires. 1: something does. 3: unknown, because Redis does not answer, or because nothing
    is known to fire and flows.alerts has not checked for five minutes.

    With --replay, which alerts the rules would have raised over the minutes that are kept (BUCKET_TTL_SEC, 48 h), with
    the settings as they are here or as --set has them, beside those that did fire. All of them are listed. Exit status
    0: replayed. 3: Redis does not answer, or nothing was counted in that time.

    \b
    quantum alerts                what fires, and the last ten that did
    quantum alerts -n 100 | less
    quantum alerts --json | jq '.firing[] | {severity, kind, reason}'
    quantum alerts --replay 24h --set P35_ALERT_THRESHOLD_MEDIUM=0.35
    """
    if replay is not None:
        if count is not None:
            fail("--count is not for --replay, which lists all alerts of its LENGTH", EXIT_USAGE)
        from console.cli.replay import replay as show_replay

        show_replay(replay, given or (), redis_url, symbols=symbols, json=json)
        return
    if given or symbols:
        fail("--set and --symbols are for --replay LENGTH", EXIT_USAGE)
    from console.cli.alerts_text import as_text
    from console.queries.alerts.answer import as_json, ask_alerts
    from console.queries.json import dumps
    from console.terminal.viewport import here, printed

    with reading(redis_url) as (client, prefix):
        answer = ask_alerts(client, prefix, _COUNT if count is None else count)
    if json:
        write(dumps(as_json(answer)))
        for warning in answer.warnings:
            say(warning)
    else:
        page(printed(as_text(answer, here().width)))
    if answer.firing:
        raise typer.Exit(EXIT_ACT)
    if answer.warnings:
        raise typer.Exit(EXIT_REDIS)
