"""Then and now side by side: two windows, and by how much the shares of decisions and gates differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from console.queries.answers import GATES, Change, Comparison
from console.queries.asked import Question, gates_of, read_asked, why_of
from flows.domain.difference import clearly_apart
from flows.domain.windows import Window
from sinks.values.counts import DECISIONS


def ask_compare(question: Question) -> Comparison:
    """What has changed since the moment in question?

    Blocks for a few round trips; raises `connectors.errors.RedisFailure`.

    :raises console.queries.moment.MomentError: nothing can be told of that moment.
    """
    flow, minutes = read_asked(replace(question, when=None))
    flow_then, minutes_then = read_asked(question, flow)
    now, then = why_of(flow, minutes, question.window), why_of(flow_then, minutes_then, question.window)
    rows = (*_decisions(then.window, now.window), *_gates(then.window, now.window, question.full))
    return Comparison(then, now, rows)


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
