"""`quantum why`, `symbols`, `share`, `drift`, `health` (queries a to e), and `all` of them at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import redis
import typer

from connectors.connection import connect
from connectors.errors import RedisAway, RedisFailure
from console.cli.shown import Shown, shown
from console.cli.when import Ago, At, telling, when_of
from console.queries import asked
from console.queries.answers import Answer, Health, Shares
from console.queries.compare import Comparison
from console.terminal.command import (
    EXIT_ACT,
    EXIT_REDIS,
    AsJson,
    Every,
    Full,
    InWindow,
    RedisUrl,
    Watch,
    asking,
    fail,
    read_settings,
    refusal,
    say,
    write,
)
from flows.domain.thresholds import Thresholds
from flows.settings.thresholds import ThresholdSettings

Threshold = Annotated[
    float | None,
    typer.Argument(
        min=0, max=100, help="Percent. Default: P35_ALERT_THRESHOLD_MEDIUM, 40 unless it is set.", show_default=False
    ),
]

Ask = Callable[[redis.Redis, str, Thresholds], Shown]


def why(
    window: InWindow = "5m",
    at: At = None,
    ago: Ago = None,
    full: Full = False,
    watch: Watch = False,
    every: Every = 2.0,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """Why are we not trading now?

    The answer in a sentence, the decisions of the window, its top 15 reasons with counts and shares, and the skip rate;
    and the last full minute, where it clearly differs from the window. (Reasons are always whole here, as share folds
    them into gates; --full does not cut them to the screen.)

    \b
    quantum why                  the last five minutes
    quantum why -w 1h            the last hour
    quantum why --ago 1h         as it was an hour ago; --at 14:05, as it was then
    quantum why --watch          again every two seconds
    quantum why --json | jq .skip_rate
    """
    when = when_of(at, ago, redis_url)

    def ask(client: redis.Redis, prefix: str, thresholds: Thresholds) -> Answer:
        return asked.ask_why(client, prefix, thresholds, window, when)

    run("why", ask, json, full, every if watch else None, redis_url)


def symbols(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="SYMBOL", help="Default: the ten busiest.", show_default=False)
    ] = None,
    window: InWindow = "5m",
    at: At = None,
    ago: Ago = None,
    full: Full = False,
    watch: Watch = False,
    every: Every = 2.0,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """What blocks each symbol: its top 10 gates.

    Shares are of the decisions on that symbol. Without names, the ten symbols with the most decisions. Names may be
    typed in any case; for an unknown one, the nearest known names are listed.

    \b
    quantum symbols                    the busiest
    quantum symbols btcusdt ETHUSDT    these two
    quantum symbols BTCUSDT -w 1h --full
    """
    when = when_of(at, ago, redis_url)

    def ask(client: redis.Redis, prefix: str, thresholds: Thresholds) -> Answer:
        return asked.ask_symbols(client, prefix, thresholds, window, names or (), full=full, when=when)

    run("symbols", ask, json, full, every if watch else None, redis_url)


def share(
    window: InWindow = "5m",
    at: At = None,
    ago: Ago = None,
    full: Full = False,
    watch: Watch = False,
    every: Every = 2.0,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """Which gates block most: the top 10, and their shares.

    Shares are of all decisions. A gate above P35_ALERT_THRESHOLD_MEDIUM (40 % unless it is set) is flagged.

    \b
    quantum share                the last five minutes
    quantum share -w 15m --full  whole reasons, not folded at their first colon
    """
    when = when_of(at, ago, redis_url)

    def ask(client: redis.Redis, prefix: str, thresholds: Thresholds) -> Answer:
        return asked.ask_share(client, prefix, thresholds, window, full=full, when=when)

    run("share", ask, json, full, every if watch else None, redis_url)


def drift(
    threshold: Threshold = None,
    window: InWindow = "5m",
    at: At = None,
    ago: Ago = None,
    full: Full = False,
    watch: Watch = False,
    every: Every = 2.0,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """Does a gate block more than THRESHOLD percent of decisions? For cron.

    Exit status 0: none does. 1: one does. 3: unknown, because Redis does not answer, or because nothing was counted in
    the window and flows.p35 is not running.

    \b
    quantum drift                       above 40 %
    quantum drift 60 -w 15m             above 60 % over a quarter of an hour
    quantum drift >/tmp/drift || mail -s "not trading" ops </tmp/drift
    """
    when = when_of(at, ago, redis_url)

    def ask(client: redis.Redis, prefix: str, thresholds: Thresholds) -> Answer:
        above = threshold and threshold / 100  # (None stays None, and 0 stays 0)
        return asked.ask_drift(client, prefix, thresholds, window, above, full=full, when=when)

    answer = run("drift", ask, json, full, every if watch else None, redis_url)
    assert isinstance(answer, Shares)
    if answer.gates:
        raise typer.Exit(EXIT_ACT)
    if not answer.window.total and not answer.service.running and answer.service.blind:
        raise typer.Exit(EXIT_REDIS)


def health(
    window: InWindow = "5m",
    watch: Watch = False,
    every: Every = 2.0,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """Is the counting service healthy, and which flows run?

    Its status, pending, lag, consumers and systemd unit; each flow that runs or should; and what was counted of late.

    Exit status 0 whatever the answer; for monitoring, use `quantum check`. 3: Redis does not answer; with --json the
    object then says redis_up: false.

    \b
    quantum health
    quantum health --json | jq .group.lag
    """

    def ask(client: redis.Redis, prefix: str, thresholds: Thresholds) -> Answer:
        return asked.ask_health(client, prefix, thresholds, window)

    run("health", ask, json, False, every if watch else None, redis_url)


def all_queries(
    window: InWindow = "5m",
    full: Full = False,
    watch: Watch = False,
    every: Every = 2.0,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """Questions a to e on one screen.

    On a terminal, a summary of each; elsewhere, and with --full, everything.

    \b
    quantum all --watch
    quantum all > report.txt
    """

    def ask(client: redis.Redis, prefix: str, thresholds: Thresholds) -> Answer:
        return asked.ask_everything(client, prefix, thresholds, window, full=full)

    run("all", ask, json, full, every if watch else None, redis_url)


def run(query: str, ask: Ask, json: bool, full: bool, every: float | None, redis_url: str | None) -> Shown:
    """Ask, and show the answer; with `every` again and again.

    :arg every: seconds between two answers; None: one is enough.
    :raises SystemExit: see `console.terminal.command`.
    """
    settings = read_settings(ThresholdSettings, redis_url)
    client, prefix = connect(settings, "quantum-console"), settings.key_prefix
    thresholds = settings.thresholds
    with telling():
        if every is not None:
            from console.terminal.refresh import repeat

            repeat(settings, lambda: shown(query, ask(client, prefix, thresholds), json, full), every)
        if query == "health" and json:
            from console.queries.json import dumps, no_health

            try:
                answer = ask(client, prefix, thresholds)
            except RedisFailure as error:
                reason = refusal(settings, error)
                write(dumps(no_health(reason, redis_up=not isinstance(error, RedisAway))))
                fail(reason, EXIT_REDIS)
        else:
            with asking(settings):
                answer = ask(client, prefix, thresholds)
    write(shown(query, answer, json, full))
    if json or (query != "health" and not sys.stdout.isatty()):  # (else they are in the answer)
        for warning in answer.warnings if isinstance(answer, Health | Comparison) else answer.service.warnings:
            say(warning)
    return answer
