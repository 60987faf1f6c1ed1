"""`quantum explain`: what a gate means, and what to do about it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.connection import connect
from connectors.settings import RedisSettings
from console.terminal.command import (
    AsJson,
    Every,
    InWindow,
    RedisUrl,
    Watch,
    as_counted,
    asking,
    page,
    read_settings,
    say,
    write,
)
from flows.domain.gates import MEANINGS, meaning

if TYPE_CHECKING:
    from console.queries.guide.explanation import Explanation


def _gates(incomplete: str) -> list[tuple[str, str]]:
    return [(gate, about) for gate, about in MEANINGS.items() if gate.startswith(incomplete)]


def explain(
    reason: Annotated[
        str | None,
        typer.Argument(
            metavar="REASON",
            help="A gate, or a reason with its detail. Without: all gates of the guide.",
            autocompletion=_gates,
            show_default=False,
        ),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Also show what the gate stops now, and the values of the keys to look at.")
    ] = False,
    symbol: Annotated[
        list[str] | None,
        typer.Option("--symbol", "-s", help="With --live: of which symbol; may be repeated.", show_default=False),
    ] = None,
    window: InWindow = "5m",
    watch: Watch = False,
    every: Every = 2.0,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """What a gate means, and what to do about it.

    Its likely causes, how to find out more, what to do, and how long that takes.

    Needs Redis only with --live or --watch (which implies --live), and reads only; without --symbol it takes the symbol
    that the gate stopped most in the window. For a gate that is not in the guide it prints the nearest names and
    general advice. (All gates on one page: docs/action-guide.md.)

    \b
    quantum explain p33_permit_denied
    quantum explain p33_permit_denied --live -w 1h
    quantum explain leverage_ratio_exceeded --live -s BTCUSDT -s ETHUSDT
    quantum explain binance_error:-2019 --watch
    """
    from console.guide.explanation_text import as_text
    from console.queries.guide.explanation import as_json, explanation_of, list_as_json
    from console.queries.json import dumps

    if reason is None:
        if json:
            write(dumps(list_as_json()))
        else:
            _list()
        return
    asked = replace(explanation_of(as_counted(reason)), symbols=tuple(dict.fromkeys(map(as_counted, symbol or []))))

    answer = asked
    if live or watch:
        from console.queries.guide.live import ask_live

        settings = read_settings(RedisSettings, redis_url)
        client, prefix = connect(settings, "quantum-console"), settings.key_prefix

        def look() -> Explanation:
            return ask_live(client, prefix, asked, window)

        if watch:
            from console.terminal.refresh import repeat

            repeat(settings, lambda: dumps(as_json(look())) if json else _frame(look()), every)
        with asking(settings):
            answer = look()
    if json:
        write(dumps(as_json(answer)))
        return
    for note in _notes(answer):
        say(note)
    page("".join(f"{line}\n" for line in as_text(answer)))


def _notes(answer: Explanation) -> Iterator[str]:
    if not answer.known:
        alike = f"did you mean {' or '.join(answer.nearest)}?" if answer.nearest else "quantum explain lists what is"
        yield f"{answer.gate} is not in the guide; {alike}"
    live = answer.live
    if live is not None and live.window is not None and answer.guide.needs_symbol and not answer.symbols:
        yield f"{answer.gate} stopped no symbol in {live.window.name}; name one with --symbol"


def _frame(answer: Explanation) -> str:
    """As much as fits on the terminal: what changes is at the top."""
    from rich.text import Text

    from console.guide.explanation_text import as_text
    from console.terminal.viewport import cut, here

    viewport = here()
    lines = [Text(line) for line in (*_notes(answer), *as_text(answer))]
    if viewport.height is not None and len(lines) > viewport.height:
        lines[viewport.height - 1 :] = [Text(f"(the rest, and what to do: quantum explain {shlex.quote(answer.gate)})")]
    return "".join(f"{line.plain}\n" for line in cut(lines, viewport.width))


def _list() -> None:
    from console.queries.guide.guides import GUIDES

    width = max(map(len, GUIDES))
    page("".join(f"{gate:<{width}}  {meaning(gate)}\n" for gate in GUIDES))
