"""Many hashes in one go, on a real Redis."""

from __future__ import annotations

import redis

from connectors.hash_reader import read_hashes
from connectors.lookup_result import Found, Missing
from connectors.private_redis import PrivateRedis

FIELDS = (b"a", b"b")


def test_more_keys_than_fit_in_a_packet_keep_their_order(client: redis.Redis, server: PrivateRedis) -> None:
    pipeline = client.pipeline()
    for number in range(0, 2_500, 2):
        pipeline.hset(f"k{number}", "a", number)
    pipeline.execute()
    with server.client() as one:
        found = read_hashes(one, [f"k{number}" for number in range(2_500)], FIELDS)
    assert found == [Missing() if number % 2 else Found({b"a": b"%d" % number}) for number in range(2_500)]
