"""A Redis that is full is told before anybody notices that decisions are missing."""

from __future__ import annotations

import pytest

from console.queries.memory import Memory, read_memory
from tests.support import users
from tests.support.quantum import quantum

MANY = 10**9


@pytest.mark.parametrize(
    ("memory", "trouble"),
    [
        (Memory(MANY, 0, "noeviction"), ""),
        (Memory(899, 1_000, "noeviction"), ""),
        (Memory(900, 1_000, "noeviction"), "at 90 % of its maxmemory; from 100 % on publishers are refused"),
        (Memory(999, 1_000, "allkeys-lru"), "at >99 % of its maxmemory; from 100 % on keys are dropped"),
        (Memory(1_000, 1_000, "noeviction"), "reached its maxmemory: publishers are refused"),
        (Memory(1_001, 1_000, "volatile-ttl"), "reached its maxmemory: keys are dropped"),
    ],
)
def test_what_is_told_of_memory(memory: Memory, trouble: str) -> None:
    assert trouble in memory.trouble
    assert bool(trouble) == bool(memory.trouble)


def test_check_and_health_say_that_redis_is_full() -> None:
    with users.SecuredRedis() as server, server.client(decode_responses=True) as client:
        client.xgroup_create("quantum:stream:apply.result", "p35_decision_intel", mkstream=True)
        assert not read_memory(client).trouble
        assert "maxmemory" not in quantum(server.url, "health").stdout
        client.config_set("maxmemory", int(client.info("memory")["used_memory"]) // 2)
        check = quantum(server.url, "check")
        assert check.returncode == 2
        assert "Redis has reached its maxmemory: publishers are refused" in check.stdout
        assert "! Redis has reached its maxmemory" in quantum(server.url, "health").stdout
