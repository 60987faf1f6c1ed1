"""The status hash."""

from __future__ import annotations

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from connectors.group_state import GroupState
from connectors.private_redis import PrivateRedis
from sinks import p35_status
from tests.support.ledger import Ledger

KEY = "quantum:p35:status"
FACTS = {"consumer_name": "host-1", "service_start_ts": "1769929020", "version": "0.1.0"}

CONTRACT = {
    "processed_total",
    "pending_estimate",
    "lag",
    "last_id",
    "last_ts",
    "consumer_name",
    "service_start_ts",
    "late_total",
    "skewed_total",
    "overflow_total",
    "claimed_total",
    "fenced_total",
    "trimmed_total",
    "version",
}


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """An empty Redis whose replies are bytes, as the flow sees them."""
    return server.client()


COMMITS = st.lists(
    st.tuples(st.integers(1, 50), st.integers(0, 10**9), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=8,
)


@given(COMMITS, st.data())
def test_totals_add_up_and_newest_values_stay_in_any_order(
    commits: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    ledger = Ledger()
    for entries, milliseconds, skewed, late in data.draw(st.permutations(commits)):
        ledger.apply(p35_status.effects("quantum", entries, milliseconds / 1000, skewed, late))
    fields = ledger.hashes[KEY]
    assert float(fields["last_ts"]) == max(one[1] for one in commits) / 1000
    for name, position in (("processed_total", 0), ("skewed_total", 2), ("late_total", 3)):
        assert int(fields.get(name, "0")) == sum(one[position] for one in commits)


def test_a_new_status_has_all_fields_of_the_contract(client: redis.Redis, raw: redis.Redis) -> None:
    p35_status.write(raw, "quantum", GroupState(3, 9, 1), FACTS)
    client.hset(KEY, mapping={"last_id": "1-0", "last_ts": "1"})  # (written with the first commit)
    assert set(client.hgetall(KEY)) == CONTRACT
    assert client.ttl(KEY) == -1


def test_looking_at_the_group_changes_no_total(client: redis.Redis, raw: redis.Redis) -> None:
    totals = {name: str(number) for number, name in enumerate(p35_status.COUNTERS, 5)} | {
        "last_id": "7-1",
        "last_ts": "8",
    }
    client.hset(KEY, mapping=dict(totals))
    p35_status.write(raw, "quantum", GroupState(3, 9, 1), FACTS)
    assert client.hgetall(KEY) == {**totals, **FACTS, "pending_estimate": "3", "lag": "9"}


def test_a_lag_that_redis_does_not_know_is_absent_and_not_zero(client: redis.Redis, raw: redis.Redis) -> None:
    p35_status.write(raw, "quantum", GroupState(0, 9, 1), FACTS)
    assert client.hget(KEY, "lag") == "9"
    p35_status.write(raw, "quantum", GroupState(0, None, 1), FACTS)
    assert client.hget(KEY, "lag") is None
    p35_status.write(raw, "quantum", GroupState(0, 0, 1), FACTS)
    assert client.hget(KEY, "lag") == "0"
