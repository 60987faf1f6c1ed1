"""The benchmarks measure what they say: loads are what they claim to add up to, and contestants count them."""

from __future__ import annotations

import pytest

from connectors.private_redis import PrivateRedis
from tests.bench import race
from tests.bench.load import Load
from tests.support import oracle, recount


@pytest.mark.parametrize("load", [Load(5_000, fields=4), Load(5_000, 8, 3, 12, rate=20), Load(5_000, 20, 30, 1)])
def test_a_load_adds_up_to_what_it_says(load: Load) -> None:
    with PrivateRedis() as server, server.client() as client:
        begins = load.fill(server)
        entries = list(recount.entries(client))
    assert len(entries) == load.entries
    assert {len(fields) for _id, fields in entries} == {load.fields}
    assert not any(oracle.meaning_of(entry).skewed for entry in entries)
    assert load.expected(begins) == oracle.expected_buckets(entries)
    assert len({oracle.meaning_of(entry).symbol for entry in entries}) == load.symbols
    assert len({oracle.meaning_of(entry).reason for entry in entries}) == load.reasons


@pytest.mark.parametrize(
    "contestant", [race.P35, race.FLOOR, race.CAREFUL, race.FOLDED, race.NAIVE], ids=lambda one: one.name
)
def test_a_contestant_works_through_the_stream_and_is_exact(contestant: race.Contestant) -> None:
    load = Load(3_000 if contestant is race.NAIVE else 60_000, rate=100)
    with PrivateRedis() as server:
        lap = race.run(server, contestant, load, load.fill(server), race.Setting(batch=100))
    assert min(lap.rate, lap.cost, lap.redis_cost) > 0


def test_a_contestant_that_is_not_exact_is_found_out() -> None:
    load = Load(60_000)
    with PrivateRedis() as server:
        begins = load.fill(server)
        with pytest.raises(race.NotExact):
            race.run(server, race.P35, load, begins + 60, race.Setting(batch=100))


def test_two_processes_share_the_work() -> None:
    load = Load(200_000)
    with PrivateRedis() as server:
        lap = race.run(server, race.P35, load, load.fill(server), race.Setting(processes=2))
    assert lap.rate > 0
