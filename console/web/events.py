"""`/api/v1/events`: what is new, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connectors.errors import RedisAway, RedisFailure
from console.queries.json import dumps, no_health
from console.web import asks
from console.web.backend import Ask, Backend
from console.web.hub import COMMENT, Hub, Topic, Viewer
from console.web.parameters import OfAlerts, OfHealth, OfHistory, OfPast, Parameters
from console.web.problems import ProblemError
from console.web.routes import PREFIX

STUCK_SEC = 30.0
"""Seconds that a viewer may take no more, after which its stream is ended."""

_log = structlog.get_logger("web")

_HEALTH_EVERY = 5
"""Polls from one look at the health of all flows to the next: it asks systemd as well, which takes a process."""


def topics(backend: Backend) -> list[Topic]:
    """The kinds of events, each with the body of a question."""

    def topic(
        kind: str, query: str, p: Parameters, ask: Ask, every: int = 1, content: Callable[[str], object] = _without_time
    ) -> Topic:
        return Topic(kind, lambda: _body(backend, query, p, ask), every, content)

    now, minutes, alerts, health = OfPast(), OfHistory(by="minute", begin="2min"), OfAlerts(), OfHealth()
    return [
        topic("why", "why", now, asks.why(backend, now), content=_all_of_it),
        topic("minute", "history", minutes, asks.history(backend, minutes)),
        topic("alert", "alerts", alerts, asks.alerts(backend, alerts)),
        topic("health", "health", health, asks.health(backend, health), _HEALTH_EVERY),
    ]


async def _body(backend: Backend, query: str, p: Parameters, ask: Ask) -> str:
    """What is answered to a question; empty where it cannot be, which the health tells."""
    try:
        return await backend.text(query, p.key, ask)
    except RedisFailure as error:
        if query != "health":
            return ""
        return dumps(no_health(backend.refusal(error).detail, redis_up=not isinstance(error, RedisAway)))
    except ProblemError:  # (too much is asked at once)
        return ""
    except Exception as error:
        _log.error("this is a bug", query=query, cause=f"{type(error).__name__}: {error}")
        return ""


def _all_of_it(text: str) -> object:
    return text


def _without_time(text: str) -> object:
    value = json.loads(text)
    value.pop("as_of", None)
    return value


class EventStream(Response):
    """The response to one viewer, which is gone for the hub once this has ended, however it did."""

    media_type = "text/event-stream"

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._viewer = viewer

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the viewer leaves, takes no more, or the process stops."""
        watching = asyncio.create_task(self._watch(receive))
        piece = COMMENT  # (so that the viewer learns at once that it is connected)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while piece:
                async with asyncio.timeout(STUCK_SEC):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await self._viewer.next()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            pass  # (the server ends a connection whose answer is not complete)
        finally:
            watching.cancel()
            self._viewer.leave()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._viewer.leave()


def events(hub: Hub) -> APIRouter:
    """The route that `hub` feeds."""
    router = APIRouter(prefix=PREFIX, tags=["events"])

    @router.get(
        "/events",
        response_class=Response,
        responses={
            200: {
                "description": "Server-sent events, without end.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }
        },
    )
    async def follow(request: Request) -> Response:
        """What is new: `why`, `minute`, `alert` and `health`, each with the body of a question as its data.

        `why` is that of `/why`, `minute` that of `/history?by=minute&from=2min` (the running minute is its last point),
        `alert` that of `/alerts`, `health` that of `/health`; without Redis, `health` says `redis_up: false`. All come
        at once, and then what changes, `why` at each poll. A viewer that sends `Last-Event-ID` gets what it has not.
        """
        return EventStream(hub.join(request.headers.get("last-event-id")))

    return router
