"""What was asked for, and what was reached. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.bench import freshness, throughput

Results = dict[str, Any]
"""Part -> what its `measure` returned; parts may be missing."""


@dataclass(frozen=True, slots=True)
class Target:
    """One number that was asked for."""

    what: str
    part: str
    limit: float
    at_least: bool
    form: str
    """How its numbers are written, as `format` takes it."""
    reached: Callable[[Any], float]
    """The number, of what the part measured."""


def _base(name: str, to: str) -> Callable[[Any], float]:
    return lambda result: throughput.ratio(result["cases"][0], name, to)


def _fresh(result: Any) -> float:
    return max(freshness.middle(row, "p99") for row in result["rates"])


def _slowest_snapshot(result: Any) -> float:
    return max(median(row["seconds"]) * 1e3 for row in result["snapshots"])


TARGETS = (
    Target("of the floor, flows.p35", "throughput", 0.75, True, "{:.2f}", _base("flow", "floor")),
    Target("times the naive loop, flows.p35", "throughput", 100, True, "{:.0f}", _base("flow", "naive")),
    Target("freshness, p99, at the worst rate", "freshness", 5, False, "{:.1f} ms", _fresh),
    Target("of a core at rest", "resources", 0.005, False, "{:.2%}", lambda r: median(r["rest"]["cpu"])),
    Target(
        "of a core at 100 entries a second", "resources", 0.035, False, "{:.2%}", lambda r: median(r["light"]["cpu"])
    ),
    Target("resident at rest", "resources", 64, False, "{:.1f} MiB", lambda r: max(r["rest"]["resident"])),
    Target(
        "resident over the backlog, at the most", "growth", 120, False, "{:.1f} MiB", lambda r: r["backlog"]["peak"]
    ),
    Target("snapshot of all windows, whatever the symbols", "growth", 20, False, "{:.1f} ms", _slowest_snapshot),
    Target("24 hours of buckets in Redis", "growth", 10, False, "{:.1f} MB", lambda r: r["day"]["buckets"] / 1e6),
)


def verdicts(results: Results) -> Iterator[tuple[Target, float, bool]]:
    """Each target that was measured, what was reached, and whether that is enough."""
    for target in TARGETS:
        if target.part in results:
            reached = target.reached(results[target.part])
            yield target, reached, reached >= target.limit if target.at_least else reached < target.limit
