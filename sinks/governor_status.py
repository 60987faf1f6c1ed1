"""Status of the governor: one hash that says how it is.

{prefix}:governor:status    HASH, no TTL
    processed_total    plans acknowledged, exact: grows in the same step as the permits
    permits_total      of those, how many were to get a permit
    claimed_total      plans taken over from dead consumers
    fenced_total       times that a consumer lost its lease and registered again
    trimmed_total      plans lost: deleted from the stream before they were read
    last_id            newest stream ID acknowledged (each commit raises it)
    pending_estimate   plans delivered and not yet acknowledged, when last looked at
    lag                plans not yet read; absent when Redis does not know
    consumer_name      of the process that wrote this last
    service_start_ts   when that process started, epoch seconds
    version            of that process
"""

from __future__ import annotations

import redis

from connectors.effects import Count, Effect
from connectors.group_state import GroupState
from sinks import group_status


def key(prefix: str) -> str:
    """The status hash."""
    return f"{prefix}:governor:status"


def lease_prefix(prefix: str) -> str:
    """What the leases of the governor's consumers begin with."""
    return f"{prefix}:governor:lease:"


def effects(prefix: str, plans: int, permits: int) -> list[Effect]:
    """What acknowledging so many plans does to the status."""
    counts = {"processed_total": plans, "permits_total": permits}
    return [Count(key(prefix), {name: count for name, count in counts.items() if count})]


def write(client: redis.Redis, prefix: str, state: GroupState, facts: dict[str, str]) -> None:
    """Write what is looked at rather than counted: see `group_status`."""
    group_status.write(client, key(prefix), state, facts)
