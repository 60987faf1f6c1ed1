"""The answer to `quantum alerts`: what fires, what did, and what receivers were told of it. Never writes.

Text comes as it is in Redis, and must be made printable before a terminal gets it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import redis

from console.queries.alerts.deliveries import AlertDelivery, Deliveries, ReceiverState, read_deliveries
from console.queries.alerts.firing import Firing, FiringAlert, firing_of
from console.queries.alerts.published import SeenAlert, read_alerts
from console.queries.counting import read_now
from console.queries.fetch import ask_all
from console.queries.json import head
from console.queries.readable import age
from flows.domain.alerts.episodes import Episode, episodes
from sinks.alert_state import decode, state_key


@dataclass(frozen=True, slots=True)
class AlertLife:
    """An alert from firing to resolved."""

    alert_id: str
    kind: str
    reason: str
    window: str
    severity: str
    """The worst that was published."""
    since: float | None
    """Epoch seconds; None: the entry that would tell is kept no longer."""
    ended: float | None
    """Likewise; None while it fires."""
    score: int
    total: int
    share: float
    """As last published; share 0 to 1."""
    message: str
    deliveries: tuple[AlertDelivery, ...]


_NOTHING = AlertLife("", "", "", "", "", None, None, 0, 0, 0.0, "", ())
"""An alert of which nothing is kept."""

_PUBLISHED = ("alert_id", "kind", "reason", "window", "severity", "score", "total", "share", "message")
"""What each publication says of its alert."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """The whole answer."""

    now: float
    """By the clock of Redis, epoch seconds."""
    checked_at: float | None
    """When `flows.alerts` last looked; None: never."""
    firing: tuple[AlertLife, ...]
    """The worst first, of equal ones the oldest."""
    ended: tuple[AlertLife, ...]
    """The latest first."""
    receivers: tuple[ReceiverState, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why what fires may be something else; a printable sentence each."""
        if self.checked_at is None:
            return ("flows.alerts has never looked: is this its Redis, and KEY_PREFIX right?",)
        if Firing((), self.checked_at).old(self.now):
            return (f"flows.alerts has not looked for {age(self.now - self.checked_at)}",)
        return ()


def ask_alerts(client: redis.Redis, prefix: str, count: int) -> Alerts:
    """Blocks for nine round trips, and one a receiver; raises `connectors.errors.RedisFailure`.

    :arg count: of those that have ended, the latest so many.
    """
    now = read_now(client)
    deliveries = read_deliveries(client, prefix)
    (fields,) = ask_all(client, [("HGETALL", state_key(prefix))])
    firing = firing_of(decode(fields or {}))
    lives = _lives(read_alerts(client, prefix), deliveries)
    fires = tuple(_firing(one, lives.pop((one.alert_id, one.kind, one.reason), None)) for one in firing.alerts)
    over = sorted((one for one in lives.values() if one.ended is not None), key=lambda one: -(one.ended or 0.0))
    return Alerts(now, firing.checked_at, fires, tuple(over[:count]), deliveries.receivers)


def _lives(published: Iterable[SeenAlert], deliveries: Deliveries) -> dict[tuple[str, str, str], AlertLife]:
    """The alerts that were `published` (oldest first), by ID, kind and reason."""
    found = episodes(published, lambda one: (one.alert_id, one.kind, one.reason))
    return {key: _life(episode, deliveries) for key, episode in found.items()}


def _life(episode: Episode[SeenAlert], deliveries: Deliveries) -> AlertLife:
    return AlertLife(
        **{name: getattr(episode.last, name) for name in _PUBLISHED},
        since=episode.since,
        ended=episode.ended,
        deliveries=tuple(
            replace(delivery, state=one.state, severity=one.severity)
            for one in episode.published
            for delivery in deliveries.by_entry.get(one.entry_id, ())
        ),
    )


def _firing(one: FiringAlert, published: AlertLife | None) -> AlertLife:
    """What the state says of it, and what was `published`, where that is still kept."""
    known = ("alert_id", "kind", "reason", "window", "severity", "since")
    return replace(published or _NOTHING, **{name: getattr(one, name) for name in known}, ended=None)


def as_json(answer: Alerts) -> dict[str, Any]:
    """One object, documented in docs/console.md."""
    return {
        **head("alerts"),
        "as_of": answer.now,
        "checked_at": answer.checked_at,
        "warnings": list(answer.warnings),
        "firing": [asdict(one) for one in answer.firing],
        "ended": [asdict(one) for one in answer.ended],
        "receivers": [asdict(one) for one in answer.receivers],
    }
