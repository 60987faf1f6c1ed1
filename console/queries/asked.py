"""What a question about a window is answered from: its minutes, now or in the past, and the service that counted."""

from __future__ import annotations

import redis

from console.queries.minutes import read_minutes
from console.queries.moment import When
from console.queries.past import service_then
from console.queries.service import Service, read_service
from flows.domain.thresholds import Thresholds
from flows.domain.windows import Minutes
from sinks.values.counts import WINDOWS


def read_asked(
    client: redis.Redis,
    prefix: str,
    thresholds: Thresholds,
    window: str,
    when: When | None = None,
    service: Service | None = None,
) -> tuple[Service, Minutes]:
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
