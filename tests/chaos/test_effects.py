"""All effects, retries and dead letters in one flow that is killed: each entry is done once, or a dead letter once."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal

import pytest
import redis

from connectors.private_redis import PrivateRedis
from tests.chaos.conftest import VERSIONS, versions_of
from tests.chaos.harness import FULL, KILLS, SEED
from tests.support.effects_flow import CONFIG, DEAD, RETRIES, hopeless
from tests.support.flow_process import FlowProcess
from tests.support.waiting import wait_for

MODULE = "tests.support.effects_flow"
SHARE = 1_000 if FULL else 150
"""Entries between two kills."""


def seen_to(raw: redis.Redis) -> int:
    return int(raw.hlen("fx:count") + raw.xlen(DEAD))


def quiet(raw: redis.Redis, published: int) -> bool:
    (group,) = raw.xinfo_groups(CONFIG.stream)
    return group["pending"] == 0 and seen_to(raw) >= published


@pytest.mark.parametrize("version", versions_of("effects"))
def test_killed_at_any_moment_each_entry_is_done_once_or_a_dead_letter_once(version: str) -> None:
    """Guards that the effects, the move to where failed entries wait, and the acknowledgement are one step."""
    rng = random.Random(f"{SEED} effects {version}")
    orders: dict[str, tuple[str, str]] = {}
    with (
        PrivateRedis(VERSIONS[version]) as server,
        server.client(decode_responses=True) as raw,
        FlowProcess.factory(server.url) as start,
    ):
        running = [start(module=MODULE), start(module=MODULE)]
        for _ in range(KILLS):
            pipeline = raw.pipeline(transaction=False)
            for _ in range(SHARE):
                number, customer = str(len(orders)), rng.choice(["ann", "bob", "cid"])
                orders[number] = (customer, f"{rng.randrange(-10_000, 10**9)}e-2")
                pipeline.xadd(CONFIG.stream, {"n": number, "customer": customer, "usd": orders[number][1]})
            pipeline.execute()
            wanted = len(orders) - SHARE + rng.randrange(1, SHARE)
            wait_for(lambda wanted=wanted: seen_to(raw) >= wanted, "progress", every=0.002)  # type: ignore[misc]
            running.pop(rng.randrange(2)).kill()
            running.append(start(module=MODULE))
        wait_for(lambda: quiet(raw, len(orders)), "rest")
        letters = [fields for _id, fields in raw.xrange(DEAD)]
        ids = {one: fields["n"] for one, fields in raw.xrange(CONFIG.stream)}
        dead = {ids[one["id"]] for one in letters}
        done = orders.keys() - dead
        assert len(dead) == len(letters)
        assert {number for number in orders if hopeless(int(number))} <= dead
        assert {one["attempts"] for one in letters} == {str(RETRIES + 1)}
        customers = Counter(orders[number][0] for number in done)
        sums = {name: sum(Decimal(orders[one][1]) for one in done if orders[one][0] == name) for name in customers}
        assert raw.hgetall("fx:count") == dict.fromkeys(done, "1")
        assert raw.hgetall("fx:sums") == {name: f"{total:.2f}" for name, total in sums.items()}
        assert raw.smembers("fx:seen") == done
        assert raw.pfcount("fx:customers") == len(customers)
        assert dict(raw.zrange("fx:top", 0, -1, withscores=True)) == customers
        later = {name: int(count) for name, count in raw.hgetall("fx:later").items()}
        assert later == {name: count - 1 for name, count in customers.items()}
        assert raw.hgetall("fx:first").keys() == customers.keys()
        assert sorted(fields["n"] for _id, fields in raw.xrange("fx:log")) == sorted(done)
        assert raw.hgetall("fx:windows:1000000000") == dict.fromkeys(done, "1")
        for name, count in customers.items():
            assert raw.hlen(f"fx:last:{name}") == 1
            assert [n for field, n in raw.hgetall(f"fx:visits:of:{name}").items() if " " in field] == [str(count)]
        assert [one.stop() for one in running] == [0, 0]
        assert "Traceback" not in "".join(one.log() for one in running)
