"""`/api/v1/events`: what is new, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from connectors.errors import RedisAway, RedisFailure
from console.queries.json import dumps, no_health
from console.web import routes
from console.web.backend import Ask, Backend
from console.web.hub import Hub, Topic
from console.web.parameters import OfHealth, OfHistory, OfPast, Parameters
from console.web.problems import ProblemError

STUCK_SEC = 30.0
"""Seconds that a viewer may take no more, after which its stream is ended."""

_HEALTH_EVERY = 5
"""Polls from one look at the health of all flows to the next: it asks systemd as well, which takes a process."""


def topics(backend: Backend) -> list[Topic]:
    """The kinds of events, each with the body of a question."""

    def of(name: str, parameters: Parameters, ask: Ask) -> Topic:
        async def look() -> str:
            try:
                return await backend.text(name, parameters, ask)
            except (RedisFailure, ProblemError):
                return ""  # (the event `health` tells)

        return Topic(name, look)

    now, minutes, health = OfPast(), OfHistory(by="minute", begin="2min"), OfHealth()

    async def look_at_health() -> str:
        try:
            return await backend.text("health", health, routes.health(backend, health))
        except RedisFailure as error:
            reason = backend.refusal(error).detail
            return dumps(no_health(reason, redis_up=not isinstance(error, RedisAway)))
        except ProblemError:
            return ""

    return [
        of("why", now, routes.why(backend, now)),
        Topic("minute", of("history", minutes, routes.history(backend, minutes)).look, content=_without_time),
        Topic("health", look_at_health, _HEALTH_EVERY, _without_time),
    ]


def _without_time(text: str) -> object:
    value = json.loads(text) if text else {}
    value.pop("as_of", None)
    return value


class EventStream(StreamingResponse):
    """The response to one viewer, which is gone for the hub once this has ended, however it did."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, pieces: AsyncIterator[bytes]) -> None:
        super().__init__(pieces, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the viewer leaves, takes no more, or the process stops."""

        async def send_soon(message: object) -> None:
            async with asyncio.timeout(STUCK_SEC):
                await send(message)  # type: ignore[arg-type]

        try:
            await super().__call__(scope, receive, send_soon)
        except TimeoutError:
            pass
        finally:
            self._hub.leave()


def events(hub: Hub) -> APIRouter:
    """The route that `hub` feeds."""
    router = APIRouter(prefix=routes.PREFIX, tags=["events"])

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
        return EventStream(hub, hub.view(request.headers.get("last-event-id")))

    return router
