"""P3.5 decision intelligence: why are we not trading?

    python -m bytewax.run flows.p35

    apply.result --> decisions --> tally --> minute --+-- on time --+--> effects --> commit
                     (consumer     (per     (tumbling |             |                (buckets, symbols, status
                      group)       minute)   window)  +-- late -----+                 and XACK: one atomic step)

    every 10 s   --> last_hour --> roll_up --> snapshots             (the four windows, from the buckets)
    every 2 s    --> group     ------------->  status                (pending, lag)

Each decision is counted exactly once in its minute, whatever dies and whenever: counts and acknowledgement are one
step. The snapshots and the status carry no state of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from connectors.commit import CommitSink
from connectors.delivery import Batch, Part
from connectors.derived import DerivedSink
from connectors.group_config import GroupConfig
from connectors.group_state import GroupState
from connectors.polled import PolledSource
from connectors.service import Service
from connectors.source import ConsumerGroupSource
from connectors.start import start
from connectors.windowing import tumble
from flows import __version__
from flows.domain import headlines
from flows.domain.gates import MEANINGS
from flows.domain.tally import Combiner, Tally
from flows.domain.windows import roll_up
from flows.settings.p35 import P35Settings
from flows.wiring import group_status, service_of
from sinks import buckets, decisions, p35_status, snapshots, symbols
from sinks.p35_metrics import P35Metrics
from sinks.values.counts import CountNote, Recent, Snapshots


@dataclass(frozen=True)
class Ends:
    """Where the flow reads and writes: Redis when it runs, lists when it is tested."""

    decisions: Source[Batch]
    commit: Sink[Part]
    last_hour: Source[Recent]
    snapshots: Sink[Snapshots]
    group: Source[GroupState]
    status: Sink[GroupState]


def flow() -> Dataflow:
    """What `python -m bytewax.run flows.p35` runs: settings from the environment, ends on Redis.

    :raises SystemExit: with status 78 when a setting is wrong.
    """
    settings = start(P35Settings, "p35")
    metrics = P35Metrics(__version__, MEANINGS)
    service = service_of(settings, "p35", metrics)
    return topology(settings, redis_ends(settings, service, metrics))


def topology(settings: P35Settings, ends: Ends) -> Dataflow:
    """The dataflow, whatever its ends."""
    flow = Dataflow("p35")

    batches = op.input("decisions", flow, ends.decisions)
    tallies = op.flat_map("tally", batches, Combiner(settings.max_future_skew_sec))
    by_consumer = op.key_on("by_consumer", tallies, lambda one: one.delivery.consumer)
    minute = tumble(
        "minute",
        by_consumer,
        length=timedelta(minutes=1),
        event_time=lambda one: one.event_time,
        # A publisher whose clock runs ahead, as far as is allowed, must not make all others late.
        wait=timedelta(seconds=settings.max_future_skew_sec + settings.allowed_lateness_sec),
    )
    on_time = op.map("on_time", minute.down, partial(effects, settings=settings, late=False))
    late = op.map("late", minute.late, partial(effects, settings=settings, late=True))
    op.output("commit", op.merge("effects", on_time, late), ends.commit)

    last_hour = op.input("last_hour", flow, ends.last_hour)
    op.output("snapshots", op.map("roll_up", last_hour, roll_up), ends.snapshots)

    op.output("status", op.input("group", flow, ends.group), ends.status)
    return flow


def effects(keyed: tuple[str, tuple[int, Tally]], *, settings: P35Settings, late: bool) -> Part:
    """What a tally does to Redis, once its window has been assigned."""
    _consumer, (minute, one) = keyed
    prefix = settings.key_prefix
    late_count = len(one.ids) if late else 0
    by_decision: dict[str, int] = {}
    for kind, count in one.counts.items():
        by_decision[kind.decision] = by_decision.get(kind.decision, 0) + count
    return Part(
        one.delivery,
        one.ids,
        (
            *buckets.effects(
                prefix,
                minute,
                one.counts,
                ttl=settings.bucket_ttl_sec,
                max_fields=settings.max_fields_per_bucket,
                symbol_breakdown=settings.enable_symbol_breakdown,
            ),
            *symbols.effects(prefix, one.seen, one.executed),
            *p35_status.effects(prefix, len(one.ids), one.newest_seconds, one.skewed, late_count),
        ),
        CountNote(by_decision, one.skewed, late_count, one.newest_seconds),
    )


def group_config(settings: P35Settings) -> GroupConfig:
    """The stream of decisions, and the group that counts it."""
    prefix = settings.key_prefix
    return GroupConfig(
        stream=decisions.stream_key(prefix),
        group=decisions.GROUP,
        counters=p35_status.key(prefix),
        lease_prefix=decisions.lease_prefix(prefix),
        lease_ttl=settings.lease_ttl_sec,
        stall=settings.stall_sec,
    )


def redis_ends(settings: P35Settings, service: Service, metrics: P35Metrics) -> Ends:
    """The ends on the Redis of `service`."""
    prefix, config = settings.key_prefix, group_config(settings)
    group, status_sink = group_status(service, settings, config, p35_status.write, metrics)
    return Ends(
        decisions=ConsumerGroupSource(
            service, config, settings.read_batch, settings.max_in_flight, settings.linger_ms / 1000, announce=True
        ),
        commit=CommitSink(service),
        last_hour=PolledSource(
            service, "last_hour", settings.snapshot_interval_sec, lambda client: snapshots.read(client, prefix)
        ),
        snapshots=DerivedSink(
            service,
            "snapshots",
            lambda client, value: snapshots.write(client, prefix, value),
            written=metrics.snapshots,
            headline=partial(headlines.p35, thresholds=settings.thresholds),
            beside=True,
        ),
        group=group,
        status=status_sink,
    )
