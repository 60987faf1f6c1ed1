"""What every flow is wired to alike: a process with signs of life and metrics, and the status of its consumer group."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from connectors import metrics as endpoint
from connectors.derived import DerivedSink
from connectors.group import default_name
from connectors.group_config import GroupConfig
from connectors.group_info import read_state
from connectors.group_state import GroupState
from connectors.instrumentation import Instrumentation
from connectors.metrics import ConsumerMetrics, Metrics
from connectors.polled import PolledSource
from connectors.service import Service
from connectors.settings import ConsumerSettings, RedisSettings
from connectors.sign import sign
from flows import __version__

Write = Callable[[redis.Redis, str, GroupState, dict[str, str]], None]


def service_of(settings: RedisSettings, flow: str, metrics: Metrics) -> Service:
    """The service that runs `flow`: it leaves signs of life in Redis, and serves `metrics`. Does not connect."""
    hears = metrics if isinstance(metrics, Instrumentation) else None
    service = Service.create(settings, flow, hears, sign=sign(settings.key_prefix, flow, __version__))
    metrics.watch(service.outage)
    endpoint.serve(settings)
    return service


def group_status(
    service: Service,
    settings: ConsumerSettings,
    config: GroupConfig,
    write: Write,
    metrics: ConsumerMetrics,
    headline: Callable[[GroupState], str] | None = None,
) -> tuple[PolledSource[GroupState], DerivedSink[GroupState]]:
    """A source of the state of the group, and a sink that writes it to the status and shows it in `metrics`.

    :arg write: to the status of the flow: gets a client, the prefix of keys, the state, and facts about the process.
    """
    facts = {
        "consumer_name": default_name(0, 1),
        "service_start_ts": str(int(time.time())),
        "version": __version__,
    }
    source = PolledSource(
        service, "group", settings.status_interval_sec, lambda client: read_state(client, config.stream, config.group)
    )
    sink = DerivedSink(
        service,
        "status",
        lambda client, state: write(client, settings.key_prefix, state, facts),
        written=metrics.group_state,
        headline=headline,
        beside=True,
    )
    return source, sink
