"""History: what was it like a week ago?

    python -m bytewax.run flows.history

    every 60 s --> hours --> settle_hours --> replace_hours     (minutes that changed, added up)
    every 30 s --> days  --> settle_days  --> replace_days      (hours that changed, added up)

Each scan finds what is not the sum of its parts, and the sum is written in its place, whole: so it matters not when a
count came, how often a sum is written, or by how many. What must not be lessened because its parts have expired is
said at `flows.domain.history`. The flow carries no state that it could not do without.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import bytewax.operators as op
import redis
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from connectors.derived import DerivedSink
from connectors.polled import PolledSource
from connectors.service import Service
from connectors.start import start
from flows import __version__
from flows.domain import headlines
from flows.domain.history import change_of, of_minute, settle
from flows.settings.history import HistorySettings
from flows.wiring import service_of
from sinks import buckets, history, history_reader, proofs
from sinks.history_metrics import HistoryMetrics
from sinks.history_reader import Granularity, PartReader
from sinks.values.history import Changes, Replacements, RollUp

REACH = 3_024_000
"""Seconds back to the oldest minute that is looked at: counts that come 35 days late are late indeed."""


@dataclass(frozen=True)
class Ends:
    """Where the flow reads and writes: Redis when it runs, lists when it is tested."""

    hours: Source[Changes]
    replace_hours: Sink[Replacements]
    days: Source[Changes]
    replace_days: Sink[Replacements]


def flow() -> Dataflow:
    """What `python -m bytewax.run flows.history` runs: settings from the environment, ends on Redis.

    :raises SystemExit: with status 78 when a setting is wrong.
    """
    settings = start(HistorySettings, "history")
    metrics = HistoryMetrics(__version__)
    service = service_of(settings, "history", metrics)
    return topology(settings, redis_ends(settings, service, metrics))


def topology(settings: HistorySettings, ends: Ends) -> Dataflow:
    """The dataflow, whatever its ends."""
    flow = Dataflow("history")
    hours = op.input("hours", flow, ends.hours)
    settled = op.map("settle_hours", hours, partial(_settle, parts_live=settings.bucket_ttl_sec))
    op.output("replace_hours", settled, ends.replace_hours)

    days = op.input("days", flow, ends.days)
    settled = op.map("settle_days", days, partial(_settle, parts_live=settings.history_hour_ttl_sec))
    op.output("replace_days", settled, ends.replace_days)
    return flow


_settle = partial(settle, is_proof=proofs.is_gate)


def redis_ends(settings: HistorySettings, service: Service, metrics: HistoryMetrics) -> Ends:
    """The ends on the Redis of `service`."""
    prefix, interval = settings.key_prefix, settings.history_interval_sec
    hours = history_reader.hours(settings.bucket_ttl_sec, max(REACH, settings.bucket_ttl_sec), read_minutes)
    days = history_reader.days(settings.history_hour_ttl_sec)

    def write(client: redis.Redis, done: Replacements, ttl: int) -> None:
        for one in done.replaced:
            if history.replace(client, prefix, one, ttl):
                metrics.written(one, done.now)

    return Ends(
        hours=PolledSource(service, "hours", interval, _Changes(service, prefix, hours)),
        replace_hours=DerivedSink(
            service,
            "replace_hours",
            partial(write, ttl=settings.history_hour_ttl_sec),
            written=metrics.hours,
            headline=headlines.history,
        ),
        # (Twice as often: a day has what came late within two minutes, like its hour.)
        days=PolledSource(service, "days", interval / 2, _Changes(service, prefix, days)),
        replace_days=DerivedSink(service, "replace_days", partial(write, ttl=settings.history_day_ttl_sec)),
    )


def read_minutes(client: redis.Redis, prefix: str, minutes: Sequence[int]) -> dict[int, RollUp]:
    """The buckets of those of `minutes` that have any counts. Blocks for a round trip; raises what redis-py raises."""
    return {minute: of_minute(minute, one) for minute, one in buckets.read_minutes(client, prefix, minutes).items()}


class _Changes:
    """Reads the changes of one granularity, one roll-up at a time: a day of minutes would not fit well into memory."""

    def __init__(self, service: Service, prefix: str, granularity: Granularity) -> None:
        self._service = service
        self._granularity = granularity
        self._reader = PartReader(prefix, granularity, proofs.is_gate)

    def __call__(self, client: redis.Redis) -> Changes:
        started = time.monotonic()
        scan = self._reader.scan(client)
        changes = []
        for rollup in scan.stale:
            if self._service.lifecycle.stopping:
                break
            found = self._reader.read(client, rollup)
            if found is not None:
                stored, parts = found
                changes.append(change_of(rollup.start, self._granularity.length, stored, parts))
            self._service.turn()
        return Changes(scan.now, tuple(changes), scan.newest, started)
