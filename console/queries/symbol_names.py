"""Which symbols are meant by names that a person typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import redis

from console.queries.fetch import ask_all, text
from console.queries.nearest import nearest
from console.queries.symbols import busiest, read_totals
from sinks.symbols import last_seen_key


@dataclass(frozen=True, slots=True)
class Named:
    """A symbol, by the name that it has in Redis, where it is known."""

    name: str
    nearest: tuple[str, ...] | None = None
    """Known symbols with names like it, where it is not known itself; None: it is."""


def find_symbols(client: redis.Redis, prefix: str, minutes: Sequence[int], names: Sequence[str]) -> list[Named]:
    """The known symbols of these names, else of these names in another case; each once, in the order of `names`.

    Known are those with decisions in `minutes`, and those of which Redis knows when they were last seen. Blocks for a
    round trip, and where one is not known by that for one each 15 minutes; raises `connectors.errors.RedisFailure`.
    """
    if not names:
        return []
    key = last_seen_key(prefix)
    (ages,) = ask_all(client, [("HMGET", key, *names)])
    seen = {name for name, age in zip(names, ages, strict=True) if age is not None}
    if len(seen) < len(set(names)):
        totals = read_totals(client, prefix, minutes)
        (known,) = ask_all(client, [("HGETALL", key)])
        seen = {*busiest(totals, len(totals)), *map(text, known)}
    found: dict[str, Named] = {}
    for name in names:
        same = [name] if name in seen else sorted(one for one in seen if one.lower() == name.lower())
        for one in same:
            found.setdefault(one, Named(one))
        if not same:
            found.setdefault(name, Named(name, tuple(nearest(name, sorted(seen)))))
    return list(found.values())
