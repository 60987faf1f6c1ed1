"""What the steps of one App share in a process that runs it: settings, service, metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import redis
from prometheus_client import CollectorRegistry

from connectors.closing import WindowState
from connectors.group_config import GroupConfig
from connectors.group_info import read_state
from connectors.group_state import GroupState
from connectors.metrics import ConsumerMetrics
from connectors.service import Service
from connectors.settings import AppSettings
from connectors.sign import Subscription, sign


class AppMetrics(ConsumerMetrics):
    """The counts that any App has. Those of windows are what Redis has, whichever instance counted."""

    def __init__(self, namespace: str, version: str, registry: CollectorRegistry) -> None:
        super().__init__(namespace, version, registry)
        self._late = self.gauge("windows_late", "How often an entry came for a window that was closed", ["windows"])
        self._open = self.gauge("windows_open", "Windows that are not closed", ["windows"])

    def windows(self, key: str, state: WindowState) -> None:
        """Show it."""
        self._late.labels(key).set(state.late)
        self._open.labels(key).set(state.open)


@dataclass(frozen=True)
class AppProcess:
    """A running App. Makes no connection by itself."""

    settings: AppSettings
    service: Service
    metrics: AppMetrics

    @classmethod
    def of(
        cls,
        name: str,
        version: str,
        settings: AppSettings,
        reads: Sequence[Subscription] | None,
        registry: CollectorRegistry,
    ) -> AppProcess:
        """One whose metrics, in `registry`, begin with `name`.

        :arg reads: what its signs of life say that it reads; None: it leaves none.
        """
        metrics = AppMetrics(re.sub(r"\W", "_", name), version, registry)
        leave = sign(settings.key_prefix, name, version, reads) if reads is not None else None
        service = Service.create(settings, name, metrics, sign=leave)
        metrics.watch(service.outage)
        return cls(settings, service, metrics)


def read_states(client: redis.Redis, groups: Sequence[GroupConfig]) -> GroupState | None:
    """All of `groups` together; None where none of them exists. Blocks for a round trip for each.

    :raises RedisFailure: Redis did not answer.
    """
    found = [read_state(client, group.stream, group.group) for group in groups]
    states = [state for state in found if state is not None]
    if not states:
        return None
    lags = [state.lag for state in states]
    return GroupState(
        pending=sum(state.pending for state in states),
        lag=None if None in lags else sum(lag for lag in lags if lag is not None),
        consumers=max(state.consumers for state in states),
    )


def said(state: GroupState) -> str:
    """What there is to say of it to a supervisor."""
    return f"{'?' if state.lag is None else state.lag} entries behind, {state.pending} in flight"
