"""Then and now side by side: two windows, and by how much the shares of decisions and gates differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis

from console.queries.answers import GATES, Why
from console.queries.asked import gates_of, read_asked, why_of
from console.queries.counting import CountingFlow
from console.queries.json import head, why_as_json
from console.queries.moment import When
from flows.domain.difference import clearly_apart
from flows.domain.thresholds import Thresholds
from flows.domain.windows import Window
from sinks.values.counts import DECISIONS


@dataclass(frozen=True, slots=True)
class Change:
    """A decision or a gate, then and now."""

    kind: str
    """`decision` or `gate` (or, where whole reasons were asked for, `reason`)."""
    name: str
    then: int
    now: int
    then_share: float
    """Of all decisions of that window, 0 to 1."""
    now_share: float
    difference: float | None
    """Of the shares: positive, where it is more now. None where either window is empty."""
    clear: bool
    """Whether they surely differ by 10 points or more."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two windows of one length."""

    then: Why
    now: Why
    rows: tuple[Change, ...]
    """The decisions in their order; then the top gates of either, those that changed most first."""

    @property
    def service(self) -> CountingFlow:
        """As it is now."""
        return self.now.service

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the numbers may not be what they seem."""
        return tuple(dict.fromkeys((*self.now.service.warnings, *self.then.service.warnings)))


def ask_compare(
    client: redis.Redis, prefix: str, thresholds: Thresholds, window: str, when: When, *, full: bool
) -> Comparison:
    """What has changed since `when`?

    Blocks for a few round trips; raises `connectors.errors.RedisFailure`.

    :arg full: whole reasons instead of gates.
    :raises console.queries.moment.MomentError: nothing can be told of that moment.
    """
    service, minutes = read_asked(client, prefix, thresholds, window)
    service_then, minutes_then = read_asked(client, prefix, thresholds, window, when, service)
    now, then = why_of(service, minutes, window), why_of(service_then, minutes_then, window)
    return Comparison(then, now, (*_decisions(then.window, now.window), *_gates(then.window, now.window, full)))


def _decisions(then: Window, now: Window) -> Iterator[Change]:
    for name in DECISIONS:
        yield _row("decision", name, then, now, then.decisions[name], now.decisions[name])


def _gates(then: Window, now: Window, full: bool) -> list[Change]:
    of_then, of_now = gates_of(then, full), gates_of(now, full)
    counts_then = {gate.name: gate.count for gate in of_then}
    counts_now = {gate.name: gate.count for gate in of_now}
    names = {gate.name for gate in (*of_then[:GATES], *of_now[:GATES])}
    kind = "reason" if full else "gate"
    rows = [_row(kind, name, then, now, counts_then.get(name, 0), counts_now.get(name, 0)) for name in names]
    return sorted(rows, key=lambda row: (-abs(row.difference or 0.0), -max(row.then, row.now), row.name))


def _row(kind: str, name: str, then: Window, now: Window, count_then: int, count_now: int) -> Change:
    before, after = then.share(count_then), now.share(count_now)
    difference = after - before if then.total and now.total else None
    clear = clearly_apart(count_then, then.total, count_now, now.total)
    return Change(kind, name, count_then, count_now, before, after, difference, clear)


def as_json(answer: Comparison) -> dict[str, Any]:
    """As documented in docs/console.md. Pure."""
    return (
        head("compare", answer.service)
        | {"warnings": list(answer.warnings), "window": answer.now.window.name}
        | {"then": why_as_json(answer.then), "now": why_as_json(answer.now)}
        | {
            "rows": [
                {
                    "kind": row.kind,
                    "name": row.name,
                    "then": {"count": row.then, "share": row.then_share},
                    "now": {"count": row.now, "share": row.now_share},
                    "difference": row.difference,
                    "clear": row.clear,
                }
                for row in answer.rows
            ]
        }
    )
