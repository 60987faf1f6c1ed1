"""`quantum explain`: what a gate means, and what to do about it."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer

from connectors.errors import one_line
from console.command import AsJson, RedisUrl, page, reading, say, write
from flows.decisions import clean, gate_of
from flows.gates import MEANINGS, meaning

STOPPED_MINUTES = 15
"""Minutes that are looked at for the symbols that a gate stops."""

_MOST_SYMBOLS = 1


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
    live: Annotated[bool, typer.Option("--live", help="Also show what the keys to look at hold now.")] = False,
    symbol: Annotated[
        list[str] | None,
        typer.Option("--symbol", "-s", help="With --live: of which symbol; may be repeated.", show_default=False),
    ] = None,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """What a gate means, how to find out more, what to do, and how long that takes.

    Needs no Redis, but with --live. That reads only; without --symbol it looks at the symbol which the gate
    stopped most often in the last 15 minutes. A gate that is not in the guide gets the nearest names, and what to do in
    general. (The same for all gates: docs/action-guide.md.)

    \b
    quantum explain p33_permit_denied
    quantum explain p33_permit_denied --live
    quantum explain leverage_ratio_exceeded --live -s BTCUSDT -s ETHUSDT
    quantum explain binance_error:-2019
    """
    from console.guide import GENERIC, find, nearest
    from console.guide.text import as_text

    if reason is None:
        _list(json)
        return
    guide, gate = find(reason), one_line(gate_of(clean(reason)))
    known = guide is not None
    guide = guide or GENERIC
    gate = guide.gate or gate
    names = list(dict.fromkeys(symbol or []))
    prefix, values = "quantum", None
    if live:
        from console.guide.live import read_live
        from console.service import read_now
        from console.symbols import read_most_stopped

        with reading(redis_url) as (client, prefix):
            if not names and any(look.per_symbol for look in guide.looks):
                running = int(read_now(client) // 60)
                minutes = list(range(running - STOPPED_MINUTES + 1, running + 1))
                names = read_most_stopped(client, prefix, minutes, gate, _MOST_SYMBOLS)
            values = read_live(client, prefix, guide, names)
    if json:
        from console.answers_json import JSON_VERSION, dumps

        value: dict[str, Any] = {
            "version": JSON_VERSION,
            "query": "explain",
            "gate": gate,
            "known": known,
            "nearest": [] if known else nearest(reason),
            "meaning": meaning(gate),
            "causes": list(guide.causes),
            "look": [
                {"command": look.command(prefix, one), "key": look.key_of(prefix, one), "what": look.what}
                for look in guide.looks
                for one in (names if look.per_symbol and names else [None])
            ],
            "ask": [ask.replace("{G}", shlex.quote(gate)) for ask in guide.asks],
            "actions": [{"what": action.what, "minutes": action.minutes} for action in guide.actions],
            "related": list(guide.related),
            "live": values,
        }
        write(dumps(value))
        return
    if not known and (alike := nearest(reason)):
        say(f"{gate} is not in the guide; did you mean {' or '.join(alike)}?")
    elif not known:
        say(f"{gate} is not in the guide; quantum explain lists what is")
    if live and not names and any(look.per_symbol for look in guide.looks):
        say(f"{gate} stopped no symbol in the last {STOPPED_MINUTES} minutes; name one with --symbol")
    lines = as_text(guide, gate, prefix, [one_line(name, 128) for name in names], values)
    page("".join(f"{line}\n" for line in lines))


def _list(json: bool) -> None:
    from console.guide import GUIDES

    if json:
        from console.answers_json import JSON_VERSION, dumps

        gates = [{"gate": gate, "meaning": meaning(gate)} for gate in GUIDES]
        write(dumps({"version": JSON_VERSION, "query": "explain", "gates": gates}))
        return
    width = max(map(len, GUIDES))
    page("".join(f"{gate:<{width}}  {meaning(gate)}\n" for gate in GUIDES))
