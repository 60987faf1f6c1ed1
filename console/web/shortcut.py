"""What was answered just now is answered again, and its request not read again, which is most of what it would cost."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from console.web.backend import CACHING, Backend


class Shortcut:
    """Stands before the routes, and behind who decides about access.

    It knows by its path and query a request that a route has answered, and gives the same answer while that is fresh.
    """

    def __init__(self, app: ASGIApp, backend: Backend) -> None:
        self._app, self._backend = app, backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the routes do it."""
        if scope["type"] == "http" and scope["method"] == "GET":
            found = self._backend.just_answered(scope)
            if found is not None:
                await found.response(Request(scope), CACHING)(scope, receive, send)
                return
        await self._app(scope, receive, send)
