"""`quantum proof`: shows that a running service keeps the contract."""

# Each proof imports what it needs when it runs: other questions start faster without.

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import redis
import typer

from connectors.connection import connect
from console.proof.checks import Checks, run
from console.terminal.command import EXIT_ACT, AnyRedisSettings, RedisUrl, read_settings, write

proof = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Wait = Annotated[
    float | None,
    typer.Option(
        min=0, help="Seconds for all of it. Default: enough for the settings of the service.", show_default=False
    ),
]


@proof.callback()
def proofs() -> None:
    """Prove that a running service keeps its contract, with symbols and plans of the proof's own.

    Unlike all other commands these write. A proof says what it adds, and removes it again, except for entries in the
    streams of decisions and plans, and totals, which never decrease. Give it the settings of the service, and a Redis
    user that may write (quantum-proof of deploy/redis). Prints a line for each check, and SUMMARY at the end. Exit
    status: 0 all checks hold, 1 not.

    \b
    set -a; . /etc/quantum/p35-decision-intelligence.env; set +a
    quantum proof p35
    """


@proof.command("p35")
def p35_(wait: Wait = None, redis_url: RedisUrl = None) -> None:
    """Decisions are counted once, and shown.

    Once each, in their minute and in every window. Adds 6 decisions, and takes their counts back.
    """
    from console.proof import p35
    from flows.settings.p35 import P35Settings

    settings = read_settings(P35Settings, redis_url)
    _prove(settings, wait, p35.SECONDS, lambda checks, client: p35.prove(checks, client, settings))


@proof.command("allocation")
def allocation_(wait: Wait = None, redis_url: RedisUrl = None) -> None:
    """Proposals are what the formula gives.

    For each kind of efficiency. Adds 6 targets for a few loops.
    """
    from console.proof import allocation
    from flows.settings.joins import AllocationSettings

    settings = read_settings(AllocationSettings, redis_url)
    seconds = allocation.seconds(settings)
    _prove(settings, wait, seconds, lambda checks, client: allocation.prove(checks, client, settings))


@proof.command("governor")
def governor_(wait: Wait = None, redis_url: RedisUrl = None) -> None:
    """Permits are what the formula gives.

    For each kind of efficiency. Adds 8 plans, of quantity 0.
    """
    from console.proof import governor
    from flows.settings.joins import GovernorSettings

    settings = read_settings(GovernorSettings, redis_url)
    _prove(settings, wait, governor.SECONDS, lambda checks, client: governor.prove(checks, client, settings))


@proof.command("alerts")
def alerts_(
    explode: Annotated[
        bool,
        typer.Option(
            "--explode",
            help="Raise an alert, with as many decisions as that takes, and take them back. Receivers are notified.",
        ),
    ] = False,
    wait: Wait = None,
    redis_url: RedisUrl = None,
) -> None:
    """Checks run, and alerts are as specified.

    Adds nothing without --explode.
    """
    from console.proof import alerts
    from flows.settings.alerts import AlertsSettings
    from flows.settings.p35 import P35Settings

    settings = read_settings(AlertsSettings, redis_url)
    interval = read_settings(P35Settings, redis_url).snapshot_interval_sec

    def proof(checks: Checks, client: redis.Redis) -> None:
        alerts.prove(checks, client, settings, interval, explode=explode)

    _prove(settings, wait, alerts.seconds(settings), proof)


@proof.command("history")
def history_(wait: Wait = None, redis_url: RedisUrl = None) -> None:
    """Decisions are in their hour and their day, once.

    Adds 3 decisions, and takes their counts back. Takes some minutes: hours are looked at every HISTORY_INTERVAL_SEC.
    """
    from console.proof import history
    from flows.settings.history import HistorySettings
    from flows.settings.p35 import P35Settings

    settings, counting = read_settings(HistorySettings, redis_url), read_settings(P35Settings, redis_url)
    seconds = history.seconds(settings)
    _prove(settings, wait, seconds, lambda checks, client: history.prove(checks, client, settings, counting))


def _prove(
    settings: AnyRedisSettings, wait: float | None, seconds: float, proof: Callable[[Checks, redis.Redis], None]
) -> None:
    checks = Checks(lambda line: write(f"{line}\n"), seconds if wait is None else wait)
    client = connect(settings, "quantum-proof")
    if not run(checks, lambda checks: proof(checks, client)):
        raise typer.Exit(EXIT_ACT)
