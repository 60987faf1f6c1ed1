"""What the keys that the guide names hold now, whatever their types. Reads only, and never more than a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis

from connectors.errors import RedisDenied, one_line, translate
from console.asking import ask_all, text
from console.guide.entry import Guide

MOST_ITEMS = 10
"""Fields, members or elements that are shown of one key."""

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


def read_live(client: redis.Redis, prefix: str, guide: Guide, symbols: Sequence[str]) -> dict[str, str]:
    """Key -> what it holds, printable, several lines for a stream. Those of `symbols`, where a key is a symbol's.

    Blocks for two round trips a key.

    :raises RedisError: Redis does not answer. A key that this user may not read says so in its place.
    """
    keys = []
    for look in guide.looks:
        keys += [look.key_of(prefix, symbol) for symbol in symbols] if look.per_symbol else [look.key_of(prefix, None)]
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
    try:
        reply: Any = client.execute_command(*(part.format(key=key) if part == "{key}" else part for part in command))  # type: ignore[no-untyped-call]
    except (redis.RedisError, OSError) as error:
        raise translate(error) from error
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
