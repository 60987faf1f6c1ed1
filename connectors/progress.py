"""How far consumer groups have come in their streams, for whoever looks at them and is no member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from connectors.group_config import GroupConfig
from connectors.stream_id import ZERO, parse


@dataclass(frozen=True, slots=True)
class Place:
    """How far a group has come in its stream, by IDs."""

    group: tuple[str, str]
    """Stream and name."""
    read: bytes
    """The newest that was read."""
    last: bytes
    """The newest that there is."""
    pending: bytes | None
    """The oldest entry that was read and is not committed."""

    @classmethod
    def of(cls, group: GroupConfig, replies: Sequence[Any]) -> Place | None:
        """As Redis replied to what `ask` asked; None where there is no such group.

        :raises redis.RedisError: it replied with another error.
        """
        for reply in replies:
            if isinstance(reply, redis.RedisError):
                if str(reply).startswith(("NOGROUP", "no such key")):
                    return None
                raise reply
        rows, newest, pending = replies
        for row in rows:
            if row["name"] == group.group.encode():
                last = newest[0][0] if newest else ZERO
                return cls((group.stream, group.group), row["last-delivered-id"], last, pending["min"])
        return None

    def lacks(self, until: bytes | None) -> bool:
        """Whether anything up to `until` is not committed."""
        if until is None:
            return False
        if self.pending is not None and parse(self.pending) <= parse(until):
            return True
        return self.is_behind(until)

    def is_behind(self, until: bytes) -> bool:
        """Whether anything up to `until` was not read."""
        return parse(self.read) < parse(until) and parse(self.read) < parse(self.last)

    @property
    def newest(self) -> bytes:
        """The newest entry that there is, or was when it was read."""
        return max(self.read, self.last, key=parse)


REPLIES = 3
"""To what is asked for each group."""


def ask(pipeline: Any, group: GroupConfig) -> None:
    """Ask for what `Place.of` needs, `REPLIES` of them.

    What was read first: of entries that are read in between, none is taken for committed.
    """
    pipeline.xinfo_groups(group.stream)
    pipeline.xrevrange(group.stream, count=1)
    pipeline.xpending(group.stream, group.group)


def read_places(client: redis.Redis, groups: Sequence[GroupConfig]) -> list[Place | None]:
    """Of each group; None where it does not exist. Blocks for a round trip.

    :raises redis.RedisError: Redis did not answer, or not so.
    """
    pipeline = client.pipeline(transaction=False)
    for group in groups:
        ask(pipeline, group)
    replies = pipeline.execute(raise_on_error=False)
    return [Place.of(group, replies[at * REPLIES : (at + 1) * REPLIES]) for at, group in enumerate(groups)]


def are_done(places: Sequence[Place | None], until: Mapping[tuple[str, str], bytes] | None = None) -> bool:
    """Whether all groups exist and have committed all up to `until` (by `Place.group`); None: all that there is."""
    return all(
        place is not None and not place.lacks(place.newest if until is None else until.get(place.group))
        for place in places
    )
