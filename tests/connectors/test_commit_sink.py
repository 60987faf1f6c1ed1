"""The commit that is under way: who waits for it, and that it is heard of, once, whatever happens to its reply."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
import redis
from bytewax.outputs import StatelessSinkPartition

from connectors.commit import CommitSink
from connectors.delivery import Delivery, Part, Read
from connectors.effects import Count
from connectors.instrumentation import Instrumentation
from connectors.private_redis import PrivateRedis
from connectors.service import Service
from tests.support.fault_proxy import FaultProxy, Step, Trap
from tests.support.services import service
from tests.support.waiting import wait_for

DELIVERY = Delivery("s", "g", "c", "lease:c", "token")


class Heard(Instrumentation):
    """The parts that were committed."""

    def __init__(self) -> None:
        self.parts: list[Part] = []

    def committed(self, parts: Sequence[Part], seconds: float, overflow: int) -> None:
        self.parts += parts


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> Iterator[redis.Redis]:
    """A server with a group and a lease."""
    client.xgroup_create("s", "g", "0", mkstream=True)
    client.set("lease:c", "token")
    with server.client() as one:
        yield one


@pytest.fixture
def proxy(server: PrivateRedis) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as one:
        yield one


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def service_(proxy: FaultProxy, heard: Heard) -> Service:
    return service(proxy.url, heard)


@pytest.fixture
def sink(raw: redis.Redis, service_: Service, heard: Heard) -> Iterator[StatelessSinkPartition[Part]]:
    """A sink that has committed something: it is connected, and Redis knows the script."""
    one = CommitSink(service_).build("step", 0, 1)
    one.write_batch([delivered(raw, 1)])
    service_.in_flight.finish()
    heard.parts.clear()
    raw.delete("counts")
    yield one
    one.close()


_numbers = itertools.count()


def delivered(raw: redis.Redis, count: int) -> Part:
    """New entries that consumer `c` has read, to be counted in `counts`."""
    name = f"c:read.{next(_numbers):x}"
    for _ in range(count):
        raw.xadd("s", {"f": "v"})
    ids = tuple(entry[0] for entry in raw.xreadgroup("g", name, {"s": ">"}, count=count)[0][1])
    return Part(DELIVERY._replace(reads=(Read(name, count),)), ids, (Count("counts", {"n": count}),))


def counted(raw: redis.Redis) -> int:
    return int(raw.hget("counts", "n") or 0)


def test_a_commit_is_carried_out_while_nobody_waits_for_it(
    raw: redis.Redis, proxy: FaultProxy, service_: Service, sink: StatelessSinkPartition[Part], heard: Heard
) -> None:
    let_through = threading.Event()
    trap = proxy.arm(Trap(b"EVALSHA", Step.ANSWERED, lambda: assert_true(let_through.wait(120)), cut=False))
    part = delivered(raw, 3)
    sink.write_batch([part])
    wait_for(lambda: counted(raw) == 3, "the commit")
    assert not trap.sprung.is_set()
    assert not heard.parts
    let_through.set()
    service_.in_flight.finish()
    assert heard.parts == [part]


def test_of_a_commit_whose_reply_is_lost_the_next_one_hears_first(
    raw: redis.Redis, proxy: FaultProxy, service_: Service, sink: StatelessSinkPartition[Part], heard: Heard
) -> None:
    first, second = delivered(raw, 3), delivered(raw, 4)
    trap = proxy.arm(Trap(b"EVALSHA", Step.ANSWERED, lambda: None))
    sink.write_batch([first])
    assert trap.sprung.wait(120)
    sink.write_batch([second])
    assert heard.parts == [first]
    service_.in_flight.finish()
    assert heard.parts == [first, second]
    assert (counted(raw), raw.xpending("s", "g")["pending"]) == (7, 0)


def test_a_commit_that_did_not_reach_redis_is_sent_again_at_the_next_turn(
    raw: redis.Redis, proxy: FaultProxy, service_: Service, sink: StatelessSinkPartition[Part], heard: Heard
) -> None:
    trap = proxy.arm(Trap(b"EVALSHA", Step.BEFORE, lambda: None))
    part = delivered(raw, 3)
    sink.write_batch([part])
    assert trap.sprung.wait(120)
    assert counted(raw) == 0
    service_.in_flight.finish()
    assert (counted(raw), heard.parts) == (3, [part])


def test_a_script_that_redis_has_forgotten_is_sent_whole(
    raw: redis.Redis, service_: Service, sink: StatelessSinkPartition[Part], heard: Heard
) -> None:
    raw.script_flush()
    part = delivered(raw, 3)
    sink.write_batch([part])
    service_.in_flight.finish()
    assert (counted(raw), heard.parts) == (3, [part])


def test_parts_of_several_batches_are_each_committed_once(
    raw: redis.Redis, service_: Service, sink: StatelessSinkPartition[Part], heard: Heard
) -> None:
    parts = [delivered(raw, 1) for _ in range(150)]
    sink.write_batch(parts[:140])
    sink.write_batch(parts[140:])
    service_.in_flight.finish()
    assert (counted(raw), heard.parts) == (150, parts)


def test_what_was_delivered_again_by_another_group_of_the_name_is_counted_once(
    raw: redis.Redis, service_: Service, sink: StatelessSinkPartition[Part], heard: Heard
) -> None:
    first = delivered(raw, 3)
    raw.xgroup_destroy("s", "g")
    raw.xgroup_create("s", "g", "0")
    raw.xreadgroup("g", "c:read.again", {"s": ">"}, count=4)
    again = DELIVERY._replace(generation=1, reads=(Read("c:read.again", 4),))
    ids = tuple(entry for entry, _fields in raw.xrange("s"))
    second = Part(again, ids, (Count("counts", {"n": 4}),))
    sink.write_batch([first, second])
    service_.in_flight.finish()
    assert (counted(raw), heard.parts) == (4, [second])


def test_parts_of_a_batch_wait_for_each_other(
    raw: redis.Redis, service_: Service, sink: StatelessSinkPartition[Part], heard: Heard
) -> None:
    """What is acknowledged is the whole read: with half of its parts, the other half would be lost."""
    one, two = (delivered(raw, 3) for _ in range(2))
    pieces = [
        replace(part, ids=(one_id,), effects=(Count("counts", {"n": 1}),)) for part in (one, two) for one_id in part.ids
    ]
    for piece in (pieces[3], pieces[0], pieces[4], pieces[2]):
        sink.write_batch([piece])
    service_.in_flight.finish()
    assert (counted(raw), raw.xpending("s", "g")["pending"]) == (0, 6)
    sink.write_batch([pieces[5]])
    service_.in_flight.finish()
    assert counted(raw) == 3
    assert heard.parts == [pieces[3], pieces[4], pieces[5]]
    sink.write_batch([pieces[1]])
    service_.in_flight.finish()
    assert (counted(raw), raw.xpending("s", "g")["pending"]) == (6, 0)


def test_an_entry_in_two_parts_is_not_taken_for_another_in_none(
    raw: redis.Redis, service_: Service, sink: StatelessSinkPartition[Part]
) -> None:
    """As many as were read, but not the same: the other would be acknowledged, and nothing done about it."""
    part = delivered(raw, 2)
    half = replace(part, ids=part.ids[:1], effects=(Count("counts", {"n": 1}),))
    with pytest.raises(ValueError, match=f"entry {part.ids[0].decode()} of s is in two parts"):
        sink.write_batch([half, half])
    service_.in_flight.finish()
    assert (counted(raw), raw.xpending("s", "g")["pending"]) == (0, 2)


def test_what_is_no_part_is_refused(sink: StatelessSinkPartition[Part]) -> None:
    with pytest.raises(TypeError, match="step step commits Part values, and a step gave it None: does it return"):
        sink.write_batch([None])  # type: ignore[list-item]


def test_closing_hears_of_what_is_under_way(raw: redis.Redis, service_: Service, heard: Heard) -> None:
    sink = CommitSink(service_).build("step", 0, 1)
    part = delivered(raw, 2)
    sink.write_batch([part])
    sink.close()
    assert (counted(raw), heard.parts) == (2, [part])


def test_once_a_stop_is_asked_for_nothing_is_left_to_the_next_turn(
    raw: redis.Redis, service_: Service, sink: StatelessSinkPartition[Part], heard: Heard
) -> None:
    service_.lifecycle.stop("test")
    part = delivered(raw, 2)
    sink.write_batch([part])
    assert (counted(raw), heard.parts) == (2, [part])


def assert_true(value: bool) -> None:
    assert value
