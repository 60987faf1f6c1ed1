"""`quantum lag`: who reads which stream, and how far behind."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.text import one_line
from console.queries.groups import Group
from console.queries.lag import ask_lag
from console.queries.readable import age, number
from console.terminal.command import EXIT_REDIS, AsJson, OfApp, RedisUrl, fail, page, reading, write

_STATES = {True: "alive, ", False: "dead, ", None: ""}


def lag(app: OfApp = None, json: AsJson = False, redis_url: RedisUrl = None) -> None:
    """All consumer groups, as kafka-consumer-groups --describe shows them.

    A line a consumer: stream, group, consumer, the last ID that the group was given, entries pending for the consumer,
    entries that the group has not read (lag; `unknown` where Redis does not know, as before 7.0), for how long a
    consumer that does not live has been idle (before 7.2: has got nothing), and whether it lives. Exit status 3: there
    is no group at all.

    \b
    quantum lag
    quantum lag --flow orders    of your own App
    quantum lag --json | jq '.groups[] | {group, lag}'
    """
    with reading(redis_url) as (client, prefix):
        groups = ask_lag(client, prefix, app)
    if json:
        from console.queries.json import dumps
        from console.queries.lag import as_json

        write(dumps(as_json(groups)))
    elif groups:
        from console.terminal.viewport import here

        lines, width = list(table(groups)), here().width
        if width is not None and max(map(len, lines)) > width:
            lines = list(narrow(groups))
        page("".join(f"{line}\n" for line in lines))
    if not groups:
        whose = f"{prefix}:" if app is None else app
        fail(f"no stream of {whose} has a consumer group yet", EXIT_REDIS)


def table(groups: tuple[Group, ...]) -> Iterator[str]:
    """Lines of columns, each as wide as it must be. Pure."""
    rows = [("STREAM", "GROUP", "CONSUMER", "LAST-ID", "PENDING", "LAG", "IDLE", "STATE")]
    for group in groups:
        start = (one_line(group.stream), one_line(group.name))
        if not group.consumers:
            rows.append((*start, "-", group.last_id, number(group.pending), number(group.lag), "-", "no consumers"))
        for one in group.consumers:
            state = {True: "alive", False: "dead", None: "-"}[one.alive]
            name = one_line(one.name)
            idle = "-" if one.alive else age(one.idle)  # (one that lives reads under other names, a read each)
            rows.append((*start, name, group.last_id, number(one.pending), number(group.lag), idle, state))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if 4 <= at <= 6 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def narrow(groups: tuple[Group, ...]) -> Iterator[str]:
    """The same, for a screen that the table is too wide for. Pure."""
    for group in groups:
        yield f"{one_line(group.stream)}  {one_line(group.name)}"
        yield f"  last ID {group.last_id}, pending {number(group.pending)}, lag {number(group.lag)}"
        for one in group.consumers:
            idle = "" if one.alive else f", idle {age(one.idle)}"
            yield f"  {one_line(one.name)}: {_STATES[one.alive]}pending {number(one.pending)}{idle}"
        if not group.consumers:
            yield "  no consumers"
