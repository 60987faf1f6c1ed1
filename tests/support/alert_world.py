"""A simulated world for alerts: buckets, symbols and the group in a real Redis, as flows.p35 would have left them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import redis
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.testing import TestingSource, run_main
from prometheus_client import CollectorRegistry

from connectors.service import Service
from flows.alerts import Ends, redis_ends, topology
from flows.domain.alerts.rules import KINDS
from flows.settings.alerts import AlertsSettings
from sinks import alerts
from sinks.alert_metrics import AlertMetrics
from sinks.values.alerts import HoursRead, Reading
from tests.support.services import service

START = 1_769_929_200
"""2026-02-01 07:00:00 UTC."""

STREAM, GROUP = "quantum:stream:apply.result", "p35_decision_intel"
STATUS = "quantum:p35:status"


def at(minute: int, second: int = 50) -> int:
    """Epoch seconds of `second` in the simulated minute."""
    return START + 60 * minute + second


class World:
    """What others write; `client` may be any."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def count(
        self, minute: int, decisions: Mapping[str, int], gates: Mapping[str, int], symbol: str = "BTCUSDT"
    ) -> None:
        """So many decisions in the simulated minute, all of one symbol, which is seen and (if any is) executed."""
        name = datetime.fromtimestamp(at(minute), UTC).strftime("%Y%m%d%H%M")
        pipeline = self._client.pipeline()
        for decision, number in decisions.items():
            pipeline.hincrby(f"quantum:p35:bucket:{name}", f"decision:{decision}", number)
            pipeline.hincrby(f"quantum:p35:bucket:{name}", f"symbol_decision:{symbol}:{decision}", number)
        for gate, number in gates.items():
            pipeline.hincrby(f"quantum:p35:bucket:{name}", f"reason:{gate}:detail", number)
            pipeline.hincrby(f"quantum:p35:bucket:{name}", f"symbol_reason:{symbol}:{gate}:detail", number)
        pipeline.execute()
        self.seen(minute, symbol, executed=bool(decisions.get("EXECUTE")))

    def seen(self, minute: int, symbol: str, *, executed: bool) -> None:
        """The symbol has a decision at the start of the simulated minute."""
        self._client.hset("quantum:p35:symbol:last_seen", symbol, at(minute, 0))
        if executed:
            self._client.hset("quantum:p35:symbol:last_execute", symbol, at(minute, 0))

    def publish(self, entries: int) -> None:
        """Entries that nobody has read yet."""
        pipeline = self._client.pipeline()
        for _ in range(entries):
            pipeline.xadd(STREAM, {"f": "v"})
        pipeline.execute()

    def deliver(self) -> list[str]:
        """All entries are read by a consumer, which does not acknowledge them; their IDs."""
        reply: Any = self._client.xreadgroup(GROUP, "me", {STREAM: ">"}, count=100_000)
        return [entry_id for entry_id, _fields in reply[0][1]] if reply else []

    def acknowledge(self, ids: list[str]) -> None:
        """They are counted."""
        self._client.xack(STREAM, GROUP, *ids)


class _Checks(DynamicSource[Reading]):
    """Readings of a real Redis at times that the test gives."""

    def __init__(self, one: Service, times: Iterable[float]) -> None:
        self._service = one
        self._times = times

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSourcePartition[Reading]:
        return _ChecksPartition(self._service, self._times)


class _ChecksPartition(StatelessSourcePartition[Reading]):
    def __init__(self, one: Service, times: Iterable[float]) -> None:
        self._client = one.connect()
        self._times = iter(times)

    def next_batch(self) -> list[Reading]:
        return [alerts.read(self._client, "quantum", next(self._times))]

    def close(self) -> None:
        self._client.close()


def run(
    url: str,
    settings: AlertsSettings,
    metrics: AlertMetrics,
    times: Iterable[float],
    hours: Sequence[HoursRead] = (),
) -> None:
    """Start the flow, let it check at `times` (simulated; asked for one by one) and judge `hours`, and let it end."""
    one = service(url)
    ends = redis_ends(settings, one, metrics)
    run_main(topology(settings, Ends(_Checks(one, times), ends.publish, TestingSource(hours), ends.keep)))  # type: ignore[no-untyped-call]


def new_metrics() -> AlertMetrics:
    """Metrics in a registry of their own."""
    return AlertMetrics(KINDS, "1.2.3", CollectorRegistry())


def published(client: redis.Redis) -> list[dict[str, str]]:
    """All alerts, oldest first."""
    entries: Any = client.xrange("quantum:p35:alerts")
    return [fields for _id, fields in entries]
