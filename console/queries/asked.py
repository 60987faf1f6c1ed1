"""What a question about a window is answered from: its minutes, now or in the past, and the service that counted."""

from __future__ import annotations

from dataclasses import dataclass, fields

import redis

from console.queries.counting import CountingFlow, read_service
from console.queries.minutes import read_minutes
from console.queries.moment import When
from flows.domain.thresholds import Thresholds
from flows.domain.windows import Minutes
from sinks.values.counts import WINDOWS


def read_asked(
    client: redis.Redis,
    prefix: str,
    thresholds: Thresholds,
    window: str,
    when: When | None = None,
    service: CountingFlow | None = None,
) -> tuple[CountingFlow, Minutes]:
    """What is to be known of the service about the minutes of `window`, and these minutes.

    Blocks for a few round trips; raises `connectors.errors.RedisFailure`.

    :arg when: the moment the window ends; None: now.
    :arg service: as it was read already.
    :raises MomentError: nothing can be told of that moment.
    """
    service = read_service(client, prefix, thresholds) if service is None else service
    last = service.minute if when is None else when.minute(service.now, WINDOWS[window])
    # More than a short window, to tell for how long it has been so.
    depth = max(WINDOWS[window], WINDOWS["15m"])
    if when is None or last == service.minute:
        return service, read_minutes(client, prefix, service.minute, depth)
    depth = min(depth, last - when.oldest(service.now) + 1)
    return service_then(service, (last + 1) * 60), read_minutes(client, prefix, last, depth, service.minute)


@dataclass(frozen=True)
class CountingFlowThen(CountingFlow):
    """The service as it is now, which matters to an answer about the past only where that was not all counted."""

    end: float
    """When the minutes in question were over, epoch seconds."""

    @property
    def counted_beyond(self) -> bool:
        """Whether a decision that came after those minutes has been counted."""
        return self.status.last_ts is not None and self.status.last_ts >= self.end

    @property
    def blind(self) -> str:
        """Why those minutes may not be counted, printable and short; empty where they are."""
        return "" if self.counted_beyond else super().blind

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the numbers may not be what they seem; a printable sentence each."""
        return () if self.counted_beyond else super().warnings


def service_then(service: CountingFlow, end: float) -> CountingFlowThen:
    """`service`, for an answer about minutes that were over at `end` (epoch seconds)."""
    return CountingFlowThen(**{field.name: getattr(service, field.name) for field in fields(service)}, end=end)
