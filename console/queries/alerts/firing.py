"""Read model: what fires now, as `flows.alerts` last left it, and one sentence on it. Never writes.

Reasons come as they are in Redis, and must be made printable before a terminal gets them.
"""

from __future__ import annotations

from dataclasses import dataclass

import redis

from connectors.errors import RedisDenied, WrongType
from connectors.text import one_line
from console.queries.fetch import ask_all
from console.queries.readable import moment
from flows.domain.thresholds import OF_ALERTS, Severity
from sinks.alert_state import decode, state_key
from sinks.values.alerts import SEVERITIES, AlertState

UNCHECKED_SECONDS = 300
"""After so long without a check, what is known of alerts is old: they are checked every minute."""


@dataclass(frozen=True, slots=True)
class FiringAlert:
    """An alert that fires."""

    alert_id: str
    kind: str
    reason: str
    window: str
    severity: str
    """The worst that was published of it: one of SEVERITIES."""
    since: float
    """Epoch seconds."""


@dataclass(frozen=True, slots=True)
class Firing:
    """All that fires."""

    alerts: tuple[FiringAlert, ...] = ()
    """The worst first, of equal ones the oldest."""
    checked_at: float | None = None
    """When `flows.alerts` last looked, epoch seconds; None: never, or Redis does not let us know."""

    def old(self, now: float) -> bool:
        """Whether it may have changed since."""
        return self.checked_at is None or now - self.checked_at > UNCHECKED_SECONDS

    @property
    def weight(self) -> Severity:
        """How much the worst matters."""
        return OF_ALERTS[self.alerts[0].severity] if self.alerts else Severity.NORMAL

    def sentence(self, now: float) -> str:
        """It in one printable line; empty where nothing fires."""
        if not self.alerts:
            return ""
        worst, many = self.alerts[0], len(self.alerts)
        verb = "fires" if many == 1 else "fire"
        if self.old(now) and self.checked_at is not None:
            verb = f"fired when flows.alerts last looked, at {moment(self.checked_at, now)}"
        more = f", and {many - 1:,} more: quantum alerts" if many > 1 else ""
        what = f"{worst.severity} {worst.kind} {worst.reason} since {moment(worst.since, now)}"
        return one_line(f"{many:,} alert{'' if many == 1 else 's'} {verb}: {what}{more}", 400)


def read_firing(client: redis.Redis, prefix: str) -> Firing:
    """What fires now. Blocks for a round trip; raises `connectors.errors.RedisFailure`.

    Where the state of alerts cannot be read, nothing is known to fire: who asks something else must be answered.
    """
    try:
        (fields,) = ask_all(client, [("HGETALL", state_key(prefix))])
    except (RedisDenied, WrongType):
        return Firing()
    return firing_of(decode(fields or {}))


def firing_of(state: AlertState) -> Firing:
    """What fires in `state`. Pure."""
    found = [
        FiringAlert(one.alert_id, key.kind, key.reason, key.window, one.severity, one.started_at)
        for key, one in state.tracked.items()
        if one.firing
    ]
    found.sort(key=lambda one: (-SEVERITIES.index(one.severity), one.since, one.kind, one.reason))
    return Firing(tuple(found), state.checked_at)
