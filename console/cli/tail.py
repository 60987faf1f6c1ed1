"""`quantum tail`: decisions as they are published."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import redis
import typer

from connectors import stream_id
from connectors.connection import connect
from connectors.errors import RedisAway, translating
from connectors.text import one_line
from console.queries.fetch import text
from console.terminal.command import AsJson, RedisUrl, as_counted, asking, read_settings, refusal, say, write
from flows.domain.decisions import clean, event_seconds, gate_of, kind_of
from sinks.decisions import stream_key
from sinks.values.counts import BLOCKED, ERROR, EXECUTE, SKIP, UNKNOWN, Kind

_BLOCK = 2_000
"""Milliseconds that Redis waits for something new: less than its socket's timeout."""

_Entry = tuple[bytes, dict[bytes, bytes]]

Shown = Callable[[bytes, dict[bytes, bytes], Kind, float], str]

_PAGE = 1_000
_AWAY_PAUSE = 1.0
"""Seconds until a Redis that went away is tried again."""


class DecisionName(StrEnum):
    """The decisions that may be asked for."""

    EXECUTE = EXECUTE
    SKIP = SKIP
    BLOCKED = BLOCKED
    ERROR = ERROR
    UNKNOWN = UNKNOWN


@dataclass(frozen=True, slots=True)
class Filter:
    """What is shown; empty: everything."""

    symbols: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    """Reasons, or gates."""
    decisions: frozenset[str] = frozenset()

    def lets_through(self, kind: Kind) -> bool:
        """Whether an entry of this kind is shown."""
        return (
            (not self.symbols or kind.symbol in self.symbols)
            and (not self.reasons or kind.reason in self.reasons or gate_of(kind.reason) in self.reasons)
            and (not self.decisions or kind.decision in self.decisions)
        )


def tail(
    symbol: Annotated[list[str] | None, typer.Option("--symbol", "-s", help="May be repeated.")] = None,
    reason: Annotated[
        list[str] | None, typer.Option("--reason", "-r", help="A gate, or a whole reason. May be repeated.")
    ] = None,
    decision: Annotated[list[DecisionName] | None, typer.Option("--decision", "-d", help="May be repeated.")] = None,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, max=100_000, help="How many earlier entries to look at first.")
    ] = 10,
    no_follow: Annotated[bool, typer.Option("--no-follow", help="Only the earlier ones.")] = False,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """Decisions as they are published, until Ctrl-C (exit status 130).

    Reads beside the consumer group and does not disturb it. A line each: time (UTC) of the decision, decision, symbol,
    reason. Options that are repeated widen, different ones narrow. With --json an object a line.

    \b
    quantum tail
    quantum tail -s BTCUSDT -d BLOCKED
    quantum tail --reason p33_permit_denied --json | jq -r .symbol
    quantum tail -n 1000 --no-follow -d ERROR      errors among the last thousand
    """
    # Here, because other questions start faster without.
    from flows.settings.p35 import P35Settings

    names, reasons = (frozenset(map(as_counted, given or ())) for given in (symbol, reason))
    wanted = Filter(names, reasons, frozenset(one.value for one in decision or ()))
    settings = read_settings(P35Settings, redis_url)
    client = connect(settings, "quantum-console")
    key = stream_key(settings.key_prefix)
    shown = as_json if json else as_line
    skew = settings.max_future_skew_sec
    with asking(settings):
        page = _earlier(client, key, lines)
        position = page[-1][0] if page else _newest(client, key)
    reading_on = _show(page, wanted, shown, skew) and not no_follow
    while reading_on:
        with asking(settings):
            try:
                entries = list(_later(client, key, position))
            except RedisAway as error:
                say(f"{refusal(settings, error)}; trying again")
                time.sleep(_AWAY_PAUSE)
                continue
        position = entries[-1][0] if entries else position
        reading_on = _show(entries, wanted, shown, skew)


def _show(entries: Iterable[_Entry], wanted: Filter, shown: Shown, skew: float) -> bool:
    """Print those that are wanted; whether anybody reads them.

    :arg skew: seconds that the time of a decision may be ahead of its entry.
    """
    kinds = ((entry_id, fields, kind_of(fields)) for entry_id, fields in entries)
    return write("".join(shown(*one, skew) for one in kinds if wanted.lets_through(one[2])))


def as_line(entry_id: bytes, fields: dict[bytes, bytes], kind: Kind, skew: float) -> str:
    """An entry for a person. Pure."""
    when = datetime.fromtimestamp(_seconds(entry_id, fields, skew), UTC).strftime("%H:%M:%S")
    decision = f"{kind.decision}({kind.unknown})" if kind.unknown else kind.decision
    return one_line(f"{when}  {decision:<8} {kind.symbol or '-':<14} {kind.reason}", 400) + "\n"


def as_json(entry_id: bytes, fields: dict[bytes, bytes], kind: Kind, skew: float) -> str:
    """An entry for a program. Pure."""
    from console.queries.json import JSON_VERSION, dumps

    return dumps(
        {
            "version": JSON_VERSION,
            "id": text(entry_id),
            "time": _seconds(entry_id, fields, skew),
            "decision": kind.decision,
            "symbol": kind.symbol,
            "reason": kind.reason,
            "gate": gate_of(kind.reason),
            "plan_id": clean(fields.get(b"plan_id", b"")),
            "unknown_decision": kind.unknown,
        }
    )


def _seconds(entry_id: bytes, fields: dict[bytes, bytes], skew: float) -> float:
    return event_seconds(fields.get(b"timestamp", b""), stream_id.milliseconds(entry_id), skew)[0]


def _earlier(client: redis.Redis, key: str, count: int) -> list[_Entry]:
    if not count:
        return []
    with translating():
        return list(reversed(client.xrevrange(key, count=count)))  # type: ignore[arg-type]


def _newest(client: redis.Redis, key: str) -> bytes:
    page = _earlier(client, key, 1)
    return page[-1][0] if page else b"0-0"


def _later(client: redis.Redis, key: str, after: bytes) -> Iterator[_Entry]:
    with translating():
        reply: Any = client.xread({key: after}, count=_PAGE, block=_BLOCK)
    for _key, entries in reply:
        yield from entries
