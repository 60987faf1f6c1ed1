"""What the sources and sinks of one process share: its settings, its wish to stop, what it knows of Redis."""

from __future__ import annotations

from dataclasses import dataclass, field

import redis

from connectors import connection
from connectors.in_flight import Unfinished
from connectors.instrumentation import Observer
from connectors.lifecycle import Lifecycle
from connectors.lifecycle import lifecycle as process_lifecycle
from connectors.outage import Outage
from connectors.settings import RedisSettings
from connectors.supervisor import Supervisor


@dataclass(frozen=True)
class Service:
    """One running service. `Service.create(settings, "orders")` makes one for this process."""

    name: str
    settings: RedisSettings
    lifecycle: Lifecycle
    outage: Outage
    observer: Observer = field(default_factory=Observer)
    unfinished: Unfinished = field(default_factory=Unfinished)

    @classmethod
    def create(
        cls,
        settings: RedisSettings,
        name: str,
        observer: Observer | None = None,
        lifecycle: Lifecycle = process_lifecycle,
    ) -> Service:
        """A service named `name` (shown in CLIENT LIST)."""
        outage = Outage(lifecycle, settings.redis_place(), Supervisor(lifecycle))
        return cls(name, settings, lifecycle, outage, observer or Observer())

    @property
    def supervisor(self) -> Supervisor:
        """Who watches this process."""
        return self.outage.supervisor

    def connect(self, timeout: float | None = None) -> redis.Redis:
        """A client of its own for one source or sink. Does not block.

        They must not share connections: one may be closed while the other still has work in flight.

        :arg timeout: seconds to wait for Redis; None for those of `connection`.
        """
        return connection.connect(self.settings, f"quantum-{self.name}", timeout)
