"""The alerts that `flows.alerts` has published, as frozen values and as lines for a person. Never writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

from connectors.errors import one_line, translate
from sinks.alert_values import FIRING
from sinks.alerts import stream_key


@dataclass(frozen=True, slots=True)
class SeenAlert:
    """One entry of the stream. Text comes as it is in Redis: make it printable before a terminal gets it."""

    kind: str
    reason: str
    severity: str
    state: str
    message: str

    @property
    def firing(self) -> bool:
        """Whether it tells that something has begun, not that it has ended."""
        return self.state == FIRING

    @property
    def line(self) -> str:
        """It in one printable line."""
        head = f"ALERT {self.severity}" if self.firing else self.severity
        return one_line(f"{head} {self.kind}: {self.message}", 500)


def read_alerts(client: redis.Redis, prefix: str, count: int) -> tuple[SeenAlert, ...]:
    """The latest alerts, newest first. Blocks for a round trip.

    :raises connectors.errors.RedisError: Redis does not answer, or holds another type there.
    """
    try:
        reply: Any = client.xrevrange(stream_key(prefix), count=count)
    except (redis.RedisError, OSError) as error:
        raise translate(error) from error
    return tuple(_seen({_text(name): _text(value) for name, value in fields.items()}) for _id, fields in reply)


def _seen(fields: dict[str, str]) -> SeenAlert:
    names = ("kind", "reason", "severity", "state", "message")
    return SeenAlert(*(fields.get(name, "") for name in names))


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
