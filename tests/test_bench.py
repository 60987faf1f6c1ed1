"""The benchmarks measure what they say: loads are what they claim to add up to, and contestants count them."""

from __future__ import annotations

import json
import random
from xml.etree import ElementTree

import pytest

from connectors.private_redis import PrivateRedis
from tests.bench import chart, freshness, memory, page, race, throughput
from tests.bench.load import Load
from tests.bench.processes import FLOW, Measured
from tests.bench.publisher import Timetable
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


def test_memory_is_that_of_buckets_in_which_all_meet() -> None:
    found = memory.measure("8.2", symbols=3, reasons=10, rate=1, minutes=2)
    # 4 decisions, 10 reasons, and for each symbol 4 decisions and 10 reasons
    assert found["fields"] == 4 + 10 + 3 * (4 + 10)
    assert found["bucket"] > found["names"] > 10 * found["fields"]
    assert found["entry"] > 30


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


def test_the_page_shows_what_was_measured() -> None:
    if not page.DATA.exists():
        assert "Not measured yet" in page.PAGE.read_text("utf-8")
        return
    for path, text in page.rendered(json.loads(page.DATA.read_text("utf-8"))).items():
        assert path.read_text("utf-8") == text


def test_the_picture_is_well_formed_and_bounded() -> None:
    case = {"dimension": "", "value": 0, "laps": {one.name: [{"rate": 7.0}] for one in throughput.EVERYONE}}
    faster = {"dimension": "workers", "value": 2, "laps": {"flow": [{"rate": 3.0}], "floor": [{"rate": 2.0}]}}
    picture = ElementTree.fromstring(chart.draw({"cases": [case, faster]}))
    texts = {element.text for element in picture.iter() if element.text and element.text.strip()}
    assert {"flows.p35", "a naive loop", "2 workers", "1.50"} <= texts
    ends = [float(one.get("x", 0)) + float(one.get("width", 0)) for one in picture.iter() if one.tag.endswith("rect")]
    assert len(ends) == 7
    assert max(ends) <= float(picture.get("width", 0))


def test_latency_counts_from_the_timetable() -> None:
    table = Timetable(start=100.0, rate=4, seconds=1.0)
    assert [table.due(number) for number in range(4)] == [100.0, 100.25, 100.5, 100.75]
    # The publisher (or Redis, or the flow) stalls: the second and the third are seen together, half a second late.
    assert freshness.latencies(table, [(100.125, 1), (101.0, 3), (101.0, 4)]) == [0.125, 0.75, 0.5, 0.25]


def test_bursts_are_due_together() -> None:
    table = Timetable(start=0.0, rate=10_000, seconds=0.002)
    assert table.entries == 20
    assert [table.due(number) for number in range(20)] == [0.0] * 10 + [0.001] * 10


def test_a_quantile_is_a_value_that_was_seen() -> None:
    values = list(range(1, 1_001))
    random.Random(1).shuffle(values)
    assert [freshness.quantile(values, share) for share in (0.5, 0.99, 1.0)] == [500, 990, 1_000]
    assert freshness.quantile([7.0], 0.99) == 7.0


def test_ratios_are_taken_within_a_round() -> None:
    laps = {
        "flow": [{"rate": 50}, {"rate": 10}, {"rate": 90}],
        "floor": [{"rate": 100}, {"rate": 100}, {"rate": 100}],
    }
    assert throughput.ratio({"laps": laps}, "flow", "floor") == 0.5


def test_freshness_of_a_running_flow() -> None:
    with PrivateRedis() as server, server.client() as client, Measured(server, FLOW) as flow:
        result = freshness.watch(server, client, flow, rate=2_000, seconds=0.5)
        assert recount.processed(client) == 1_000
        flow.stop()
    assert 0 < result["p50"] <= result["p99"] <= result["max"]
