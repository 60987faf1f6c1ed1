"""Alerts: what a check reads, and what it writes: state and alerts in one step, by the one instance that was first.

{prefix}:p35:alerts          STREAM, about 1,000 entries: alert_id kind reason window score total share severity
    state timestamp message
{prefix}:p35:alerts:state    HASH: see `sinks.alert_state`
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping

import redis

from connectors.compare_and_set import Transition, compare_and_set
from connectors.group_info import read_state
from sinks import alert_shifts, decisions, p35_status, symbols
from sinks.alert_state import KEPT, decode, encode, state_key, stream_key
from sinks.buckets import read_minutes
from sinks.numbers import number
from sinks.values.alerts import LONGEST, Alert, Checked, Reading


def read(client: redis.Redis, prefix: str, now: float | None = None) -> Reading:
    """All that a check looks at. Blocks for four round trips; raises what redis-py raises, and RedisFailure.

    :arg now: epoch seconds at which the check is; None asks the clock of Redis.
    """
    started = time.monotonic()
    if now is None:
        seconds, microseconds = client.time()
        now = int(seconds) + int(microseconds) / 1_000_000
    minute = int(now // 60)
    group = read_state(client, decisions.stream_key(prefix), decisions.GROUP)
    minutes = read_minutes(client, prefix, range(minute - LONGEST + 1, minute + 1))
    pipeline = client.pipeline(transaction=False)
    pipeline.hgetall(symbols.last_seen_key(prefix))
    pipeline.hgetall(symbols.last_execute_key(prefix))
    pipeline.xlen(decisions.stream_key(prefix))
    pipeline.hget(p35_status.key(prefix), "trimmed_total")
    pipeline.hgetall(state_key(prefix))
    pipeline.get(alert_shifts.key(prefix))
    seen, executed, length, trimmed, state, shifts = pipeline.execute()
    return Reading(
        now,
        minutes,
        _numbers(seen),
        _numbers(executed),
        group,
        int(length),
        int(number(trimmed) or 0),
        decode(state),
        started,
        alert_shifts.decode(shifts),
    )


def write(client: redis.Redis, prefix: str, checked: Checked) -> bool:
    """Write what a check led to; False when another instance was faster, and nothing was written.

    Safe to repeat with the same `checked`. Blocks for a round trip.

    :raises RedisFailure: see `connectors.compare_and_set`.
    """
    before, after = encode(checked.before), encode(checked.after)
    step = Transition(
        "version",
        checked.before.version,
        checked.after.version,
        {name: value for name, value in after.items() if before.get(name) != value},
        sorted(before.keys() - after.keys()),
        [entry(alert) for alert in checked.alerts],
    )
    return compare_and_set(client, state_key(prefix), stream_key(prefix), step, KEPT)


def new_version() -> str:
    """A version that nobody else makes."""
    return secrets.token_hex(8)


def entry(alert: Alert) -> dict[str, str]:
    """The fields of `alert` in the stream."""
    return {
        "alert_id": alert.alert_id,
        "kind": alert.key.kind,
        "reason": alert.key.reason,
        "window": alert.key.window,
        "score": str(alert.score),
        "total": str(alert.total),
        "share": f"{alert.share:.3f}",
        "severity": alert.severity,
        "state": alert.state,
        "timestamp": str(alert.timestamp),
        "message": alert.message,
    }


def _numbers(fields: Mapping[bytes, bytes]) -> dict[str, float]:
    numbers = ((name.decode("utf-8", "replace"), number(value)) for name, value in fields.items())
    return {name: number for name, number in numbers if number is not None}
