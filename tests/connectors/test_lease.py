"""A lease on a real Redis: who keeps it, who loses it, and what a loss costs."""

from __future__ import annotations

import pytest
import redis

from connectors.commit import commit
from connectors.errors import RedisAway
from connectors.group_config import GroupConfig
from connectors.lease import Lease
from connectors.private_redis import PrivateRedis
from tests.connectors.conftest import Start
from tests.support.services import Seen, add, part_of
from tests.support.waiting import wait_for


def test_a_lost_lease_makes_it_read_again_what_was_not_committed(raw: redis.Redis, start: Start, seen: Seen) -> None:
    ids = add(raw, 20)
    source = start()
    batch = source.batch()
    raw.delete(batch.delivery.lease_key)
    assert commit(raw, [part_of(batch)]).refused
    again = source.batch()
    assert [entry.id for entry in again.entries] == ids
    assert again.delivery.token != batch.delivery.token
    assert commit(raw, [part_of(again)]).applied
    assert commit(raw, [part_of(batch)]).refused
    assert (seen.fences, raw.hget("counters", "fenced_total")) == (1, b"1")


def test_a_slow_but_living_owner_keeps_its_lease(raw: redis.Redis, start: Start) -> None:
    add(raw, 3)
    owner = start(worker=0)
    batch = owner.batch()
    key = batch.delivery.lease_key
    # Not polled any more, as if a step took long: the lease would end after 2 s without its thread.
    last = raw.pttl(key)
    renewals = 0

    def renewed() -> bool:
        nonlocal last, renewals
        now = raw.pttl(key)
        renewals += now > last
        last = now
        return renewals >= 4

    wait_for(renewed, "four renewals, more than a time to live")
    assert commit(raw, [part_of(batch)]).applied


def test_an_owner_that_makes_no_progress_loses_its_lease(raw: redis.Redis, start: Start) -> None:
    add(raw, 3)
    owner = start(worker=0, config=GroupConfig("s", "g", "counters", "lease:", lease_ttl=1.0, stall=0.2))
    batch = owner.batch()
    wait_for(lambda: not raw.exists(batch.delivery.lease_key), "the end of the lease")


def test_a_closed_source_renews_its_lease_no_more(raw: redis.Redis, start: Start) -> None:
    add(raw, 1)
    source = start(config=GroupConfig("s", "g", "counters", "lease:", lease_ttl=0.5))
    batch = source.batch()
    source.partition.close()
    wait_for(lambda: not raw.exists(batch.delivery.lease_key), "the end of the lease")


def test_an_acquisition_whose_reply_was_lost_is_our_own(raw: redis.Redis, server: PrivateRedis) -> None:
    lease = Lease(raw, "lease:c", "counters", 60.0, 60.0)
    real = lease._client
    lease._client = LosingReplies(real)  # type: ignore[assignment]
    with pytest.raises(RedisAway):
        lease.acquire()
    lease._client = real
    assert lease.acquire()
    lease.close()


class LosingReplies:
    """Carries scripts out and loses the reply."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def evalsha(self, *_args: object) -> object:
        raise redis.exceptions.NoScriptError("not here")

    def eval(self, *args: object) -> object:
        self._client.eval(*args)  # type: ignore[arg-type]
        raise redis.exceptions.ConnectionError("lost")
