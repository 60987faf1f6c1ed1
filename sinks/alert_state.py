"""The state of the alerts, which all instances share, so that a restart changes nothing; and where alerts lie. Pure.

{prefix}:p35:alerts:state    HASH, no TTL: what is known of each alert
    version          of the last check that was written
    checked_at       when that was, epoch seconds
    trimmed_total    of the status at that check
    {kind} {window} {reason}    JSON of `sinks.values.alerts.Tracked`: an alert that is pending, firing or cooling down
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from sinks.numbers import number
from sinks.times import seconds_text
from sinks.values.alerts import SEVERITIES, AlertState, Key, Tracked

KEPT = 1_000
"""About so many alerts are kept in the stream."""


def stream_key(prefix: str) -> str:
    """The stream of alerts."""
    return f"{prefix}:p35:alerts"


def state_key(prefix: str) -> str:
    """What is known of each alert."""
    return f"{prefix}:p35:alerts:state"


def encode(state: AlertState) -> dict[str, str]:
    """`state` as fields of its hash, without the version."""
    fields = {f"{key.kind} {key.window} {key.reason}": _json(tracked) for key, tracked in state.tracked.items()}
    if state.checked_at is not None:
        fields["checked_at"] = seconds_text(state.checked_at)
    if state.trimmed_total is not None:
        fields["trimmed_total"] = str(state.trimmed_total)
    return fields


def _json(tracked: Tracked) -> str:
    values: dict[str, Any] = {"since": dict(tracked.since)}
    if tracked.severity:
        values["severity"] = tracked.severity
    if tracked.firing:
        values |= {"alert_id": tracked.alert_id, "started_at": tracked.started_at}
    if tracked.published_at is not None:
        values["published_at"] = tracked.published_at
    return json.dumps(values, sort_keys=True)


def decode(fields: Mapping[bytes, bytes]) -> AlertState:
    """The state in `fields`. What cannot be read is as if it were not there: somebody has edited it."""
    texts = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
    trimmed = number(texts.get("trimmed_total"))
    tracked = {}
    for name, text in texts.items():
        kind, window, reason = (*name.split(" ", 2), "", "")[:3]
        one = _tracked(text) if reason else None
        if one is not None:
            tracked[Key(kind, reason, window)] = one
    return AlertState(
        texts.get("version", ""),
        number(texts.get("checked_at")),
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
    unsaid = severity not in SEVERITIES or published_at is None
    if not all(map(math.isfinite, times)) or ((alert_id or severity) and unsaid):
        return None
    return Tracked(since, alert_id, severity, started_at, published_at)
