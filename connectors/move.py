"""Moving counts between hashes, in one step: what was counted stays counted, somewhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from connectors.connection import Script

_move_counts = Script.load("move_counts")


@dataclass(frozen=True, slots=True)
class Move:
    """A part of a count."""

    source: str
    """The hash that holds it."""
    target: str | None
    """The hash that gets it, under the same field; None: it is only taken away."""
    field: str
    count: int
    """More than 0."""


@dataclass(frozen=True, slots=True)
class Short:
    """A field that holds less than was to be moved."""

    key: str
    field: str
    found: str | None
    """As it is in Redis; None: there is no such field."""


def move(client: redis.Redis, moves: Sequence[Move]) -> Short | None:
    """Carry out all of `moves`, or none where one is impossible: then the first that is.

    No field may be the source of two moves. Not to be repeated where the reply was lost. Blocks for a round trip.

    :raises RedisFailure: not known whether they were carried out; a RedisDenied: they were not.
    """
    positions: dict[str, int] = {}
    args: list[Any] = []
    for one in moves:
        source = positions.setdefault(one.source, len(positions) + 1)
        target = "" if one.target is None else positions.setdefault(one.target, len(positions) + 1)
        args += [source, target, one.field, one.count]
    reply = _move_counts(client, list(positions), args)
    if not reply:
        return None
    key, field, found = reply
    return Short(_text(key), _text(field), None if found is None else _text(found))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
