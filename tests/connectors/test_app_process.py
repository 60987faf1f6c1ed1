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
@app.each("orders", dead_letters="orders:dead")
def orders(entry):
    yield Count("orders:by_customer", {entry["customer"]: int(entry["n"])})
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    (tmp_path / "orders.py").write_text(PROGRAM, "utf-8")
    return f"{tmp_path}/orders:app"


def test_killed_while_it_counts_it_ends_exact(client: redis.Redis, flows: FlowProcess.Factory, program: str) -> None:
    expected: Counter[str] = Counter()
    pipeline = client.pipeline(transaction=False)
    for number in range(6_000):
        customer, n = f"c{number % 7}", number % 11
        pipeline.xadd("orders", {"customer": customer, "n": n if number % 1_000 else "none"})
        expected[customer] += n if number % 1_000 else 0
    pipeline.execute()

    def counted() -> int:
        return sum(map(int, client.hvals("orders:by_customer")))

    for least in (1, sum(expected.values()) // 3):
        process = flows(module=program, READ_BATCH="10", LEASE_TTL_SEC="0.5")
        wait_for(lambda least=least: counted() >= least, "some counts", every=0.001)
        process.kill()
        assert counted() < sum(expected.values())
    process = flows(module=program, LEASE_TTL_SEC="0.5")
    wait_for(lambda: counted() == sum(expected.values()), "all counts")
    assert process.stop() == 0, process.log()
    assert client.hgetall("orders:by_customer") == {customer: str(n) for customer, n in expected.items()}
    assert client.xlen("orders:dead") == 6
    assert client.xpending("orders", "orders")["pending"] == 0


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
