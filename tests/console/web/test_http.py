"""What a client sees of HTTP: ETag, gzip, HEAD, headers for browsers, bounds, and problems instead of answers."""

from __future__ import annotations

import json
import random
import socket

import pytest

from connectors.private_redis import free_port
from console.web.bodies import Body
from console.web.front import LONGEST_BODY, LONGEST_URL
from console.web.problems import MEDIA_TYPE
from tests.support import users
from tests.support.waiting import wait_for
from tests.support.web import WebServer

PAST = "/api/v1/history?by=day&from=14d"


def test_an_etag_names_one_coding_and_either_is_known_again(web: WebServer) -> None:
    plain = web.ask("/openapi.json")
    zipped = web.ask("/openapi.json", Accept_Encoding="br, gzip;q=0.5")
    assert (plain.status, zipped.status) == (200, 200)
    assert plain.text == zipped.text
    assert "content-encoding" not in plain.headers
    assert (zipped.headers["content-encoding"], zipped.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert len(zipped.raw) < len(plain.raw) / 4
    tags = plain.headers["etag"], zipped.headers["etag"]
    assert tags[0] != tags[1]
    assert all(tag.startswith('"') for tag in tags)
    for known in (*tags, f'"other", W/{tags[0]}', "*"):
        again = web.ask("/openapi.json", If_None_Match=known)
        assert (again.status, again.raw) == (304, b"")
        assert again.headers["etag"] == tags[0]
        assert "cache-control" in again.headers
    assert web.ask("/openapi.json", If_None_Match='"other"').status == 200


def test_what_was_just_answered_is_answered_again_and_by_its_own_query(web: WebServer) -> None:
    query = "/api/v1/history?by=day&from=13d"
    replies = [web.ask(query, Accept_Encoding=coding) for coding in ("gzip", "identity", "gzip")]
    assert [one.status for one in replies] == [200] * 3
    assert replies[0].json["points"] == replies[1].json["points"] == replies[2].json["points"]
    assert web.ask("/api/v1/history?by=day&from=12d").json["from"] > replies[0].json["from"]
    assert web.ask("/api/v1/history?by=day&from=13x").status == 400
    before = web.ask("/metrics").text
    for _ in range(3):
        web.ask(query)
    route = 'quantum_http_requests_total{route="/api/v1/history",status="200"}'
    counts = [float(text.partition(route)[2].split()[0]) for text in (before, web.ask("/metrics").text)]
    assert counts[1] - counts[0] == 3


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity", "gzip;q=many"])
def test_whoever_does_not_take_gzip_gets_none(web: WebServer, accepted: str) -> None:
    assert "content-encoding" not in web.ask(PAST, Accept_Encoding=accepted).headers


def test_what_gzip_does_not_shorten_is_sent_as_it_is() -> None:
    assert Body.of(b"x" * 999).zipped is None
    assert Body.of(random.Random(1).randbytes(2_000)).zipped is None
    assert Body.of(b"x" * 1_000).zipped is not None


def test_answers_are_asked_for_again_and_kept_by_no_proxy(web: WebServer) -> None:
    reply = web.ask("/api/v1/why")
    assert reply.headers["cache-control"] == "private, no-cache"
    assert web.ask("/metrics").headers["cache-control"] == "no-store"
    assert web.ask("/api/v1/why?window=2m").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/api/v1/why", "/livez", "/nothing", "/api/v1/why?window=2m"])
def test_a_browser_is_told_to_load_nothing_from_elsewhere(web: WebServer, path: str) -> None:
    headers = web.ask(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", PAST, "/livez", "/nothing", "/api/v1/events"])
def test_head_has_the_headers_of_get_and_no_body(web: WebServer, path: str) -> None:
    reply = web.ask(path, "HEAD")
    assert reply.raw == b""
    if path != "/api/v1/events":
        assert reply.status == web.ask(path).status
    wait_for(lambda: web.viewers == 0, "the stream that only its head was asked of to end")


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/nothing", "GET", 404),
        ("/api/v1/nothing", "GET", 404),
        ("/../pyproject.toml", "GET", 404),
        ("/%2e%2e/server.py", "GET", 404),
        ("/api/v1/why", "POST", 405),
        ("/", "DELETE", 405),
        ("/api/v1/why", "OPTIONS", 405),
    ],
)
def test_what_is_not_there_is_a_problem(web: WebServer, path: str, method: str, status: int) -> None:
    reply = web.ask(path, method)
    assert (reply.status, reply.headers["content-type"]) == (status, MEDIA_TYPE)
    assert reply.json["status"] == status
    assert status != 405 or "GET" in reply.headers["allow"]


