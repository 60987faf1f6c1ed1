"""The smallest program, as a process: killed while it counts, it ends exact."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import redis

from tests.support.flow_process import FlowProcess
from tests.support.waiting import wait_for

PROGRAM = """
from connectors import App, Count
app = App("orders")
@app.each("orders", dead_letters="orders:dead", retries=1)
def orders(entry):
    yield Count("orders:by_customer", {entry["customer"]: int(entry["n"])})
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    (tmp_path / "orders.py").write_text(PROGRAM, "utf-8")
    return f"{tmp_path}/orders:app"


def test_killed_while_it_counts_it_ends_exact(client: redis.Redis, flows: FlowProcess.Factory, program: str) -> None:
    expected: Counter[str] = Counter()

    def publish(count: int) -> None:
        pipeline = client.pipeline(transaction=False)
        for number in range(count):
            customer, n = f"c{number % 7}", number % 11
            pipeline.xadd("orders", {"customer": customer, "n": n if number % 1_000 else "none"})
            expected[customer] += n if number % 1_000 else 0
        pipeline.execute()

    def counted() -> int:
        return sum(map(int, client.hvals("orders:by_customer")))

    for _ in range(2):
        before = counted()
        publish(2_000)
        process = flows(module=program, READ_BATCH="10", LEASE_TTL_SEC="0.5")
        wait_for(lambda before=before: counted() > before, "some counts", every=0.001)
        process.kill()
    publish(2_000)
    process = flows(module=program, LEASE_TTL_SEC="0.5")
    wait_for(lambda: counted() == sum(expected.values()) and client.xlen("orders:dead") == 6, "all counts")
    assert process.stop() == 0, process.log()
    assert client.hgetall("orders:by_customer") == {customer: str(n) for customer, n in expected.items()}
    assert client.xlen("orders:dead") == 6
    assert client.xpending("orders", "orders")["pending"] == 0


JOINED = """
from dataclasses import dataclass
from connectors import App, Count, Put

@dataclass
class Order:
    customer: str
    n: int

app = App("shop")

@app.each(["eu", "us"], value=Order, join=app.table("customer", key="customer"), dead_letters="dead")
def orders(entry, row):
    yield Count("by_country", {row.get("country", "none"): entry.value.n})
    yield Count(f"by_stream:{entry.stream}", {entry["customer"]: 1})

@app.every(0.05)
def total(redis):
    return Put("total", {"n": str(sum(map(int, redis.hvals("by_country"))))})
"""


def test_two_streams_that_are_joined_end_exact_with_two_instances_of_which_one_is_killed(
    client: redis.Redis, flows: FlowProcess.Factory, tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text(JOINED, "utf-8")
    for number in range(0, 7, 2):
        client.hset(f"customer:c{number}", mapping={"country": f"l{number}", "name": "x"})
    countries: Counter[str] = Counter()
    customers: dict[str, Counter[str]] = {"eu": Counter(), "us": Counter()}

    def publish() -> None:
        pipeline = client.pipeline(transaction=False)
        for number in range(2_000):
            stream, of, n = ("eu", "us")[number % 3 % 2], number % 7, number % 11
            pipeline.xadd(stream, {"customer": f"c{of}", "n": n if number % 1_000 else ""})
            if number % 1_000:
                countries[f"l{of}" if of % 2 == 0 else "none"] += n
                customers[stream][f"c{of}"] += 1
        pipeline.execute()

    publish()
    first, second = (flows(module=f"{tmp_path}/shop:app", READ_BATCH="10", LEASE_TTL_SEC="0.5") for _ in range(2))
    wait_for(lambda: client.hvals("by_country"), "some counts", every=0.001)
    first.kill()
    publish()
    wait_for(lambda: client.hget("total", "n") == str(sum(countries.values())), "the total of all")
    assert second.stop() == 0, second.log()
    assert client.hgetall("by_country") == {country: str(n) for country, n in countries.items()}
    for stream, seen in customers.items():
        assert client.hgetall(f"by_stream:{stream}") == {customer: str(n) for customer, n in seen.items()}
        assert client.xpending(stream, "shop")["pending"] == 0
    assert client.xlen("dead") == 4


@pytest.mark.parametrize("workers", [(), ("-w", "2")])
def test_a_wrong_setting_is_one_line_and_status_78(
    flows: FlowProcess.Factory, program: str, workers: list[str]
) -> None:
    process = flows(*workers, module=program, MAX_IN_FLIGHT="none")
    assert process.wait() == 78
    (line,) = process.log().splitlines()
    assert line.startswith("setting MAX_IN_FLIGHT='none' is wrong: must be")


def test_an_app_that_is_only_imported_by_the_one_that_runs_does_nothing(
    client: redis.Redis, flows: FlowProcess.Factory, program: str, tmp_path: Path
) -> None:
    other = PROGRAM.replace('"orders', '"other').replace("@app", "import orders as first\n@app")
    (tmp_path / "other.py").write_text(other, "utf-8")
    client.xadd("other", {"customer": "ann", "n": "5"})
    process = flows(module=f"{tmp_path}/other:app")
    wait_for(lambda: client.hget("other:by_customer", "ann"), "the count")
    assert process.stop() == 0, process.log()
    assert process.log().count("stopped") == 1
    assert not client.exists("orders")
