"""`quantum tail`: decisions as they are published."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.connection import connect
from connectors.errors import RedisAway
from connectors.text import one_line
from console.cli.when import Since, Until
from console.terminal.command import (
    EXIT_USAGE,
    AsJson,
    RedisUrl,
    as_counted,
    asking,
    fail,
    read_settings,
    refusal,
    say,
    write,
)
from sinks.decisions import stream_key
from sinks.values.counts import BLOCKED, ERROR, EXECUTE, SKIP, UNKNOWN

if TYPE_CHECKING:
    from console.queries.entries import Published, Raw
    from console.queries.moment import Moment

_BLOCK = 2_000
"""Milliseconds that Redis waits for something new: less than its socket's timeout."""

_LINES = 10
"""Earlier entries that are looked at first, unless it is said how many, or since when."""

_AWAY_PAUSE = 1.0
"""Seconds until a Redis that went away is tried again."""


class DecisionName(StrEnum):
    """The decisions that may be asked for."""

    EXECUTE = EXECUTE
    SKIP = SKIP
    BLOCKED = BLOCKED
    ERROR = ERROR
    UNKNOWN = UNKNOWN


def tail(
    symbol: Annotated[list[str] | None, typer.Option("--symbol", "-s", help="May be repeated.")] = None,
    reason: Annotated[
        list[str] | None, typer.Option("--reason", "-r", help="A gate, or a whole reason. May be repeated.")
    ] = None,
    decision: Annotated[list[DecisionName] | None, typer.Option("--decision", "-d", help="May be repeated.")] = None,
    lines: Annotated[
        int | None,
        typer.Option(
            "--lines", "-n", min=0, max=100_000, help="How many earlier entries to look at first. Default: 10."
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    no_follow: Annotated[bool, typer.Option("--no-follow", help="Only the earlier ones.")] = False,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """Decisions as they are published, until Ctrl-C (exit status 130).

    Reads beside the consumer group and does not disturb it. A line each: time (UTC) of the decision, decision, symbol,
    reason. Options that are repeated widen, different ones narrow. With --json an object a line.

    With --since, all that the stream still has from then on, in place of the last few; with --until as well, it ends
    there. Both go by when an entry was published, which may be later than its decision.

    \b
    quantum tail
    quantum tail -s BTCUSDT -d BLOCKED
    quantum tail --reason p33_permit_denied --json | jq -r .symbol
    quantum tail -n 1000 --no-follow -d ERROR      errors among the last thousand
    quantum tail --since 14:05 --until 14:06 -r no_position
    """
    # Here, because other questions start faster without.
    from console.queries.counting import read_now
    from console.queries.entries import Filter, published, read_between, read_later, read_newest
    from flows.settings.p35 import P35Settings

    if until is not None and since is None:
        fail("--until needs --since", EXIT_USAGE)
    if since is not None and lines is not None:
        fail("--since and --lines: one of them is enough", EXIT_USAGE)
    names, reasons = (frozenset(map(as_counted, given or ())) for given in (symbol, reason))
    wanted = Filter(names, reasons, frozenset(one.value for one in decision or ()))
    settings = read_settings(P35Settings, redis_url)
    client = connect(settings, "quantum-console")
    key = stream_key(settings.key_prefix)
    skew = settings.max_future_skew_sec

    def show(entries: Iterable[Raw]) -> bool:
        """Print those that are wanted; whether anybody reads them."""
        found = (published(entry, skew) for entry in entries)
        return write("".join((as_json if json else as_line)(one) for one in found if wanted.lets_through(one.kind)))

    position: bytes | str = ""
    reading_on = True
    with asking(settings):
        if since is None:
            pages = iter([read_newest(client, key, _LINES if lines is None else lines)])
        else:
            begin, end = _bounds(since, until, read_now(client))
            pages, position = read_between(client, key, begin, end), f"{max(int(begin * 1_000) - 1, 0)}-{2**64 - 1}"
        for page in pages:
            reading_on = show(page)
            position = page[-1][0] if page else position
            if not reading_on:
                break
        position = position or next((one[0] for one in read_newest(client, key, 1)), b"0-0")
    reading_on = reading_on and not no_follow and until is None
    while reading_on:
        with asking(settings):
            try:
                entries = read_later(client, key, position, _BLOCK)
            except RedisAway as error:
                say(f"{refusal(settings, error)}; trying again")
                time.sleep(_AWAY_PAUSE)
                continue
        position = entries[-1][0] if entries else position
        reading_on = show(entries)


def _bounds(since: Moment, until: Moment | None, now: float) -> tuple[float, float]:
    """When what is asked for begins and ends, epoch seconds.

    :raises SystemExit: with status 2: it begins in the future, or does not end after its beginning.
    """
    begin = since.seconds(now)
    end = now + 1 if until is None else until.seconds(now)
    if begin > now:
        fail(f"--since {since.text} is in the future", EXIT_USAGE)
    if end <= begin:
        fail("--until must be later than --since", EXIT_USAGE)
    return begin, end


def as_line(one: Published) -> str:
    """An entry for a person. Pure."""
    kind, when = one.kind, datetime.fromtimestamp(one.seconds, UTC).strftime("%H:%M:%S")
    decision = f"{kind.decision}({kind.unknown})" if kind.unknown else kind.decision
    return one_line(f"{when}  {decision:<8} {kind.symbol or '-':<14} {kind.reason}", 400) + "\n"


def as_json(one: Published) -> str:
    """An entry for a program. Pure."""
    from console.queries.entries import as_object
    from console.queries.json import JSON_VERSION, dumps

    return dumps({"version": JSON_VERSION, **as_object(one)})
