"""Prometheus metrics of a flow, under a name of its own, and the endpoint that serves them."""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from connectors.delivery import Part
from connectors.group_state import GroupState
from connectors.instrumentation import Instrumentation
from connectors.outage import Outage
from connectors.settings import RedisSettings

_log = structlog.get_logger("metrics")

SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds for durations, in seconds."""


class Metrics:
    """Metrics of one flow, named `{namespace}_...`: those that any flow has, and a way to make more.

    Counters count what this process did.

    :arg version: of the flow, shown as `{namespace}_build_info`.
    """

    def __init__(self, namespace: str, version: str, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        self.namespace = namespace
        self._redis_up = self.gauge("redis_up", "1 while Redis answers")
        self.gauge("build_info", "Always 1", ["version"]).labels(version).set(1)

    def watch(self, outage: Outage) -> None:
        """Show what `outage` knows of Redis."""
        self._redis_up.set_function(lambda: float(outage.redis_up))

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        """A counter `{namespace}_{name}_total`."""
        return Counter(f"{self.namespace}_{name}", text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        """A gauge `{namespace}_{name}`."""
        return Gauge(f"{self.namespace}_{name}", text, labels, registry=self.registry)

    def histogram(self, name: str, text: str) -> Histogram:
        """A histogram `{namespace}_{name}` of seconds."""
        return Histogram(f"{self.namespace}_{name}", text, buckets=SECONDS_BUCKETS, registry=self.registry)


class ConsumerMetrics(Metrics, Instrumentation):
    """The counts that any consumer-group flow has."""

    def __init__(self, namespace: str, version: str, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__(namespace, version, registry)
        self._messages = self.counter("messages", "Messages counted")
        self._overflow = self.counter("overflow", "Counts folded into __other__ because a bucket was full")
        self._claimed = self.counter("claimed", "Entries taken over from dead consumers")
        self._fenced = self.counter("fenced", "Times a consumer lost its lease and registered again")
        self._trimmed = self.counter("trimmed", "Entries lost: deleted from the stream before they were counted")
        self._commit_seconds = self.histogram("commit_seconds", "Seconds from sending a commit to its reply")
        self._pending = self.gauge("pending", "Entries delivered to the group and not yet counted")
        self._lag: Gauge | None = None
        self._lock = threading.Lock()

    def committed(self, parts: Sequence[Part], seconds: float, overflow: int) -> None:
        """Count them."""
        self._messages.inc(sum(len(part.ids) - len(part.again) for part in parts))
        self._overflow.inc(overflow)
        self._commit_seconds.observe(seconds)

    def claimed(self, entries: int) -> None:
        """Count them."""
        self._claimed.inc(entries)

    def fenced(self) -> None:
        """Count it."""
        self._fenced.inc()

    def trimmed(self, entries: int) -> None:
        """Count them."""
        self._trimmed.inc(entries)

    def group_state(self, state: GroupState) -> None:
        """Show it. What Redis does not know has no series at all, rather than a wrong 0."""
        self._pending.set(state.pending)
        with self._lock:
            if state.lag is not None and self._lag is None:
                self._lag = self.gauge("lag", "Entries in the stream that the group has not read")
            elif state.lag is None and self._lag is not None:
                self.registry.unregister(self._lag)
                self._lag = None
            if self._lag is not None and state.lag is not None:
                self._lag.set(state.lag)


def serve(settings: RedisSettings, registry: CollectorRegistry = REGISTRY) -> None:
    """Serve `registry` at `http://METRICS_ADDR:METRICS_PORT/metrics`, from a thread; port 0 serves nothing.

    Where the port is taken, by another process of the flow or by anything else, a free one is served on, which one log
    line names. An address that cannot be listened on at all costs the metrics, not the counting: one warning.
    """
    port, address = settings.metrics_port, settings.metrics_addr
    if port == 0:
        return
    try:
        try:
            server, _thread = start_http_server(port, address, registry)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            server, _thread = start_http_server(0, address, registry)
    except OSError as error:
        place = f"{address}:{port}"
        _log.warning("no metrics: cannot listen; set METRICS_ADDR or METRICS_PORT", place=place, cause=str(error))
        return
    served = server.server_port
    url = f"http://{f'[{address}]' if ':' in address else address}:{served}/metrics"
    if served == port:
        _log.info("serving metrics", url=url)
    else:
        _log.warning("METRICS_PORT is taken: serving metrics on a free port", taken=port, url=url)
