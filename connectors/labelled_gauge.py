"""Series of a gauge under a label whose values come and go: those that are gone are shown no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_log = structlog.get_logger("metrics")

MAX_SERIES = 1_000
"""Of one gauge: Prometheus keeps each for days, and made-up labels must not fill its memory."""


class LabelledGauge(Collector):
    """A gauge `name` with one label. Thread-safe.

    At most `limit` series are shown: with `replace` the first, with `set` those that were set last.

    :arg keep: seconds for which a series is shown after it was set; None: until it is replaced.
    """

    def __init__(
        self,
        name: str,
        text: str,
        label: str,
        registry: CollectorRegistry,
        keep: float | None = None,
        limit: int = MAX_SERIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._text = text
        self._label = label
        self._keep = keep
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._values: dict[str, tuple[float, float]] = {}
        self._told = False
        registry.register(self)

    def replace(self, values: Mapping[str, float]) -> None:
        """Show `values`, by label, and no others."""
        now = self._clock()
        shown = dict(list(values.items())[: self._limit])
        with self._lock:
            self._values = {label: (value, now) for label, value in shown.items()}
            told, self._told = self._told, len(values) > self._limit
        if self._told and not told:
            _log.warning("label limit reached", gauge=self._name, labels=len(values), shown=self._limit)

    def set(self, label: str, value: float) -> None:
        """Show `value` under `label`."""
        with self._lock:
            self._values.pop(label, None)
            self._values[label] = (value, self._clock())
            while len(self._values) > self._limit:
                del self._values[next(iter(self._values))]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What Prometheus asks for."""
        family = GaugeMetricFamily(self._name, self._text, labels=[self._label])
        now = self._clock()
        with self._lock:
            if self._keep is not None:
                self._values = {label: pair for label, pair in self._values.items() if now - pair[1] <= self._keep}
            for label, (value, _since) in self._values.items():
                family.add_metric([label], value)
        yield family
