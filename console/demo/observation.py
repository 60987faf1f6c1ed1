"""What the demo shows, as one frozen value: the read model, and what only the demo knows."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from console.queries.alerts.published import SeenAlert
from console.queries.joins import Joins
from console.queries.status import Status
from flows.domain.thresholds import Thresholds
from flows.domain.windows import Window

_RATE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Observation:
    """One moment of the demo."""

    windows: Mapping[str, Window]
    """By name, shortest first."""
    status: Status
    published: int
    """Entries that the simulator has published."""
    rate: float | None
    """Decisions counted a second; None before that is known."""
    elapsed: float
    """Seconds since publishing began."""
    phase: str
    """The phase of the simulator."""
    command: str
    """Where else to look: the page, a command."""
    joins: Joins = field(default_factory=Joins)
    """What is proposed and permitted."""
    alerts: tuple[SeenAlert, ...] = ()
    """The latest ones, newest first."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """The defaults: the flows of the demo inherit no others."""

    @property
    def processed(self) -> int:
        """Entries that the flow has counted."""
        return self.status.processed_total


class RateMeter:
    """The rate of a growing total, over the last five seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def rate(self, now: float, total: int) -> float | None:
        """The rate a second, with `total` seen at `now` (seconds of any clock that never goes back)."""
        self._seen.append((now, total))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _RATE_SECONDS:
            self._seen.popleft()
        first, before = self._seen[0]
        return (total - before) / (now - first) if now - first >= 1.0 else None
