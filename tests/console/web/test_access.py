"""Who is let in: by the name that is asked for, the token, and the cookie of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.web.access import host_of
from console.web.problems import MEDIA_TYPE
from console.web.tokens import SESSION_SEC, Token, Tries
from tests.support import users
from tests.support.web import Reply, WebServer

TOKEN = "correct-horse-battery-staple"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("token") / "token"
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.fixture(scope="module")
def guarded(planted: users.SecuredRedis, file: Path) -> Iterator[WebServer]:
    with WebServer(planted.url, api_token_file=file, http_hosts="console.example, 127.0.0.1") as server:
        yield server


@pytest.fixture
def fresh(planted: users.SecuredRedis, file: Path) -> Iterator[WebServer]:
    with WebServer(planted.url, api_token_file=file) as server:
        yield server


def sign_in(web: WebServer, token: str = TOKEN, **headers: str) -> Reply:
    form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return web.ask("/sign-in", "POST", f"token={token}", **form)


@pytest.mark.parametrize("path", ["/", "/api/v1/why", "/api/v1/events", "/openapi.json", "/metrics", "/index.html"])
def test_nothing_without_the_token(guarded: WebServer, path: str) -> None:
    for headers in ({}, {"Authorization": "Basic abc"}, {"Cookie": "quantum_session=9999999999.00"}):
        reply = guarded.ask(path, **headers)
        assert (reply.status, reply.headers["content-type"]) == (401, MEDIA_TYPE)
        assert reply.headers["www-authenticate"].startswith("Bearer")
    assert guarded.ask(path, "HEAD").status == 401
    if path != "/api/v1/events":
        assert guarded.ask(path, Authorization=f"Bearer {TOKEN}").status == 200


def test_what_was_answered_to_one_is_no_answer_to_another(guarded: WebServer) -> None:
    for _ in range(3):  # (while it is fresh)
        assert guarded.ask("/api/v1/lag", Authorization=f"Bearer {TOKEN}").status == 200
        assert guarded.ask("/api/v1/lag").status == 401


def test_probes_and_the_form_need_none(guarded: WebServer) -> None:
    for path in ("/livez", "/readyz", "/sign-in", "/sign-in.css"):
        assert guarded.ask(path).status == 200


def test_a_browser_gets_the_form_in_place_of_the_page_and_comes_back_there(guarded: WebServer) -> None:
    asked = guarded.ask("/?span=6h", Accept="text/html,*/*;q=0.8")
    assert (asked.status, asked.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert 'action="/sign-in"' in asked.text
    there = f"http://127.0.0.1:{guarded.port}"
    signed_in = sign_in(guarded, Referer=f"{there}/?span=6h", Origin=there)
    assert (signed_in.status, signed_in.headers["location"]) == (303, "/?span=6h")
    name, _, attributes = signed_in.headers["set-cookie"].partition(";")
    assert {part.strip().lower() for part in attributes.split(";")} >= {"httponly", "samesite=strict", "path=/"}
    assert TOKEN not in name
    assert guarded.ask("/api/v1/why", Cookie=name).status == 200
    stream = guarded.view(Cookie=name)
    assert next(stream).kind
    stream.close()
    gone = guarded.ask("/sign-out", "POST", Cookie=name)
    assert (gone.status, "max-age=0" in gone.headers["set-cookie"].lower()) == (303, True)


@pytest.mark.parametrize(
    "referer", ["http://elsewhere.example/x", "//elsewhere.example", "", "http://127.0.0.1:{port}//elsewhere.example/"]
)
def test_nobody_is_sent_elsewhere(guarded: WebServer, referer: str) -> None:
    assert sign_in(guarded, Referer=referer.format(port=guarded.port)).headers["location"] == "/"


def test_the_form_of_another_site_is_refused(guarded: WebServer) -> None:
    for origin in ("http://elsewhere.example", "null", f"http://127.0.0.1:{guarded.port + 1}"):
        assert sign_in(guarded, Origin=origin).status == 403
        assert guarded.ask("/sign-out", "POST", Origin=origin).status == 403


def test_a_form_is_bounded(guarded: WebServer) -> None:
    assert sign_in(guarded, "x" * 5_000).status == 413


def test_a_cookie_is_secure_where_the_proxy_speaks_tls(guarded: WebServer) -> None:
    assert "secure" in sign_in(guarded, X_Forwarded_Proto="https").headers["set-cookie"].lower()
    assert "secure" not in sign_in(guarded).headers["set-cookie"].lower()


def test_tries_are_bounded_by_address(fresh: WebServer) -> None:
    for _ in range(10):
        assert sign_in(fresh, "wrong", X_Forwarded_For="10.9.8.7").status == 401
    bounded = sign_in(fresh, TOKEN, X_Forwarded_For="10.9.8.7")
    assert (bounded.status, int(bounded.headers["retry-after"]) <= 61) == (429, True)
    assert fresh.ask("/api/v1/why", Authorization="Bearer wrong", X_Forwarded_For="10.9.8.7").status == 429
    assert sign_in(fresh, X_Forwarded_For="10.9.8.8").status == 303


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:80", 200),
        ("CONSOLE.example:443", 200),
        ("console.example.", 200),
        ("localhost", 421),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
def test_the_host_must_be_ours(guarded: WebServer, host: str, status: int) -> None:
    assert guarded.ask("/api/v1/share", Authorization=f"Bearer {TOKEN}", Host=host).status == status


def test_hosts_that_are_not_set_are_those_of_this_machine(web: WebServer) -> None:
    for host in ("localhost:8030", "127.0.0.1", "[::1]:8030"):
        assert web.ask("/api/v1/share", Host=host).status == 200
    assert web.ask("/api/v1/share", Host="rebound.example").status == 421


@given(st.text())
def test_any_host_header_is_read(header: str) -> None:
    assert host_of(header) == host_of(header).lower()


def test_a_replaced_token_ends_the_sessions_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("a" * 16)
    token = Token(path)
    session = token.session(1_000.0)
    assert token.is_session(session, 1_000.0 + SESSION_SEC - 1)
    assert not token.is_session(session, 1_000.0 + SESSION_SEC + 1)
    later = f"{int(session.partition('.')[0]) + 1}.{session.partition('.')[2]}"
    assert not token.is_session(later, 1_000.0)
    path.write_text("b" * 17)
    assert not token.is_session(session, 1_000.0)
    assert token.matches("b" * 17)
    path.write_text("short")
    assert token.matches("b" * 17)
    path.unlink()
    assert token.matches("b" * 17)
    assert not token.matches("")


@given(st.text())
def test_no_made_up_session_is_one(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any-token"
    path.write_text("a" * 16)
    assert not Token(path).is_session(text, 0.0)


def test_tries_are_bounded_for_all_together() -> None:
    now = [0.0]
    tries = Tries(lambda: now[0], most=2)
    for number in range(20):
        assert tries.wait(f"10.0.0.{number}") == 0
        tries.failed(f"10.0.0.{number}")
    assert tries.wait("10.0.0.99") == 61
    now[0] = 59.5
    assert tries.wait("10.0.0.99") == 1
    now[0] = 60.0
    assert tries.wait("10.0.0.99") == 0
