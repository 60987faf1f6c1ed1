"""The read model of the alerts that `flows.alerts` has published, and one line for each. Never writes.

There may be none, and nobody who publishes any. Text comes as it is in Redis, and must be made printable before a
terminal gets it. Raises `connectors.errors.RedisFailure` where Redis does not answer, or holds another type there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import redis

from connectors import stream_id
from connectors.text import one_line
from console.queries.fetch import ask_all, count_of, number_of, text
from flows.domain.thresholds import OF_ALERTS, Severity
from sinks.alert_state import stream_key
from sinks.values.alerts import FIRING

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class SeenAlert:
    """One entry of the stream."""

    alert_id: str
    """The same in all entries of one alert, from firing to resolved."""
    kind: str
    reason: str
    window: str
    severity: str
    state: str
    message: str
    score: int
    total: int
    share: float
    """0 to 1."""
    timestamp: float
    """When it was published, epoch seconds."""
    entry_id: str = ""
    """Its ID in the stream."""

    @property
    def firing(self) -> bool:
        """Whether it tells that something has begun, not that it has ended."""
        return self.state == FIRING

    @property
    def weight(self) -> Severity:
        """How much it matters."""
        return OF_ALERTS.get(self.severity, Severity.NORMAL)

    @property
    def line(self) -> str:
        """It in one printable line."""
        head = f"ALERT {self.severity}" if self.firing else self.severity
        return one_line(f"{head} {self.kind}: {self.message}", 500)


def latest_alerts(client: redis.Redis, prefix: str, count: int) -> tuple[SeenAlert, ...]:
    """The latest `count`, newest first. Blocks for a round trip."""
    (entries,) = ask_all(client, [("XREVRANGE", stream_key(prefix), "+", "-", "COUNT", count)])
    return tuple(_seen(entry_id, fields) for entry_id, fields in entries or [])


def read_alerts(
    client: redis.Redis, prefix: str, begin: float | None = None, end: float | None = None
) -> list[SeenAlert]:
    """All that are kept, oldest first; or those published from `begin` to before `end` (epoch seconds).

    Blocks for a round trip each 1,000.
    """
    low = "-" if begin is None else f"{int(begin * 1000)}-0"
    high = "+" if end is None else f"({int(end * 1000)}-0"
    found: list[SeenAlert] = []
    while True:
        (page,) = ask_all(client, [("XRANGE", stream_key(prefix), low, high, "COUNT", _PAGE)])
        found += [_seen(entry_id, fields) for entry_id, fields in page or []]
        if not page or len(page) < _PAGE:
            return found
        low = f"({text(page[-1][0])}"


def oldest_alert(client: redis.Redis, prefix: str) -> float | None:
    """When the oldest that is kept was published, epoch seconds; None: none is kept. Blocks for a round trip."""
    (entries,) = ask_all(client, [("XRANGE", stream_key(prefix), "-", "+", "COUNT", 1)])
    return stream_id.milliseconds(entries[0][0]) / 1000 if entries else None


def _seen(entry_id: bytes, fields: Mapping[bytes, bytes]) -> SeenAlert:
    values = {text(name): text(value) for name, value in fields.items()}
    published = number_of(values.get("timestamp"))
    return SeenAlert(
        values.get("alert_id", ""),
        values.get("kind", ""),
        values.get("reason", ""),
        values.get("window", ""),
        values.get("severity", ""),
        values.get("state", ""),
        values.get("message", ""),
        count_of(values.get("score")),
        count_of(values.get("total")),
        number_of(values.get("share")) or 0.0,
        stream_id.milliseconds(entry_id) / 1000 if published is None else published,
        text(entry_id),
    )
