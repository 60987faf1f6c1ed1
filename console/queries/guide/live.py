"""What a gate stops now, and the values of the keys that the guide names, of whatever type. Reads little."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import redis

from connectors.errors import RedisDenied, WrongType, translating
from connectors.text import one_line
from console.queries.counting import read_now
from console.queries.fetch import ask_all, text
from console.queries.guide.entry import Guide
from console.queries.guide.explanation import Explanation
from console.queries.minutes import read_minutes
from console.queries.symbols import read_most_stopped
from flows.domain.windows import Window, minutes_of
from sinks.values.counts import WINDOWS

MOST_ITEMS = 10
"""Fields, members or elements that are shown of one key."""

_MOST_SYMBOLS = 1
"""Symbols that are looked at where none is named."""

_MOST_BYTES = 500
_MOST_CHARACTERS = 300

_READ: dict[str, tuple[Any, ...]] = {
    "string": ("GETRANGE", "{key}", 0, _MOST_BYTES),
    "hash": ("HSCAN", "{key}", 0, "COUNT", MOST_ITEMS),
    "set": ("SSCAN", "{key}", 0, "COUNT", MOST_ITEMS),
    "list": ("LRANGE", "{key}", 0, MOST_ITEMS),
    "zset": ("ZREVRANGE", "{key}", 0, MOST_ITEMS),
    "stream": ("XREVRANGE", "{key}", "+", "-", "COUNT", 3),
}


@dataclass(frozen=True, slots=True)
class Live:
    """A gate, and the keys to look at, as they are now."""

    window: Window | None
    """None where the counts cannot be read."""
    trouble: str
    """Why they cannot, printable; empty where they can."""
    count: int
    """Decisions that the gate stopped in the window."""
    symbols: tuple[str, ...]
    """Those that were asked for, else the one that the gate stopped most often in the window, if any."""
    values: Mapping[str, str]
    """Key in Redis -> what it holds, printable, on one line or several."""


def ask_live(client: redis.Redis, prefix: str, asked: Explanation, window: str) -> Explanation:
    """`asked`, with the state of its gate and of the keys that its guide names. Blocks and raises as `read_live`."""
    found = read_live(client, prefix, asked.guide, asked.counted_as, asked.symbols, window)
    return replace(asked, prefix=prefix, redis_cli=redis_cli(client), symbols=found.symbols, live=found)


def read_live(client: redis.Redis, prefix: str, guide: Guide, gate: str, symbols: Sequence[str], window: str) -> Live:
    """How `gate` and the keys of `guide` are now.

    Blocks for a few round trips, and three for each key.

    :arg gate: as it is counted, in whatever case.
    :arg symbols: whose keys to look at, where each symbol has its own; none: those of the symbol that is stopped most.
    :arg window: one of `sinks.values.counts.WINDOWS`.
    :raises RedisFailure: Redis does not answer. A key that this user may not read says so in its place.
    """
    running = int(read_now(client) // 60)
    seen, trouble, count = None, "", 0
    try:
        seen = read_minutes(client, prefix, running, WINDOWS[window]).window(window)
        count = sum(one.count for one in seen.gates if one.name.lower() == gate.lower())
        if guide.needs_symbol and not symbols:
            symbols = read_most_stopped(client, prefix, list(minutes_of(window, running)), gate, _MOST_SYMBOLS)
    except (RedisDenied, WrongType) as error:
        trouble = one_line(error)  # (the keys may be all right)
    return Live(seen, trouble, count, tuple(symbols), _read_keys(client, prefix, guide, symbols))


def redis_cli(client: redis.Redis) -> str:
    """How to call redis-cli for the Redis of `client`, quoted for a shell; without user and password. Pure."""
    pool = client.connection_pool
    known = pool.connection_kwargs
    words = ["redis-cli"]
    if "path" in known:
        words += ["-s", known["path"]]
    elif known.get("host") not in ("localhost", "127.0.0.1"):
        words += ["-h", known["host"]]
    if known.get("port", 6379) != 6379:
        words += ["-p", str(known["port"])]
    if known.get("db"):
        words += ["-n", str(known["db"])]
    if issubclass(pool.connection_class, redis.SSLConnection):
        words.append("--tls")
    return one_line(shlex.join(words), 200)


def _read_keys(client: redis.Redis, prefix: str, guide: Guide, symbols: Sequence[str]) -> dict[str, str]:
    keys = []
    for check in guide.key_checks:
        keys += (
            [check.key_of(prefix, symbol) for symbol in symbols] if check.per_symbol else [check.key_of(prefix, None)]
        )
    found = {}
    for key in dict.fromkeys(keys):
        try:
            found[key] = _read(client, key)
        except RedisDenied as denied:
            found[key] = f"({denied})"
    return found


def _read(client: redis.Redis, key: str) -> str:
    (kind,) = ask_all(client, [("TYPE", key)])
    command = _READ.get(text(kind))
    if command is None:
        return "(not there)" if text(kind) == "none" else f"(a {one_line(text(kind))})"
    with translating():
        reply: Any = client.execute_command(*(part.format(key=key) if part == "{key}" else part for part in command))  # type: ignore[no-untyped-call]
    ttl = ask_all(client, [("TTL", key)])[0]
    lasts = f"  (for {ttl} s more)" if ttl >= 0 else ""
    return shown(text(kind), reply) + lasts


def shown(kind: str, reply: Any) -> str:
    """A reply as text that is safe for a terminal. Pure."""
    if kind == "stream":
        return "\n".join(_line(f"{text(one)} {_pairs(fields)}") for one, fields in reply) or "(empty)"
    if kind == "hash":
        return _line(_pairs(reply[1]))
    if kind == "string":
        return _line(text(reply))
    members = sorted(map(text, reply[1])) if kind == "set" else list(map(text, reply))
    more = ", ..." if len(members) > MOST_ITEMS else ""
    return _line(", ".join(members[:MOST_ITEMS]) + more)


def _pairs(fields: dict[bytes, bytes]) -> str:
    pairs = [f"{text(name)}={text(value)}" for name, value in fields.items()]
    more = f" ... ({len(pairs)} fields)" if len(pairs) > MOST_ITEMS else ""
    return " ".join(pairs[:MOST_ITEMS]) + more


def _line(value: str) -> str:
    return one_line(value, _MOST_CHARACTERS)
