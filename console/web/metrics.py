"""What `quantum serve` tells Prometheus of itself, at `/metrics`: `quantum_http_...`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from connectors.metrics import Metrics
from console.web.outage import Outage

MEDIA_TYPE = CONTENT_TYPE_LATEST


class WebMetrics(Metrics):
    """Counts of what this process answered, by the route and not by the path, which anybody may make up."""

    def __init__(self, version: str) -> None:
        super().__init__("quantum_http", version, CollectorRegistry())
        ProcessCollector(registry=self.registry)
        self._requests = self.counter("requests", "Requests that were answered", ["route", "status"])
        self._seconds = self.histogram("request_seconds", "Seconds from a request to the end of its answer")
        self._asked = self.counter("asked", "Questions that Redis was asked, each for all who asked it", ["query"])
        self._ask_seconds = self.histogram("asked_seconds", "Seconds that it took to ask Redis, and to serialize")
        self.viewers = self.gauge("viewers", "Event streams that are open")
        self.polls = self.counter("polls", "Looks at Redis for all viewers")

    def show(self, outage: Outage) -> None:
        """Show what `outage` knows of Redis."""
        self._redis_up.set_function(lambda: float(outage.redis_up))

    def asked(self, query: str, seconds: float) -> None:
        """A question was answered, or failed."""
        self._asked.labels(query).inc()
        self._ask_seconds.observe(seconds)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request was."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.observe(seconds)

    def page(self) -> bytes:
        """All of it, in the text format."""
        return generate_latest(self.registry)
