"""Effects on members: of sets, of sets that are only counted, and of ranks. See `connectors.effects`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.effect_checks import check_key, check_limit, check_sendable, is_integer, name_of


def _check_members(effect: Any, members: Any) -> None:
    if isinstance(members, str | bytes) or not isinstance(members, Collection):
        raise ValueError(f"{name_of(effect)} {effect.key!r} takes a collection of members, not {members!r:.40}")
    for one in members:
        if not isinstance(one, str | bytes):
            raise ValueError(f"{name_of(effect)} {effect.key!r}: {one!r:.40} cannot be a member, it must be text")
    check_sendable(effect, members)


@dataclass(frozen=True, slots=True)
class Include:
    """Add members to the set `key` (SADD)."""

    key: str
    members: Collection[str]
    ttl: int | None = None

    def __post_init__(self) -> None:
        check_key(self, self.ttl)
        _check_members(self, self.members)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Count distinct members, roughly: add them to the HyperLogLog `key` (PFADD), which PFCOUNT asks.

    It tells how many there were to 0.81 %, and not which.
    """

    key: str
    members: Collection[str]
    ttl: int | None = None

    def __post_init__(self) -> None:
        check_key(self, self.ttl)
        _check_members(self, self.members)


@dataclass(frozen=True, slots=True)
class Top:
    """Add to scores of members of the sorted set `key` (ZINCRBY), and keep the `limit` members with the highest.

    A member that was dropped starts over, at 0, when it comes again: where there are many more members than `limit`,
    scores near the lowest are too low. Give it room, several times what is asked for. Scores are exact to 2**53.
    """

    key: str
    counts: Mapping[str, int]
    limit: int | None = None
    """None: all are kept."""
    ttl: int | None = None

    def __post_init__(self) -> None:
        check_key(self, self.ttl)
        check_limit(self, self.limit, "members")
        for member, count in self.counts.items():
            if not isinstance(member, str) or not is_integer(count, 2**53):
                raise ValueError(f"Top {self.key!r}: {member!r} cannot be counted up by {count!r}")
        check_sendable(self, self.counts)
