"""Bytewax in its usual way on our source: a map for each message, `fold_window` by key, a window's sums at its close.

    REDIS_URL=... python -m bytewax.run tests.bench.contestants.folded

Entries are acknowledged as they come, since the source gives no more while too many are pending: what is in an open
window when the process dies is lost. `ordered=False` is the faster of the two ways, and enough for sums.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import bytewax.operators as op
import bytewax.operators.windowing as win
import redis
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition

from connectors.commit import CommitSink
from connectors.delivery import Batch, Part
from connectors.effects import Count
from connectors.service import Service
from connectors.source import ConsumerGroupSource
from connectors.start import start
from connectors.stream_id import milliseconds
from connectors.times import EPOCH
from flows.domain.decisions import event_seconds, kind_of
from flows.p35 import group_config
from flows.settings.p35 import P35Settings
from sinks import buckets, p35_status
from sinks.values.counts import Kind
from tests.bench.load import PREFIX

Message = tuple[Kind, float]
Sums = dict[str, int]


def message(pair: tuple[bytes, list[bytes]]) -> tuple[str, Message]:
    """The symbol as key, and what is counted, with its event time in epoch seconds."""
    entry_id, pairs = pair
    fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
    kind = kind_of(fields)
    seconds, _skewed = event_seconds(fields.get(b"timestamp", b""), milliseconds(entry_id), 300)
    return kind.symbol, (kind, seconds)


def add(sums: Sums, value: Message) -> Sums:
    """Count one message."""
    kind, _seconds = value
    for name in buckets.bucket_counts({kind: 1}, symbol_breakdown=True):
        sums[name] = sums.get(name, 0) + 1
    return sums


def merge(one: Sums, other: Sums) -> Sums:
    """Tumbling windows never merge; the operator wants to know all the same."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in {*one, *other}}


def acknowledged(batch: Batch) -> Part:
    """The batch, as soon as it was read."""
    ids = tuple(entry.id for entry in batch.entries)
    return Part(batch.delivery, ids, (Count(p35_status.key(PREFIX), {"processed_total": len(ids)}),))


class _BucketSink(DynamicSink[tuple[str, tuple[int, Sums]]]):
    """Adds what closed windows hold to the buckets."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _BucketPartition:
        """Does not connect."""
        return _BucketPartition(self._service.connect())


class _BucketPartition(StatelessSinkPartition[tuple[str, tuple[int, Sums]]]):
    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def write_batch(self, items: list[tuple[str, tuple[int, Sums]]]) -> None:
        """One round trip for all of them."""
        pipeline = self._client.pipeline(transaction=False)
        for _symbol, (minute, sums) in items:
            for field, count in sums.items():
                pipeline.hincrby(buckets.bucket_key(PREFIX, minute), field, count)
            pipeline.expire(buckets.bucket_key(PREFIX, minute), 172_800)
        pipeline.execute()


def flow() -> Dataflow:
    """What bytewax.run calls."""
    settings = start(P35Settings, "folded")
    service = Service.create(settings, "folded")
    dataflow = Dataflow("folded")
    source = ConsumerGroupSource(service, group_config(settings), settings.read_batch, settings.max_in_flight)
    batches = op.input("decisions", dataflow, source)
    op.output("acknowledge", op.map("acknowledged", batches, acknowledged), CommitSink(service))
    entries = op.flat_map("entries", batches, lambda batch: batch.entries)
    messages = op.map("message", entries, message)
    clock = win.EventClock(
        lambda value: datetime.fromtimestamp(value[1], UTC),
        wait_for_system_duration=timedelta(seconds=60),
        to_system_utc=lambda at: at + timedelta(seconds=60),  # otherwise it would spin, see connectors/windowing.py
    )
    windower = win.TumblingWindower(timedelta(minutes=1), align_to=EPOCH)
    sums = win.fold_window("sums", messages, clock, windower, dict, add, merge, ordered=False)

    op.output("buckets", sums.down, _BucketSink(service))
    return dataflow
