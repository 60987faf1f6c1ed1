"""What every request goes through first: bounds, headers for browsers, counts, and an answer even to a bug."""

from __future__ import annotations

import time

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.text import one_line
from console.web.metrics import WebMetrics
from console.web.problems import ProblemError

LONGEST_URL = 8_192
"""Bytes of a path and its query."""

LONGEST_BODY = 65_536
"""Bytes; nothing but the form to sign in has any use for a body."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_log = structlog.get_logger("web")


class _EnoughError(Exception):
    """The head of an answer was all that was asked for."""


class Front:
    """The outermost of the application."""

    def __init__(self, app: ASGIApp, metrics: WebMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; raises nothing."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, head = time.perf_counter(), 0, scope["method"] == "HEAD"
        scope = {**scope, "method": "GET"} if head else scope

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            elif head:
                await send({**message, "body": b"", "more_body": False})
                raise _EnoughError
            await send(message)

        try:
            _bounded(scope)
            await self._app(scope, receive, answer)
        except ProblemError as error:
            await error.response()(scope, receive, answer)
        except _EnoughError:
            pass
        except Exception as error:
            _log.error("this is a bug", path=one_line(scope["path"], 200), cause=f"{type(error).__name__}: {error}")
            if not status:
                await ProblemError(500, "this is a bug; the log of the server says more").response()(
                    scope, receive, answer
                )
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.answered(route, status, time.perf_counter() - began)


def _bounded(scope: Scope) -> None:
    """Whether it is as short as a request has to be.

    :raises ProblemError: it is not.
    """
    if len(scope["raw_path"] or b"") + len(scope["query_string"]) > LONGEST_URL:
        raise ProblemError(414, f"a URL is {LONGEST_URL} bytes at the most")
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value) > LONGEST_BODY):
            raise ProblemError(413, f"a body is {LONGEST_BODY} bytes at the most")
