"""What the sources and sinks of one process share: its settings, its wish to stop, what it knows of Redis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import redis

from connectors import connection
from connectors.in_flight import CommitsInFlight
from connectors.instrumentation import Instrumentation
from connectors.lifecycle import Lifecycle
from connectors.lifecycle import lifecycle as process_lifecycle
from connectors.outage import Outage
from connectors.pulse import Pulse
from connectors.settings import RedisSettings
from connectors.sizing import CommitWeight
from connectors.supervisor import Supervisor
from connectors.under_way import ReadsUnderWay


@dataclass(frozen=True)
class Service:
    """One running service. `Service.create(settings, "orders")` makes one for this process."""

    name: str
    settings: RedisSettings
    lifecycle: Lifecycle
    outage: Outage
    instrumentation: Instrumentation = field(default_factory=Instrumentation)
    in_flight: CommitsInFlight = field(default_factory=CommitsInFlight)
    under_way: ReadsUnderWay = field(default_factory=ReadsUnderWay)
    weight: CommitWeight = field(default_factory=CommitWeight)
    refused: dict[str, str] = field(default_factory=dict)
    """Key of a lease -> the token under which a commit was refused: whoever holds that one has to register again."""
    waiting: set[str] = field(default_factory=set)
    """Keys of leases: entries that were read under them have failed, and wait for another attempt from now on."""
    in_parts: list[Callable[[], set[bytes]]] = field(default_factory=list)
    """Each tells the IDs in the parts that wait at a commit for others of their delivery."""
    pulse: Pulse | None = None

    @classmethod
    def create(
        cls,
        settings: RedisSettings,
        name: str,
        instrumentation: Instrumentation | None = None,
        lifecycle: Lifecycle = process_lifecycle,
        sign: Callable[[redis.Redis], None] | None = None,
    ) -> Service:
        """A service named `name` (shown in CLIENT LIST).

        :arg sign: leaves a sign of life in Redis, see `connectors.pulse`; None: the service leaves none.
        """
        outage = Outage(lifecycle, settings.redis_place(), Supervisor(lifecycle))
        service = cls(name, settings, lifecycle, outage, instrumentation or Instrumentation())
        return service if sign is None else replace(service, pulse=Pulse(sign, service.connect, outage))

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor of this process."""
        return self.outage.supervisor

    def turn(self) -> None:
        """The calling worker made progress: call it wherever one comes by regularly. Never raises.

        May block for a round trip or two, once in a few seconds.
        """
        self.supervisor.turn()
        if self.pulse is not None:
            self.pulse.turn()

    def connect(self, timeout: float | None = None) -> redis.Redis:
        """A client of its own for one source or sink. Does not block.

        They must not share connections: one may be closed while the other still has work in flight.

        :arg timeout: seconds to wait for Redis; None for those of `connection`.
        """
        return connection.connect(self.settings, f"quantum-{self.name}", timeout)
