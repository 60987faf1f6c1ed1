"""Status: one hash that says how the service is.

    {prefix}:p35:status    HASH, no TTL
        processed_total    entries counted, exact: grows in the same step as the buckets
        late_total         entries counted for a minute that the stream of events had left behind
        skewed_total       entries whose timestamp was unusable
        overflow_total     counts folded into __other__ because a bucket was full
        symbols_dropped_total   symbols that there was no room for (see `sinks.symbols`); absent before the first
        claimed_total      entries taken over from dead consumers
        fenced_total       times that a consumer lost its lease and registered again
        trimmed_total      entries lost: deleted from the stream before they were counted
        group_generation   how often the consumer group was created
        group_start        where it began
        last_id            newest stream ID counted (each commit raises it)
        last_ts            event time of the newest entry counted, epoch seconds
        pending_estimate   entries delivered and not yet counted, when last looked at
        lag                entries not yet read; absent when Redis does not know
        consumer_name      of the process that wrote this last
        service_start_ts   when that process started, epoch seconds
        version            of that process

The totals and last_* are exact at any time; the rest is as it was when last looked at.
"""

from __future__ import annotations

import redis

from connectors.effects import Count, Effect, Raise
from connectors.group_state import GroupState
from sinks import group_status
from sinks.times import seconds_text

COUNTERS = (
    "processed_total",
    "late_total",
    "skewed_total",
    "overflow_total",
    "claimed_total",
    "fenced_total",
    "trimmed_total",
)


def key(prefix: str) -> str:
    """The status hash."""
    return f"{prefix}:p35:status"


def effects(prefix: str, entries: int, last_ts: float, skewed: int, late: int) -> list[Effect]:
    """What counting so many entries does to the status."""
    counts = {"processed_total": entries, "skewed_total": skewed, "late_total": late}
    return [
        Count(key(prefix), {name: count for name, count in counts.items() if count}),
        Raise(key(prefix), {"last_ts": seconds_text(last_ts)}),
    ]


def write(client: redis.Redis, prefix: str, state: GroupState, facts: dict[str, str]) -> None:
    """Write what is looked at rather than counted: see `group_status`."""
    group_status.write(client, key(prefix), state, facts, COUNTERS)
