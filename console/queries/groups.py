"""Read model: consumer groups of streams, as Redis knows them, and which of their consumers live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import redis

from connectors.consumer_names import consumer_of
from connectors.group_config import GroupConfig
from console.queries.fetch import ask_all, text

EACH_ITS_OWN = ""
"""In place of what leases begin with: that of each group, where nothing else was said when it was made."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group, and all that it reads: the names of its reads are folded into its own."""

    name: str
    pending: int
    """Entries delivered to it and not acknowledged."""
    idle: float
    """Seconds since it last asked for anything; before Redis 7.2, since it last got something."""
    alive: bool | None
    """Whether it holds a lease; None where its kind has none."""


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group of a stream."""

    stream: str
    name: str
    length: int
    """Entries in the stream."""
    last_id: str
    """The last entry that was delivered."""
    pending: int
    lag: int | None
    """Entries not yet delivered; None: Redis does not know (before 7.0 never)."""
    consumers: tuple[Member, ...]
    """By name."""

    @property
    def waiting(self) -> int:
        """Entries not acknowledged yet, delivered or not, as far as Redis knows."""
        return self.pending + (self.lag or 0)

    @property
    def alive(self) -> bool:
        """Whether a member holds a lease."""
        return any(consumer.alive for consumer in self.consumers)


def read_groups(client: redis.Redis, streams: Mapping[str, str | None]) -> tuple[Group, ...]:
    """All groups of `streams`, in that order and by name; none of a stream that does not exist.

    Blocks for three round trips; raises `connectors.errors.RedisFailure`.

    :arg streams: the key of each stream, and what the leases of its consumers begin with (None: they have none), or
        EACH_ITS_OWN.
    """
    first = ask_all(client, [command for key in streams for command in (("XLEN", key), ("XINFO GROUPS", key))])
    found = [
        (key, int(length or 0), group)
        for key, length, groups in zip(streams, first[::2], first[1::2], strict=True)
        for group in sorted(groups or [], key=lambda one: text(one["name"]))
    ]
    members = ask_all(client, [("XINFO CONSUMERS", key, group["name"]) for key, _, group in found])
    rows = [_folded(some or []) for some in members]
    leases = [
        ("EXISTS", (prefix or GroupConfig(key, text(group["name"])).lease_prefix).encode() + name)
        for (key, _, group), some in zip(found, rows, strict=True)
        if (prefix := streams[key]) is not None
        for name in some
    ]
    alive = iter(ask_all(client, leases))
    return tuple(
        Group(
            key,
            text(group["name"]),
            length,
            text(group["last-delivered-id"]),
            int(group["pending"]),
            None if group.get("lag") is None else int(group["lag"]),
            tuple(
                Member(text(name), pending, idle_ms / 1000, None if streams[key] is None else bool(next(alive)))
                for name, (pending, idle_ms) in some.items()
            ),
        )
        for (key, length, group), some in zip(found, rows, strict=True)
    )


def _folded(rows: Iterable[Mapping[str, Any]]) -> dict[bytes, tuple[int, int]]:
    """Name -> what is pending for the consumer and its reads together, and its least idle time, in milliseconds."""
    found: dict[bytes, tuple[int, int]] = {}
    for row in rows:
        name, pending, idle_ms = consumer_of(_bytes(row["name"])), int(row["pending"]), int(row["idle"])
        if name in found:
            pending, idle_ms = pending + found[name][0], min(idle_ms, found[name][1])
        found[name] = (pending, idle_ms)
    return dict(sorted(found.items(), key=lambda one: text(one[0])))


def _bytes(name: bytes | str) -> bytes:
    return name.encode() if isinstance(name, str) else name