def test_a_request_is_bounded(web: WebServer) -> None:
    long = web.ask("/api/v1/why?at=" + "1" * LONGEST_URL)
    assert (long.status, long.headers["content-type"]) == (414, MEDIA_TYPE)
    large = web.ask("/api/v1/why", "POST", "x" * (LONGEST_BODY + 1))
    assert (large.status, large.headers["content-type"]) == (413, MEDIA_TYPE)


def test_the_page_is_served_as_it_is_installed(web: WebServer) -> None:
    page = web.ask("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text == web.ask("/index.html").text
    assert "<script>" not in page.text
    assert web.ask("/", If_None_Match=page.headers["etag"]).status == 304
    assert web.ask("/sign-in.css").headers["content-type"] == "text/css; charset=utf-8"


def test_it_counts_itself_by_route(web: WebServer) -> None:
    web.ask("/api/v1/share")
    web.ask("/made/up/path")
    text = web.ask("/metrics").text
    assert 'quantum_http_requests_total{route="/api/v1/share",status="200"}' in text
    assert "made/up" not in text
    assert "quantum_http_redis_up 1.0" in text
    assert 'quantum_http_asked_total{query="share"}' in text
    assert "process_resident_memory_bytes" in text


def test_it_is_alive_and_ready(web: WebServer) -> None:
    assert web.ask("/livez").json == {"status": "live"}
    assert web.ask("/readyz", Host="10.0.0.7").json == {"status": "ready"}


def test_without_redis_it_lives_and_says_when_to_ask_again() -> None:
    with WebServer(f"redis://127.0.0.1:{free_port()}/0") as web:
        assert web.ask("/livez").status == 200
        assert web.ask("/").status == 200
        for path in ("/readyz", "/api/v1/why", "/api/v1/health", "/api/v1/trend"):
            reply = web.ask(path)
            assert (reply.status, reply.headers["content-type"]) == (503, MEDIA_TYPE)
            assert int(reply.headers["retry-after"]) > 0
            assert "127.0.0.1" in reply.json["detail"]
        event = next(iter(web.view()))
        assert (event.kind, event.data["redis_up"]) == ("health", False)
        assert "quantum_http_redis_up 0.0" in web.ask("/metrics").text


def test_a_redis_that_comes_back_is_asked_again() -> None:
    with users.SecuredRedis() as private, WebServer(private.url) as web:
        assert web.ask("/api/v1/why").status == 200
        private.kill()
        assert web.ask("/api/v1/share").status == 503
        private.start()
        assert web.ask("/api/v1/share").status == 200


def test_a_key_of_another_type_is_a_problem_of_one_question(planted: users.SecuredRedis) -> None:
    anybody = {"redis_username": None, "redis_password": None}
    with WebServer(planted.url, key_prefix="other", **anybody) as web, planted.client() as client:
        client.set("other:p35:status", "text")
        refused = web.ask("/api/v1/why")
        assert (refused.status, "other:p35:status" in refused.json["detail"]) == (503, True)
        assert web.ask("/api/v1/trend").status == 200
        assert "quantum_http_redis_up 1.0" in web.ask("/metrics").text


def test_nonsense_is_refused_and_nothing_breaks(web: WebServer) -> None:
    for nonsense in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", web.port), 30) as one:
            one.sendall(nonsense)
            assert one.recv(100).startswith((b"HTTP/1.1 400", b"HTTP/1.1 421"))
    assert json.loads(web.ask("/livez").text)
