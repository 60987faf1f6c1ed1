"""Alerts: what a check reads, the state that all instances share, and the stream on which alerts are published.

    {prefix}:p35:alerts          STREAM, about 1,000 entries: alert_id kind reason window score total share severity
        state timestamp message
    {prefix}:p35:alerts:state    HASH, no TTL: what is known of each alert, so that a restart changes nothing
        version          of the last check that was written
        checked_at       when that was, epoch seconds
        trimmed_total    of the status at that check
        {kind} {window} {reason}    JSON of `alert_values.Tracked`: an alert that is pending, firing or cooling down

State and alerts are written in one step, by the one instance that was first.
"""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Mapping
from typing import Any

import redis

from connectors.compare_and_set import Step, advance
from connectors.group import read_state
from sinks import decisions, status, symbols
from sinks.buckets import read_minutes
from sinks.times import seconds_text
from sinks.values.alerts import SEVERITIES, Alert, AlertState, Checked, Key, Reading, Tracked

KEPT = 1_000
"""About so many alerts are kept in the stream."""

MINUTES = 15
"""The longest window that alerts look at."""


def stream_key(prefix: str) -> str:
    """The stream of alerts."""
    return f"{prefix}:p35:alerts"


def state_key(prefix: str) -> str:
    """What is known of each alert."""
    return f"{prefix}:p35:alerts:state"


def read(client: redis.Redis, prefix: str, now: float | None = None) -> Reading:
    """All that a check looks at. Blocks for four round trips; raises what redis-py raises, and RedisError.

    :arg now: epoch seconds at which the check is; None asks the clock of Redis.
    """
    started = time.monotonic()
    if now is None:
        seconds, microseconds = client.time()
        now = int(seconds) + int(microseconds) / 1_000_000
    minute = int(now // 60)
    group = read_state(client, decisions.stream_key(prefix), decisions.GROUP)
    minutes = read_minutes(client, prefix, range(minute - MINUTES + 1, minute + 1))
    pipeline = client.pipeline(transaction=False)
    pipeline.hgetall(symbols.last_seen_key(prefix))
    pipeline.hgetall(symbols.last_execute_key(prefix))
    pipeline.xlen(decisions.stream_key(prefix))
    pipeline.hget(status.key(prefix), "trimmed_total")
    pipeline.hgetall(state_key(prefix))
    seen, executed, length, trimmed, state = pipeline.execute()
    return Reading(
        now,
        minutes,
        _numbers(seen),
        _numbers(executed),
        group,
        int(length),
        int(_number(trimmed) or 0),
        _state(state),
        started,
    )


def write(client: redis.Redis, prefix: str, checked: Checked) -> bool:
    """Write what a check led to; False when another instance was faster, and nothing was written.

    Safe to repeat with the same `checked`. Blocks for a round trip.

    :raises RedisError: see `connectors.compare_and_set`.
    """
    before, after = _fields(checked.before), _fields(checked.after)
    step = Step(
        "version",
        checked.before.version,
        checked.after.version,
        {name: value for name, value in after.items() if before.get(name) != value},
        sorted(before.keys() - after.keys()),
        [entry(alert) for alert in checked.alerts],
    )
    return advance(client, state_key(prefix), stream_key(prefix), step, KEPT)


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


def _fields(state: AlertState) -> dict[str, str]:
    """`state` as fields of its hash, without the version."""
    fields = {f"{key.kind} {key.window} {key.reason}": _json(tracked) for key, tracked in state.tracked.items()}
    if state.checked_at is not None:
        fields["checked_at"] = seconds_text(state.checked_at)
    if state.trimmed_total is not None:
        fields["trimmed_total"] = str(state.trimmed_total)
    return fields


def _json(tracked: Tracked) -> str:
    values: dict[str, Any] = {"since": dict(tracked.since)}
    if tracked.firing:
        values |= {"alert_id": tracked.alert_id, "severity": tracked.severity, "started_at": tracked.started_at}
    if tracked.published_at is not None:
        values["published_at"] = tracked.published_at
    return json.dumps(values, sort_keys=True)


def _state(fields: Mapping[bytes, bytes]) -> AlertState:
    """The state in `fields`. What cannot be read is as if it were not there: somebody has edited it."""
    texts = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
    trimmed = _number(texts.get("trimmed_total"))
    tracked = {}
    for name, text in texts.items():
        kind, window, reason = (*name.split(" ", 2), "", "")[:3]
        one = _tracked(text) if reason else None
        if one is not None:
            tracked[Key(kind, reason, window)] = one
    return AlertState(
        texts.get("version", ""),
        _number(texts.get("checked_at")),
        None if trimmed is None else int(trimmed),
        tracked,
    )


def _tracked(text: str) -> Tracked | None:
    try:
        values = json.loads(text)
        since = {name: float(values["since"][name]) for name in SEVERITIES if name in values["since"]}
        alert_id, severity = str(values.get("alert_id", "")), str(values.get("severity", ""))
        started_at, published = float(values.get("started_at", 0)), values.get("published_at")
        published_at = None if published is None else float(published)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    times = [*since.values(), started_at, published_at or 0.0]
    if not all(map(math.isfinite, times)) or (alert_id and (severity not in SEVERITIES or published_at is None)):
        return None
    return Tracked(since, alert_id, severity, started_at, published_at)


def _numbers(fields: Mapping[bytes, bytes]) -> dict[str, float]:
    numbers = ((name.decode("utf-8", "replace"), _number(value)) for name, value in fields.items())
    return {name: number for name, number in numbers if number is not None}


def _number(text: bytes | str | None) -> float | None:
    """A finite number, or None."""
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
