"""`/api/v1/...`: the questions of the console. Each body is what `--json` of the same prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from console.queries import asked
from console.queries.counting import read_now
from console.queries.history import Asked as Series
from console.queries.history import Retention, ask_history
from console.queries.history import as_json as history_json
from console.queries.json import as_json
from console.queries.moment import MomentError, parse_bound
from console.queries.report import as_json as report_json
from console.queries.report import parse_day, read_report
from console.queries.trend import as_json as trend_json
from console.queries.trend import ask_trend, parse_against, parse_over
from console.web.backend import Ask, Backend
from console.web.parameters import OfDrift, OfHealth, OfHistory, OfPast, OfReport, OfSymbols, OfTrend
from console.web.problems import ProblemError
from console.web.shapes import now, past, service

PREFIX = "/api/v1"


def quietly(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody is told of."""


def why(backend: Backend, p: OfPast) -> Ask:
    """How `why` is asked."""
    return lambda: _at(p, lambda: as_json("why", asked.ask_why(backend.question(p.window, p.full, p.moment))))


def health(backend: Backend, p: OfHealth) -> Ask:
    """How `health` is asked."""
    question = backend.question(p.window)
    flow = p.flow
    if flow is not None:
        return lambda: as_json("health", asked.ask_app(question, flow))
    return lambda: as_json("health", asked.ask_health(question))


def history(backend: Backend, p: OfHistory) -> Ask:
    """How `history` is asked."""
    settings = backend.settings
    kept = {
        "minute": Retention(settings.bucket_ttl_sec, "BUCKET_TTL_SEC"),
        "hour": Retention(settings.history_hour_ttl_sec, "HISTORY_HOUR_TTL_SEC"),
        "day": Retention(settings.history_day_ttl_sec, "HISTORY_DAY_TTL_SEC"),
    }[p.by]
    begin, end = (None if text is None else parse_bound(text) for text in (p.begin, p.end))

    def ask() -> dict[str, object]:
        series, client = Series(p.by, begin, end, p.gate, p.symbol), backend.client
        try:
            found = ask_history(client, backend.prefix, series, read_now(client), kept, quietly, beside=False)
        except MomentError as error:
            said = re.sub(r"--(?=\w)", "", str(error))
            raise ProblemError(400, said, parameter=said.partition(" ")[0]) from None
        return history_json(found)

    return ask


def _at(p: OfPast, ask: Ask) -> dict[str, object]:
    """What `ask` gives of the moment that was asked about."""
    try:
        return dict(ask())
    except MomentError as error:
        name = "ago" if p.at is None else "at"
        raise ProblemError(400, f"{name}: {error}", parameter=name) from None


def _checked(name: str, text: str, parse: Callable[[str], int]) -> int:
    try:
        return parse(text)
    except ValueError as error:
        raise ProblemError(400, f"{name}={text!r} {error}", parameter=name) from None


def questions(backend: Backend) -> APIRouter:
    """The routes that answer from `backend`."""
    router = APIRouter(prefix=PREFIX, tags=["questions"])

    @router.get("/why", response_model=now.Why)
    async def ask_why(request: Request, p: Annotated[OfPast, Query()]) -> Response:
        """Why are we not trading, now or then?"""
        return await backend.reply(request, "why", p, why(backend, p))

    @router.get("/symbols", response_model=now.Symbols)
    async def ask_symbols(request: Request, p: Annotated[OfSymbols, Query()]) -> Response:
        """What blocks each symbol: its top 10 gates."""
        question = backend.question(p.window, p.full, p.moment)
        return await backend.reply(
            request, "symbols", p, lambda: _at(p, lambda: as_json("symbols", asked.ask_symbols(question, p.symbol)))
        )

    @router.get("/share", response_model=now.Shares)
    async def ask_share(request: Request, p: Annotated[OfPast, Query()]) -> Response:
        """Which gates block most: the top 10, and their shares."""
        question = backend.question(p.window, p.full, p.moment)
        return await backend.reply(
            request, "share", p, lambda: _at(p, lambda: as_json("share", asked.ask_share(question)))
        )

    @router.get("/drift", response_model=now.Shares)
    async def ask_drift(request: Request, p: Annotated[OfDrift, Query()]) -> Response:
        """The gates that block more than a threshold."""
        question = backend.question(p.window, p.full, p.moment)
        threshold = None if p.threshold is None else p.threshold / 100
        return await backend.reply(
            request, "drift", p, lambda: _at(p, lambda: as_json("drift", asked.ask_drift(question, threshold)))
        )

    @router.get("/health", response_model=service.Health | service.AppHealth)
    async def ask_health(request: Request, p: Annotated[OfHealth, Query()]) -> Response:
        """Is the counting service healthy, and which flows run? With `flow`: is that App?"""
        return await backend.reply(request, "health", p, health(backend, p))

    @router.get("/history", response_model=past.History)
    async def ask_series(request: Request, p: Annotated[OfHistory, Query()]) -> Response:
        """What was it like, minute by minute, hour by hour or day by day?"""
        return await backend.reply(request, "history", p, history(backend, p))

    @router.get("/trend", response_model=past.Trend)
    async def ask_changes(request: Request, p: Annotated[OfTrend, Query()]) -> Response:
        """Is this normal? The last hours against the same hours of the weeks before."""
        over, against = _checked("over", p.over, parse_over), _checked("against", p.against, parse_against)
        client = backend.client
        return await backend.reply(
            request,
            "trend",
            p,
            lambda: trend_json(ask_trend(client, backend.prefix, over, against, read_now(client))),
        )

    @router.get("/report", response_model=past.Report)
    async def ask_day(request: Request, p: Annotated[OfReport, Query()]) -> Response:
        """A day."""

        def ask() -> dict[str, object]:
            client, at = backend.client, read_now(backend.client)
            first = parse_day(p.day, at)
            if first is None:
                raise ProblemError(400, "day must be a day: 2026-02-01, today or yesterday", parameter="day")
            if first * 60 > at:
                raise ProblemError(400, f"day: {p.day} has not begun yet", parameter="day")
            ttl = backend.settings.bucket_ttl_sec
            return report_json(read_report(client, backend.prefix, first, at, ttl, quietly, full=p.full))

        return await backend.reply(request, "report", p, ask)

    return router
