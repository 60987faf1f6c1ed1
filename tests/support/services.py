"""Services on a private Redis, with a lifecycle of their own, and sources driven by hand."""

from __future__ import annotations

from typing import ClassVar

import redis
from bytewax.inputs import StatelessSourcePartition

from connectors.consumer_names import consumer_of
from connectors.delivery import Batch, Part
from connectors.effects import Count
from connectors.group_config import GroupConfig
from connectors.instrumentation import Instrumentation
from connectors.lifecycle import Lifecycle
from connectors.service import Service
from connectors.settings import RedisSettings
from connectors.source import ConsumerGroupSource
from tests.support.waiting import wait_for

CONFIG = GroupConfig("s", "g", "counters", "lease:", lease_ttl=2.0, stall=60.0)


def service(url: str, instrumentation: Instrumentation | None = None) -> Service:
    """A service on the Redis at `url`."""
    return Service.create(RedisSettings(redis_url=url), "test", instrumentation, Lifecycle())


class DrivenSource:
    """A source whose batches the test asks for, one by one, as Bytewax would."""

    started: ClassVar[list[DrivenSource]] = []
    """All that this process has started, until `give_up_all`."""

    def __init__(
        self,
        one: Service,
        worker: int,
        config: GroupConfig = CONFIG,
        max_batch: int = 100,
        max_in_flight: int = 10_000,
        first: int = 100,
        linger: float = 0.0,
        announce: bool = False,
    ) -> None:
        """A source on the Redis of `one`; `first` is how many entries it asks for at first."""
        DrivenSource.started.append(self)
        self.service = one
        self.ended = False
        source = ConsumerGroupSource(one, config, max_batch, max_in_flight, linger, announce)
        self.partition: StatelessSourcePartition[Batch] = source.build("step", worker, 9)
        self.partition._sizer.count = min(first, max_batch)  # type: ignore[attr-defined]

    def poll(self) -> list[Batch]:
        """What one call of `next_batch` gives."""
        try:
            return list(self.partition.next_batch())
        except StopIteration:
            self.ended = True
            self.partition.close()
            return []

    def batch(self, seconds: float = 90.0) -> Batch:
        """The next batch that holds something."""
        return wait_for(self.poll, "a batch", seconds, every=0.005)[0]

    def drain(self) -> list[bytes]:
        """IDs of all entries until two calls in a row bring none."""
        ids: list[bytes] = []
        empty = 0
        while empty < 3:
            batches = self.poll()
            empty = 0 if batches else empty + 1
            ids += [entry.id for batch in batches for entry in batch.entries]
        return ids


def next_name(source: DrivenSource) -> str:
    """The name of the read that comes next: one that is under way, or that has brought nothing."""
    partition = source.partition
    names = [one.name for one in partition._reader._asked] + partition._consumer._spare  # type: ignore[attr-defined]
    return str(names[0])


def part_of(batch: Batch) -> Part:
    """A part that counts the entries of `batch` in `counts:n`."""
    ids = tuple(entry.id for entry in batch.entries)
    return Part(batch.delivery, ids, (Count("counts", {"n": len(ids)}),))


class Seen(Instrumentation):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.claims = 0
        self.fences = 0
        self.losses = 0

    def claimed(self, entries: int) -> None:
        self.claims += entries

    def fenced(self) -> None:
        self.fences += 1

    def trimmed(self, entries: int) -> None:
        self.losses += entries


def crash(source: DrivenSource) -> None:
    """Let a source die without a word: its lease is no longer renewed."""
    partition = source.partition
    if partition._consumer._lease is not None:  # type: ignore[attr-defined]
        partition._consumer._lease.close()  # type: ignore[attr-defined]
    partition.close()


def give_up_all() -> None:
    """Crash all sources. A lease that outlives its test is renewed for minutes, and then says so in another one."""
    while DrivenSource.started:
        crash(DrivenSource.started.pop())


def prepare(raw: redis.Redis, *more: str) -> None:
    """Empty the server but for the group `g` of the streams `s` and `more`, and the lease of a consumer `c`."""
    raw.flushall()
    for stream in ("s", *more):
        raw.xgroup_create(stream, "g", "0", mkstream=True)
    raw.set("lease:c", "token")


def members(raw: redis.Redis) -> set[str]:
    """The members of the group, without the names of their reads."""
    return {consumer_of(row["name"]).decode() for row in raw.xinfo_consumers("s", "g")}


def add(raw: redis.Redis, count: int) -> list[bytes]:
    """So many new entries of the stream `s`; their IDs."""
    pipeline = raw.pipeline(transaction=False)
    for number in range(count):
        pipeline.xadd("s", {"n": number})
    return list(pipeline.execute())
