"""What the screen shows, as one frozen value, read again for each frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import redis

from console.queries.alerts.firing import Firing, read_firing
from console.queries.alerts.published import latest_alerts
from console.queries.counting import CountingFlow, read_flow
from console.queries.joins import Joins, read_joins
from console.queries.minutes import read_minutes
from console.queries.status import read_last_executions
from flows.domain.alerts.rules import is_stuck
from flows.domain.windows import Minutes
from flows.settings.joins import AllocationSettings
from flows.settings.thresholds import ThresholdSettings
from sinks.values.counts import LONGEST_WINDOW

_PUBLISHED = 100
"""Publications among which the words of what fires are looked for."""


class WatchSettings(AllocationSettings, ThresholdSettings):
    """The thresholds, and the stream of proposals, which `flows.allocation` may be configured to change."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A symbol with decisions in the last quarter of an hour, and no EXECUTE."""

    symbol: str
    since: float | None
    """Seconds since its last EXECUTE; None: never."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One moment."""

    flow: CountingFlow
    minutes: Minutes
    """The last hour."""
    stuck: tuple[Stuck, ...]
    """The most recently executed first, those never executed last."""
    firing: Firing
    messages: Mapping[tuple[str, str, str], str]
    """ID, kind and reason of an alert -> what was last published of it, where that is not long ago."""
    joins: Joins


def read_scene(client: redis.Redis, settings: WatchSettings) -> Scene:
    """Blocks for a dozen round trips; raises `connectors.errors.RedisFailure`."""
    prefix = settings.key_prefix
    flow = read_flow(client, prefix, settings.thresholds)
    firing = read_firing(client, prefix)
    published = latest_alerts(client, prefix, _PUBLISHED) if firing.alerts else ()
    return Scene(
        flow,
        read_minutes(client, prefix, flow.minute, LONGEST_WINDOW),
        stuck_symbols(read_last_executions(client, prefix), flow.now),
        firing,
        {(one.alert_id, one.kind, one.reason): one.message for one in reversed(published)},
        read_joins(client, prefix, settings.propose_stream_name),
    )


def stuck_symbols(last: dict[str, tuple[float, float | None]], now: float) -> tuple[Stuck, ...]:
    """Those that are stuck. Pure.

    :arg last: symbol -> epoch seconds of its newest decision, and of its newest EXECUTE.
    """
    found = [
        Stuck(symbol, None if executed is None else now - executed)
        for symbol, (seen, executed) in last.items()
        if is_stuck(seen, executed, now)
    ]
    return tuple(sorted(found, key=lambda one: (one.since is None, one.since or 0.0, one.symbol)))
