"""Series that come and go, as Prometheus sees them."""

from __future__ import annotations

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from connectors.labelled_gauge import LabelledGauge


class Shown:
    """A gauge in a registry of its own, with a clock set by hand."""

    def __init__(self, **options: object) -> None:
        self.now = 0.0
        self.registry = CollectorRegistry()
        self.series = LabelledGauge("g", "Text", "label", self.registry, clock=lambda: self.now, **options)  # type: ignore[arg-type]

    def seen(self) -> dict[str, float]:
        text = generate_latest(self.registry).decode()
        return {
            sample.labels["label"]: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


def test_what_is_not_in_the_new_values_is_gone() -> None:
    shown = Shown()
    shown.series.replace({"a": 1.0, "b": 2.0})
    assert shown.seen() == {"a": 1.0, "b": 2.0}
    shown.series.replace({"b": 3.0})
    assert shown.seen() == {"b": 3.0}


def test_what_was_not_set_for_long_is_gone() -> None:
    shown = Shown(keep=10.0)
    shown.series.set("a", 1.0)
    shown.now = 6.0
    shown.series.set("b", 2.0)
    shown.now = 11.0
    assert shown.seen() == {"b": 2.0}
    shown.series.set("b", 4.0)
    shown.now = 20.0
    assert shown.seen() == {"b": 4.0}


def test_there_are_never_more_than_the_limit() -> None:
    shown = Shown(limit=2)
    for label in "abac":
        shown.series.set(label, 1.0)
    assert set(shown.seen()) == {"a", "c"}, "those set last"
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            shown.series.replace({"x": 1.0, "y": 2.0, "z": 3.0})
    assert set(shown.seen()) == {"x", "y"}
    assert [line["event"] for line in logs] == ["label limit reached"]


def test_hostile_labels_do_no_harm() -> None:
    shown = Shown()
    shown.series.replace({'a"}\n# TYPE x\\': 1.0})
    assert shown.seen() == {'a"}\n# TYPE x\\': 1.0}
