"""The application: routes, the page, and what stands before them."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from connectors.errors import RedisFailure
from connectors.supervisor import Supervisor
from connectors.text import one_line
from console.web.access import Access
from console.web.backend import Backend
from console.web.bodies import Body
from console.web.events import events, topics
from console.web.front import Front
from console.web.hub import Hub
from console.web.metrics import MEDIA_TYPE, WebMetrics
from console.web.openapi import document
from console.web.problems import ProblemError
from console.web.routes import questions
from console.web.settings import ServeSettings
from console.web.shortcut import Shortcut
from console.web.static import INDEX, SIGN_IN, page_files
from console.web.tokens import Token


class Application:
    """All that is served, and what has to be stopped. Make it in the event loop that it is to run in.

    :raises OSError, ValueError: the token cannot be read any more.
    """

    def __init__(self, settings: ServeSettings, supervisor: Supervisor) -> None:
        release = version("quantum-flows")
        metrics = WebMetrics(release)
        self.backend = Backend(settings, metrics, supervisor)
        self.hub = Hub(
            topics(self.backend), settings.http_poll_sec, settings.http_max_viewers, lambda: metrics.polls.inc()
        )
        metrics.viewers.set_function(lambda: float(self.hub.viewers))
        api = FastAPI(title="quantum", version=release, openapi_url=None, docs_url=None, redoc_url=None)
        api.include_router(questions(self.backend))
        api.include_router(events(self.hub))
        api.include_router(_operation(self.backend, metrics))
        described = Body.of(document(api).encode(), level=9)
        api.include_router(_described(described))
        files = page_files()
        api.include_router(_page(files))
        _explain_failures(api, self.backend)
        path = settings.token_file
        token = None if path is None else Token(path)
        self.asgi: ASGIApp = Front(Access(Shortcut(api, self.backend), settings.hosts, token, files[SIGN_IN]), metrics)

    async def ping(self) -> str:
        """That Redis answers, as JSON.

        :raises RedisFailure: it does not.
        """
        return await self.backend.text("ping", None, self.backend.ping)

    def close(self) -> None:
        """Ask nothing more of Redis."""
        self.backend.close()


def _operation(backend: Backend, metrics: WebMetrics) -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.get("/livez", response_model=dict[str, str])
    async def live() -> Response:
        """That the process answers."""
        return Response('{"status": "live"}\n', headers={"Cache-Control": "no-store"}, media_type="application/json")

    @router.get("/readyz", response_model=dict[str, str])
    async def ready() -> Response:
        """That Redis answers, too."""
        text = await backend.text("ping", None, backend.ping)
        return Response(text, headers={"Cache-Control": "no-store"}, media_type="application/json")

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def show_metrics() -> Response:
        """For Prometheus."""
        return Response(metrics.page(), headers={"Cache-Control": "no-store", "Content-Type": MEDIA_TYPE})

    return router


def _described(described: Body) -> APIRouter:
    router = APIRouter()

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> Response:
        return described.response(request, {"Cache-Control": "private, no-cache"})

    return router


def _page(files: dict[str, Body]) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/{path:path}")
    async def page(request: Request, path: str) -> Response:
        found = files.get(path or INDEX)
        if found is None:
            raise ProblemError(404, f"there is nothing at /{one_line(path, 200)}")
        return found.response(request, {"Cache-Control": "private, no-cache"})

    return router


def _explain_failures(api: FastAPI, backend: Backend) -> None:
    """Problem details for all that a route raises."""

    @api.exception_handler(ProblemError)
    async def refused(_request: Request, error: ProblemError) -> Response:
        return error.response()

    @api.exception_handler(RedisFailure)
    async def away(_request: Request, error: RedisFailure) -> Response:
        return backend.refusal(error).response()

    @api.exception_handler(RequestValidationError)
    async def wrong(_request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name = str(first["loc"][1]) if len(first["loc"]) > 1 else str(first["loc"][0])
        said = "is not a parameter of this question" if first["type"] == "extra_forbidden" else first["msg"]
        said = said.removeprefix("Value error, ")
        return ProblemError(400, f"{one_line(name, 80)}: {one_line(said)}", parameter=name).response()

    @api.exception_handler(HTTPException)
    async def other(_request: Request, error: HTTPException) -> Response:
        answer = ProblemError(error.status_code, str(error.detail)).response()
        answer.headers.update(error.headers or {})
        return answer
