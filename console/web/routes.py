"""`/api/v1/...`: the questions of the console. Each body is what `--json` of the same prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from console.web import asks
from console.web.backend import Ask, Backend
from console.web.parameters import (
    Name,
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
from console.web.shapes import alerts, detail, guide, now, past, service

PREFIX = "/api/v1"


class _AnyText(Convertor[str]):
    """The rest of a path, whatever is in it: a reason may hold slashes and line ends."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("text", _AnyText())


@dataclass(frozen=True, slots=True)
class Question:
    """One of them."""

    name: str
    """As in its path, and in its JSON."""
    parameters: type[Parameters]
    ask: Callable[[Backend, Any], Ask]
    shape: Any
    """The type of its body."""


QUESTIONS = (
    Question("why", OfPast, asks.why, now.Why),
    Question("symbols", OfSymbols, asks.symbols, now.Symbols),
    Question("share", OfPast, asks.share, now.Shares),
    Question("drift", OfDrift, asks.drift, now.Shares),
    Question("health", OfHealth, asks.health, service.Health | service.AppHealth),
    Question("alerts", OfAlerts, asks.alerts, alerts.Alerts),
    Question("lag", OfApp, asks.lags, detail.Lag),
    Question("explain", Parameters, asks.guide, guide.Guide),
    Question("report", OfReport, asks.day, past.Report),
    Question("history", OfHistory, asks.history, past.History),
    Question("trend", OfTrend, asks.changes, past.Trend),
    Question("heatmap", OfHeatmap, asks.cells, detail.Heatmap),
    Question("entries", OfEntries, asks.decisions, detail.Entries),
    Question("proposals", Parameters, asks.proposals, detail.Proposals),
    Question("permits", Parameters, asks.permits, detail.Permits),
)


def questions(backend: Backend) -> APIRouter:
    """The routes that answer from `backend`."""
    router = APIRouter(prefix=PREFIX, tags=["questions"])
    for one in QUESTIONS:
        router.add_api_route(
            f"/{one.name}",
            _answering(backend, one),
            response_model=one.shape,
            name=one.name,
            operation_id=one.name,
            description=one.ask.__doc__,
        )

    @router.get(
        "/explain/{gate:text}", response_model=guide.Explanation, name="explain gate", operation_id="explain_gate"
    )
    async def explain(request: Request, gate: Annotated[Name, Path()], p: Annotated[OfGate, Query()]) -> Response:
        """What does this gate mean, and what is to be done? The gate may also be a whole reason."""
        return await backend.reply(request, "explain", (gate, p.key), asks.explain(backend, gate, p))

    return router


def _answering(backend: Backend, question: Question) -> Callable[..., Any]:
    """The function that FastAPI calls for it; what it takes is read from its annotations."""

    async def answer(request: Request, p: Any) -> Response:
        return await backend.reply(request, question.name, p.key, question.ask(backend, p))

    answer.__annotations__ = {"request": Request, "p": Annotated[question.parameters, Query()], "return": Response}
    return answer
