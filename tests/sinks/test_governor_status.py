"""The status of the governor, on a real Redis: what is counted, and what is looked at."""

from __future__ import annotations

from itertools import permutations

import pytest
import redis

from connectors.commit import commit
from connectors.delivery import Delivery, Part, Read
from connectors.group_state import GroupState
from connectors.private_redis import PrivateRedis
from sinks import governor_status

KEY = "quantum:governor:status"
FACTS = {"consumer_name": "host-1", "service_start_ts": "7", "version": "1.2.3"}


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """An empty Redis whose replies are bytes, as the flow sees them."""
    return server.client()


@pytest.mark.parametrize("order", list(permutations([(5, 2), (1, 1), (3, 0)])))
def test_totals_add_up_and_the_newest_id_stays_in_any_order(
    client: redis.Redis, raw: redis.Redis, order: tuple[tuple[int, int], ...]
) -> None:
    client.xgroup_create("s", "g", "0", mkstream=True)
    client.set("lease", "token")
    owner = Delivery("s", "g", "c", "lease", "token", KEY)
    for number in range(1, 4):
        client.xadd("s", {"f": "v"}, id=f"{number}-0")
    for number in range(1, 4):
        client.xreadgroup("g", f"c{number}", {"s": ">"}, count=1)
    for number, (plans, permits) in zip((2, 3, 1), order, strict=True):
        entry = b"%d-0" % number
        effects = tuple(governor_status.effects("quantum", plans, permits))
        delivery = owner._replace(reads=(Read(f"c{number}", 1, entry),))
        assert commit(raw, [Part(delivery, (entry,), effects)]).applied
    assert client.hgetall(KEY) == {"processed_total": "9", "permits_total": "3", "last_id": "3-0"}


def test_looking_at_the_group_changes_no_total_and_an_unknown_lag_is_absent(client: redis.Redis) -> None:
    client.hset(KEY, "processed_total", 7)
    governor_status.write(client, "quantum", GroupState(3, 4, 1), FACTS)
    assert client.hgetall(KEY) == {"processed_total": "7", "pending_estimate": "3", "lag": "4", **FACTS}
    governor_status.write(client, "quantum", GroupState(0, None, 1), FACTS)
    assert client.hgetall(KEY) == {"processed_total": "7", "pending_estimate": "0", **FACTS}
