"""Read model: whether Redis has room for what is to come. A full one refuses publishers: their decisions are lost."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from connectors.errors import RedisDenied
from connectors.text import one_line
from console.queries.fetch import ask_all, count_of
from console.queries.readable import percent

NEARLY = 0.9
"""The part of `maxmemory` from which on it is nearly full."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What Redis says of its memory, in bytes."""

    used: int
    limit: int
    """`maxmemory`; 0: there is none, or it is not known."""
    policy: str
    """`maxmemory-policy`."""

    @property
    def full(self) -> bool:
        """Whether it refuses to take more, or drops what it has."""
        return bool(self.limit) and self.used >= self.limit

    @property
    def trouble(self) -> str:
        """What is or soon will be lost, in one printable sentence; empty where there is room."""
        if not self.limit or self.used < NEARLY * self.limit:
            return ""
        loss = "publishers are refused" if self.policy == "noeviction" else "keys are dropped"
        if not self.full:
            return f"Redis is at {percent(self.used / self.limit)} of its maxmemory; from 100 % on {loss}"
        return f"Redis has reached its maxmemory: {loss} (maxmemory-policy {one_line(self.policy, 40)})"


def read_memory(client: redis.Redis) -> Memory:
    """Blocks for a round trip; raises `connectors.errors.RedisFailure`. Without the right to ask nothing is known."""
    try:
        (about,) = ask_all(client, [("INFO", "memory")])
    except RedisDenied:
        return Memory(0, 0, "")
    used, limit = count_of(about.get("used_memory")), count_of(about.get("maxmemory"))
    return Memory(used, limit, str(about.get("maxmemory_policy", "")))
