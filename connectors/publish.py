"""Publishing rows: each to a stream, for who wants them all, and to a hash of its own, for who wants the newest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from connectors.connection import Script

_publish = Script.load("publish")

MAX_ROWS = 500
"""The most rows in one step: bounds how long it keeps Redis from other work."""

PUBLISHED, WRONG_TYPE = "P", "W"


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where rows go, and what they look like. Durations are seconds."""

    stream: str
    max_length: int
    """The stream keeps about so many entries."""
    ttl: int
    """Of a hash, from when it was last written."""
    fields: tuple[str, ...]
    """Of each row, in the entry and in the hash."""
    stamp_field: str
    """One more field of the hash: the stamp under which it was written."""


def publish(
    client: redis.Redis, outlet: Outlet, rows: Sequence[tuple[str, Sequence[str]]], stamp: str, turn: float
) -> str:
    """Publish at most MAX_ROWS `rows` (the key of a hash, and the values of `outlet.fields`) in one step.

    Safe to repeat, and to be done by several at once: a row is published once in each turn. Blocks for a round trip.

    :arg stamp: a number as text, such as the time; grows from turn to turn.
    :arg turn: the lowest stamp that belongs to this turn.
    :returns: PUBLISHED, "S" (it was published in this turn, or a later one) or WRONG_TYPE (the key holds another
        type; the row is nowhere), a letter a row.
    :raises RedisFailure: not known what was published.
    """
    keys = [outlet.stream, *(key for key, _values in rows)]
    args: list[Any] = [outlet.max_length, outlet.ttl, outlet.stamp_field, stamp, turn]
    args += [len(outlet.fields), *outlet.fields]
    for _key, values in rows:
        args += values
    reply: bytes = _publish(client, keys, args)
    return reply.decode()
