"""What makes a function a subcommand that asks about a window: its options, asking, and showing the answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps
from inspect import Signature, signature
from typing import Any

import typer

from connectors.connection import connect
from connectors.errors import RedisAway, RedisFailure
from console.cli.when import Ago, At, when_of
from console.queries.answers import Answer, Health
from console.queries.apps import AppState
from console.queries.asked import Question
from console.queries.moment import MomentError
from console.terminal.command import (
    EXIT_REDIS,
    EXIT_USAGE,
    AsJson,
    Every,
    Full,
    InWindow,
    RedisUrl,
    Watch,
    fail,
    read_settings,
    refusal,
    say,
    write,
)
from flows.settings.thresholds import ThresholdSettings

Ask = Callable[[Question], Answer]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of such a subcommand."""

    window: InWindow = "5m"
    at: At = None
    ago: Ago = None
    full: Full = False
    watch: Watch = False
    every: Every = 2.0
    json: AsJson = False
    redis_url: RedisUrl = None


def query(
    name: str, *, without: Collection[str] = (), status: Callable[[Any], int] = lambda _answer: 0
) -> Callable[[Callable[..., Ask]], Callable[..., None]]:
    """Makes a subcommand of a function that takes what only this one knows, and returns how to ask.

    It takes the Options, too. One that the function has a parameter for is declared by that.

    :arg name: of the query, as its JSON has it.
    :arg without: the Options that it does not take.
    :arg status: the exit status after an answer.
    """
    options = {key: one for key, one in signature(Options, eval_str=True).parameters.items() if key not in without}

    def subcommand(command: Callable[..., Ask]) -> Callable[..., None]:
        own = signature(command, eval_str=True).parameters

        @wraps(command)
        def run(**given: Any) -> None:
            chosen = Options(**{key: given[key] for key in options})
            answer = _ask(name, chosen, command(**{key: given[key] for key in own}))
            if ended := status(answer):
                raise typer.Exit(ended)

        parameters = [*own.values(), *(one for key, one in options.items() if key not in own)]
        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        return run

    return subcommand


def _ask(name: str, options: Options, ask: Ask) -> Answer:
    """Ask, and show the answer; with `watch` again and again.

    :raises SystemExit: see `console.terminal.command`.
    """
    when = when_of(options.at, options.ago, options.redis_url)
    settings = read_settings(ThresholdSettings, options.redis_url)
    client = connect(settings, "quantum-console")
    question = Question(client, settings.key_prefix, settings.thresholds, options.window, options.full, when)
    try:
        if options.watch:
            from console.terminal.refresh import repeat

            repeat(settings, lambda: _shown(name, ask(question), options), options.every)
        answer = ask(question)
    except MomentError as error:
        fail(str(error), EXIT_USAGE)
    except RedisFailure as error:
        reason = refusal(settings, error)
        if name == "health" and options.json:
            from console.queries.json import dumps, no_health

            write(dumps(no_health(reason, redis_up=not isinstance(error, RedisAway))))
        fail(reason, EXIT_REDIS)
    write(_shown(name, answer, options))
    in_the_answer = isinstance(answer, Health | AppState) or sys.stdout.isatty()
    if options.json or not in_the_answer:
        for warning in answer.warnings:
            say(warning)
    return answer


def _shown(name: str, answer: Answer, options: Options) -> str:
    """The answer as it is to be written."""
    if options.json:
        from console.queries.json import as_json, dumps

        return dumps(as_json(name, answer))
    from console.cli.answers_text import as_text
    from console.terminal.viewport import here, printed

    return printed(as_text(answer, here(options.full)))
