"""`quantum compare`: then and now side by side."""

from __future__ import annotations

from typing import Annotated

import redis
import typer

from console.cli.queries import run
from console.cli.when import typed
from console.queries.compare import Comparison, ask_compare
from console.queries.moment import When, parse_ago
from console.terminal.command import AsJson, Every, Full, InWindow, RedisUrl, Watch, read_settings
from flows.domain.thresholds import Thresholds


def compare(
    ago: Annotated[str, typer.Argument(metavar="LENGTH", help="How long ago: 30min, 1h, 1d.")] = "1h",
    window: InWindow = "5m",
    full: Full = False,
    watch: Watch = False,
    every: Every = 2.0,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """What has changed: a window then and now, side by side.

    Both verdicts, the decisions, and the top gates of either window, those that changed most first, with the difference
    of their shares in points of a hundred. It is coloured where it is clear: surely 10 points or more.

    \b
    quantum compare              an hour ago
    quantum compare 1d -w 1h     the last hour, and the same hour of yesterday
    quantum compare --json | jq '.rows[] | select(.clear)'
    """
    from flows.settings.p35 import P35Settings

    when = When(typed(parse_ago)(ago), read_settings(P35Settings, redis_url).bucket_ttl_sec)

    def ask(client: redis.Redis, prefix: str, thresholds: Thresholds) -> Comparison:
        return ask_compare(client, prefix, thresholds, window, when, full=full)

    run("compare", ask, json, full, every if watch else None, redis_url)
