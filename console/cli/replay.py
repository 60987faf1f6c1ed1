"""`quantum alerts --replay`: the rules over the past."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from connectors.connection import connect
from connectors.errors import SettingsError
from connectors.settings import load
from connectors.text import one_line
from console.queries.moment import seconds_of
from console.terminal.command import EXIT_REDIS, EXIT_USAGE, asking, fail, page, read_settings, say, write
from console.terminal.progress import progress_bar

if TYPE_CHECKING:
    from flows.settings.rules import RuleSettings

_SETTABLE = "p35_alert_"
"""What the names of settings that --set takes begin with."""


def replay(length: str, given: Sequence[str], redis_url: str | None, *, symbols: bool, json: bool) -> None:
    """Ask, and show the answer.

    :arg length: how much of the past.
    :arg given: settings, as NAME=VALUE.
    :raises SystemExit: it was not asked or not answered; see `console.terminal.command`.
    """
    from console.cli.replay_text import as_text
    from console.queries.alerts.replay import as_json, ask_replay
    from console.queries.counting import read_now
    from console.queries.json import dumps
    from console.queries.minutes import read_slices
    from console.terminal.viewport import here, printed
    from flows.settings.p35 import P35Settings

    kept = read_settings(P35Settings, redis_url).bucket_ttl_sec
    settings, changed = _settings(given, redis_url)
    seconds = _seconds(length, settings, kept)
    client = connect(settings, "quantum-console")
    with asking(settings), progress_bar() as progress:
        now = read_now(client)
        minutes_of = partial(
            read_slices, client, settings.key_prefix, now=int(now // 60), symbols=symbols, progress=progress
        )
        answer = ask_replay(
            client, settings.key_prefix, now, seconds, kept, settings.terms, minutes_of, symbols=symbols
        )
    if json:
        write(dumps(as_json(answer, changed)))
        for warning in answer.warnings:
            say(warning)
    else:
        page(printed(as_text(answer, changed, here().width)))
    if not answer.counted:
        fail("nothing was counted in that time, so there is nothing to replay", EXIT_REDIS)


def _seconds(length: str, settings: RuleSettings, kept: int) -> int:
    """The length of the span; ends with status 2, after one line, where it is none, or is not kept."""
    from flows.domain.alerts.replay import interval_of

    interval = interval_of(settings.terms)
    try:
        seconds = seconds_of(length)
    except ValueError as error:
        fail(f"--replay {one_line(length, 80)!r} {error}", EXIT_USAGE)
    if seconds > kept:
        fail(f"--replay {length.strip()}: minutes are kept for {kept / 3_600:g} h (BUCKET_TTL_SEC)", EXIT_USAGE)
    if seconds < interval:
        fail(f"--replay {length.strip()}: checks are {interval:g} s apart (ALERT_INTERVAL_SEC)", EXIT_USAGE)
    return seconds


def _settings(given: Sequence[str], redis_url: str | None) -> tuple[RuleSettings, dict[str, tuple[float, float]]]:
    """Settings of the rules with those that were given, and name -> value given, and value otherwise.

    Ends with status 2, after one line, where one that was given is wrong.
    """
    from flows.settings.rules import RuleSettings

    names = [name for name in RuleSettings.model_fields if name.startswith(_SETTABLE)]
    values: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or name.strip().lower() not in names:
            known = ", ".join(name.upper() for name in names)
            fail(f"--set {one_line(one, 80)!r} must be NAME=VALUE, where NAME is one of {known}", EXIT_USAGE)
        values[name.strip().lower()] = value.strip()
    otherwise = read_settings(RuleSettings, redis_url)
    try:
        settings = load(RuleSettings, **values, **({} if redis_url is None else {"redis_url": redis_url}))
    except SettingsError as error:
        fail(str(error).replace("\n", "\nquantum: "), EXIT_USAGE)
    return settings, {name.upper(): (getattr(settings, name), getattr(otherwise, name)) for name in values}
