"""Which requests are let in: by the name they ask for, and by the token they bring."""

from __future__ import annotations

import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from console.web.bodies import Body
from console.web.problems import ProblemError
from console.web.static import PUBLIC
from console.web.tokens import COOKIE, SESSION_SEC, Token, Tries

PROBES = frozenset({"/livez", "/readyz"})
"""What whoever supervises may ask without a token, and by whatever name: it tells nothing of what is traded."""

SIGN_IN_PATH, SIGN_OUT_PATH = "/sign-in", "/sign-out"

_LONGEST_FORM = 4_096
"""Bytes."""


def host_of(header: str) -> str:
    """The name in a `Host` header, in lower case, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower().rstrip(".")


class Access:
    """Refuses what asks by a wrong name (DNS rebinding), and what brings no token where one is needed.

    :arg hosts: the names; `*` is any.
    :arg token: None: none is needed.
    :arg form: the page that asks for the token.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str], token: Token | None, form: Body) -> None:
        self._app, self._hosts, self._token, self._form = app, hosts, token, form
        self._tries = Tries(time.monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it in, or answer in its place."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            self._check_host(request.headers)
            answer = await self._entrance(request)
        except ProblemError as error:
            answer = error.response()
        await (answer or self._app)(scope, receive, send)

    def _check_host(self, headers: Headers) -> None:
        host = host_of(headers.get("host", ""))
        if host not in self._hosts and "*" not in self._hosts:
            raise ProblemError(421, "this is not the name of this server; HTTP_HOSTS says which names are")

    async def _entrance(self, request: Request) -> Response | None:
        """What to answer in place of the application; None: nothing, it may come in."""
        token, path = self._token, request.url.path
        if token is None:
            return None
        if path == SIGN_IN_PATH:
            return await self._sign_in(request, token)
        if path == SIGN_OUT_PATH and request.method == "POST":
            self._check_origin(request)
            gone = RedirectResponse("/", 303)
            gone.delete_cookie(COOKIE)
            return gone
        if path.removeprefix("/") in PUBLIC or self._signed_in(request, token):
            return None
        if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", ""):
            return self._form.response(request, {"Cache-Control": "no-store"}, 401)
        refused = ProblemError(401, "needs the token, as Authorization: Bearer, or a session from /sign-in").response()
        refused.headers["WWW-Authenticate"] = 'Bearer realm="quantum"'
        return refused

    def _signed_in(self, request: Request, token: Token) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._is_token(request, token, given.strip())
        return token.is_session(_cookie(request), time.time())

    def _is_token(self, request: Request, token: Token, given: str) -> bool:
        address = request.client.host if request.client else ""
        if seconds := self._tries.wait(address):
            raise ProblemError(429, "too many wrong tokens", retry_after=seconds)
        if token.matches(given):
            return True
        self._tries.failed(address)
        return False

    async def _sign_in(self, request: Request, token: Token) -> Response:
        if request.method in ("GET", "HEAD"):
            return self._form.response(request, {"Cache-Control": "no-store"})
        if request.method != "POST":
            raise ProblemError(405, "sign in with POST")
        self._check_origin(request)
        given = parse_qs((await _read(request)).decode("utf-8", "replace"), max_num_fields=8).get("token", [""])[0]
        if not self._is_token(request, token, given.strip()):
            if "text/html" in request.headers.get("accept", ""):
                return self._form.response(request, {"Cache-Control": "no-store"}, 401)
            raise ProblemError(401, "that is not the token")
        signed_in = RedirectResponse(_came_from(request), 303, {"Cache-Control": "no-store"})
        secure = request.url.scheme == "https"
        signed_in.set_cookie(
            COOKIE, token.session(time.time()), SESSION_SEC, secure=secure, httponly=True, samesite="strict"
        )
        return signed_in

    def _check_origin(self, request: Request) -> None:
        """That the form was ours."""
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
            raise ProblemError(403, "this was sent by the page of another site")


async def _read(request: Request) -> bytes:
    found = b""
    async for chunk in request.stream():
        found += chunk
        if len(found) > _LONGEST_FORM:
            raise ProblemError(413, f"a form is {_LONGEST_FORM} bytes at the most")
    return found


def _cookie(request: Request) -> str:
    try:
        cookie = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if cookie is None else cookie.value


def _came_from(request: Request) -> str:
    """The path, on this server, of the page that asked for the token."""
    parts = urlsplit(request.headers.get("referer", ""))
    if parts.netloc.lower() != request.headers.get("host", "").lower() or not parts.path.startswith("/"):
        return "/"
    if parts.path.startswith("//") or parts.path == SIGN_IN_PATH or "\\" in parts.path:
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")
