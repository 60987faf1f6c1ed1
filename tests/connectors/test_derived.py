"""A sink of derived values: the newest of each batch is written, and dropped where it cannot be."""

from __future__ import annotations

import pytest
import redis
from structlog.testing import capture_logs

from connectors.derived import DerivedSink
from connectors.private_redis import PrivateRedis
from connectors.service import Service
from tests.support.services import service


class Writer:
    """Writes numbers, and remembers which it has been told were written."""

    def __init__(self) -> None:
        self.written: list[int] = []

    def __call__(self, client: redis.Redis, value: int) -> None:
        client.set("newest", value)


@pytest.fixture
def one(server: PrivateRedis, client: redis.Redis) -> Service:
    return service(server.url)


def test_of_a_batch_the_newest_is_written_and_told_of(client: redis.Redis, one: Service) -> None:
    writer = Writer()
    partition = DerivedSink(one, "test", writer, writer.written.append).build("step", 0, 1)
    partition.write_batch([1, 2, 3])
    partition.write_batch([])
    assert (client.get("newest"), writer.written) == ("3", [3])
    partition.close()


def test_what_cannot_be_written_is_dropped_and_told_once(client: redis.Redis, one: Service) -> None:
    writer, fails = Writer(), [True]

    def write(raw: redis.Redis, value: int) -> None:
        if fails[0]:
            raise redis.exceptions.ReadOnlyError("READONLY You can't write against a read only replica.")
        writer(raw, value)

    partition = DerivedSink(one, "test", write, writer.written.append).build("step", 0, 1)
    with capture_logs() as logs:
        partition.write_batch([1])
        partition.write_batch([2])
        assert (client.exists("newest"), writer.written) == (0, [])
        fails[0] = False
        partition.write_batch([3])
    assert (client.get("newest"), writer.written) == ("3", [3])
    assert [line["log_level"] for line in logs] == ["warning", "info"]
    partition.close()


@pytest.mark.parametrize("beside", [False, True])
def test_a_flow_works_without_what_is_beside_it(client: redis.Redis, one: Service, beside: bool) -> None:
    fails = [True]

    def write(raw: redis.Redis, value: int) -> None:
        if fails[0]:
            raise redis.exceptions.OutOfMemoryError("OOM command not allowed when used memory > 'maxmemory'.")
        raw.set("newest", value)

    one.outage.up("source")
    partition = DerivedSink(one, "test", write, beside=beside).build("step", 0, 1)
    partition.write_batch([1])
    assert (one.outage.redis_up, one.outage.works) == (False, beside)
    fails[0] = False
    partition.write_batch([2])
    assert (one.outage.redis_up, one.outage.works) == (True, True)
    partition.close()
