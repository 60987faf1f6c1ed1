"""How each question of the API is asked, given its parameters. What these functions return blocks, and asks Redis.

What it raises is a `connectors.errors.RedisFailure`, or a ProblemError where a parameter is wrong in a way that only
shows then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from console.queries import asked, entries, heatmap, joins, lag, report, trend
from console.queries.alerts import answer as alerts_answer
from console.queries.counting import read_now
from console.queries.guide import explanation
from console.queries.guide.live import ask_live
from console.queries.history import Asked as Span
from console.queries.history import as_json as history_json
from console.queries.history import ask_history, retention
from console.queries.json import as_json
from console.queries.moment import MomentError, parse_at, parse_bound
from console.web.backend import Ask, Backend
from console.web.parameters import (
    OfAlerts,
    OfApp,
    OfDrift,
    OfEntries,
    OfGate,
    OfHealth,
    OfHeatmap,
    OfHistory,
    OfPast,
    OfReport,
    OfSymbols,
    OfTrend,
    Parameters,
)
from console.web.problems import ProblemError


def why(backend: Backend, p: OfPast) -> Ask:
    """Why are we not trading, now or then?"""
    return _of_window(backend, p, "why", asked.ask_why)


def symbols(backend: Backend, p: OfSymbols) -> Ask:
    """What blocks each symbol: its top 10 gates."""
    return _of_window(backend, p, "symbols", lambda question: asked.ask_symbols(question, p.symbol))


def share(backend: Backend, p: OfPast) -> Ask:
    """Which gates block most: the top 10, and their shares."""
    return _of_window(backend, p, "share", asked.ask_share)


def drift(backend: Backend, p: OfDrift) -> Ask:
    """Which gates block more than a threshold?"""
    threshold = None if p.threshold is None else p.threshold / 100
    return _of_window(backend, p, "drift", lambda question: asked.ask_drift(question, threshold))


def _of_window(backend: Backend, p: OfPast, name: str, ask: Callable[[asked.Question], Any]) -> Ask:
    question = backend.question(p.window, p.full, p.moment)

    def run() -> Mapping[str, Any]:
        try:
            return as_json(name, ask(question))
        except MomentError as error:
            parameter = "ago" if p.at is None else "at"
            raise ProblemError(400, f"{parameter}: {error}", parameter=parameter) from None

    return run


def health(backend: Backend, p: OfHealth) -> Ask:
    """Is the counting service healthy, and which flows run? With `flow`: is that App?"""
    question, flow = backend.question(p.window), p.flow
    if flow is not None:
        return lambda: as_json("health", asked.ask_app(question, flow))
    return lambda: as_json("health", asked.ask_health(question))


def lags(backend: Backend, p: OfApp) -> Ask:
    """Who reads which stream, and how far behind?"""
    return lambda: lag.as_json(lag.ask_lag(backend.client, backend.prefix, p.flow))


def alerts(backend: Backend, p: OfAlerts) -> Ask:
    """What fires since when, what did, and who was told?"""
    return lambda: alerts_answer.as_json(alerts_answer.ask_alerts(backend.client, backend.prefix, p.count))


def guide(_backend: Backend, _p: Parameters) -> Ask:
    """Which gates does the guide know?"""
    return explanation.list_as_json


def explain(backend: Backend, gate: str, p: OfGate) -> Ask:
    """What does this gate mean, and what is to be done? The gate may also be a whole reason."""
    found = replace(explanation.explanation_of(gate), symbols=tuple(dict.fromkeys(p.symbol)))
    if not p.live:
        return lambda: explanation.as_json(found)
    return lambda: explanation.as_json(ask_live(backend.client, backend.prefix, found, p.window))


def history(backend: Backend, p: OfHistory) -> Ask:
    """What was it like, minute by minute, hour by hour or day by day?"""
    span = Span(p.by, _bound(p.begin), _bound(p.end), p.gate, p.symbol)

    def run() -> Mapping[str, Any]:
        client, kept = backend.client, retention(backend.settings, p.by)
        with _naming_the_bound():
            return history_json(
                ask_history(client, backend.prefix, span, read_now(client), kept, _quietly, beside=False)
            )

    return run


def cells(backend: Backend, p: OfHeatmap) -> Ask:
    """What blocked when: gates, reasons or symbols by minutes or hours."""
    span = Span(p.step, _bound(p.begin), _bound(p.end), None, p.symbol)

    def run() -> Mapping[str, Any]:
        client, kept = backend.client, retention(backend.settings, p.step)
        with _naming_the_bound():
            return heatmap.as_json(
                heatmap.ask_heatmap(client, backend.prefix, p.rows, span, read_now(client), kept, p.limit)
            )

    return run


def decisions(backend: Backend, p: OfEntries) -> Ask:
    """Which decisions were these: the entries of the stream behind a minute, a gate, a symbol."""
    wanted = entries.Filter(frozenset(filter(None, [p.symbol])), frozenset(filter(None, [p.gate])))

    def run() -> Mapping[str, Any]:
        client, skew = backend.client, backend.settings.max_future_skew_sec
        at, now = parse_at(p.minute), read_now(client)
        seconds = at.seconds(now)
        if seconds > now:
            raise ProblemError(400, f"minute: {at.text} is in the future", parameter="minute")
        return entries.as_json(entries.ask_entries(client, backend.prefix, int(seconds // 60), wanted, p.limit, skew))

    return run


def proposals(backend: Backend, _p: Parameters) -> Ask:
    """What is proposed for each symbol?"""
    client, prefix = backend.client, backend.prefix
    return lambda: joins.proposals_as_json(joins.read_joins(client, prefix), read_now(client))


def permits(backend: Backend, _p: Parameters) -> Ask:
    """What was permitted of the latest plans?"""
    client, prefix = backend.client, backend.prefix
    return lambda: joins.permits_as_json(joins.read_joins(client, prefix), read_now(client))


def changes(backend: Backend, p: OfTrend) -> Ask:
    """Is this normal? The last hours against the same hours of the weeks before."""
    over = _checked("over", p.over, trend.parse_over)
    against = _checked("against", p.against, trend.parse_against)
    client = backend.client
    return lambda: trend.as_json(trend.ask_trend(client, backend.prefix, over, against, read_now(client)))


def day(backend: Backend, p: OfReport) -> Ask:
    """What was this day like?"""

    def run() -> Mapping[str, Any]:
        client, ttl = backend.client, backend.settings.bucket_ttl_sec
        now = read_now(client)
        first = report.parse_day(p.day, now)
        if first is None:
            raise ProblemError(400, "day must be a day: 2026-02-01, today or yesterday", parameter="day")
        if first * 60 > now:
            raise ProblemError(400, f"day: {p.day} has not begun yet", parameter="day")
        return report.as_json(report.read_report(client, backend.prefix, first, now, ttl, _quietly, full=p.full))

    return run


def _quietly(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody is told of."""


def _bound(text: str | None) -> Any:
    return None if text is None else parse_bound(text)


@contextmanager
def _naming_the_bound() -> Iterator[None]:
    """Tells which end of a span is wrong, by the name of the parameter and not of the option."""
    try:
        yield
    except MomentError as error:
        said = re.sub(r"--(?=\w)", "", str(error))
        raise ProblemError(400, said, parameter=said.partition(" ")[0]) from None


def _checked(name: str, text: str, parse: Callable[[str], int]) -> int:
    try:
        return parse(text)
    except ValueError as error:
        raise ProblemError(400, f"{name}={text!r} {error}", parameter=name) from None
