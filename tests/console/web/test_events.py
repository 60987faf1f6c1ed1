"""`/api/v1/events` over a real connection to a real Redis."""

from __future__ import annotations

import itertools
import socket
import time
from typing import Any

import pytest
import redis

from tests.support import users
from tests.support.history_world import count
from tests.support.waiting import wait_for
from tests.support.web import WebServer


def now_of(raw: redis.Redis) -> int:
    at: Any = raw.time()
    return int(at[0])


def test_events_are_answers(web: WebServer) -> None:
    stream = web.view()
    assert (stream.status, stream.answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert stream.answer.headers["cache-control"] == "no-store"
    found = {}
    while found.keys() < {"why", "minute", "alert", "health"}:
        event = next(stream)
        found[event.kind] = event.data
    assert stream.comments
    for kind, path in (
        ("why", "why"),
        ("minute", "history?by=minute&from=2min"),
        ("alert", "alerts"),
        ("health", "health"),
    ):
        assert found[kind].keys() == web.ask(f"/api/v1/{path}").json.keys()
    assert found["minute"]["by"] == "minute"
    assert 1 <= len(found["minute"]["points"]) <= 3
    stream.close()
    wait_for(lambda: web.viewers == 0, "the viewer to be gone")


def test_what_is_counted_is_told(web: WebServer, raw: redis.Redis) -> None:
    with_news = web.view()
    before = with_news.until("why").data["total"]
    count(raw, now_of(raw), "SKIP", "no_position", "BTCUSDT", 1_000)
    assert any(event.data["total"] >= before + 900 for event in with_news if event.kind == "why")
    with_news.close()


def test_redis_is_asked_as_often_for_many_as_for_one(planted: users.SecuredRedis) -> None:
    """By the counts of Redis itself, a poll: the same for one viewer and for 40."""

    def commands(client: redis.Redis) -> int:
        stats: Any = client.info("commandstats")
        return sum(one["calls"] for name, one in stats.items() if name not in ("cmdstat_info", "cmdstat_auth"))

    def a_poll(web: WebServer, client: redis.Redis, viewers: int) -> float:
        streams = [web.view() for _ in range(viewers)]
        for stream in streams:
            stream.until("health")
        polls, before = web.metric("polls_total"), commands(client)
        for stream in streams:
            for _ in range(6):
                stream.until("why")
        asked, looked = commands(client) - before, web.metric("polls_total") - polls
        for stream in streams:
            stream.close()
        wait_for(lambda: web.viewers == 0, "the viewers to be gone")
        return asked / looked

    with WebServer(planted.url, http_poll_sec=0.25) as web, planted.client() as client:
        one, many = a_poll(web, client, 1), a_poll(web, client, 40)
        assert one > 5
        assert many < 1.5 * one
        idle = commands(client)
        time.sleep(0.6)  # (two poll intervals, in which nobody views)
        assert commands(client) == idle


def test_a_viewer_that_comes_back_goes_on(web: WebServer) -> None:
    stays = web.view()
    last = stays.until("health").id
    assert stays.until("why").id >= last
    again = web.view(Last_Event_ID=last)
    assert next(again).kind == "why"
    again.close()
    stays.close()


def test_viewers_are_bounded_and_a_place_is_free_again(planted: users.SecuredRedis) -> None:
    with WebServer(planted.url, http_max_viewers=2) as web:
        first, second = web.view(), web.view()
        refused = web.ask("/api/v1/events")
        assert (refused.status, refused.json["status"]) == (503, 503)
        assert int(refused.headers["retry-after"]) > 0
        first.close()
        wait_for(lambda: web.viewers == 1, "the place of the first")
        third = web.view()
        assert third.status == 200
        for stream in (second, third):
            stream.close()


def test_a_viewer_that_takes_nothing_is_dropped_and_holds_up_nobody(
    planted: users.SecuredRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = itertools.count()
    # (So much that all buffers are full soon.)
    monkeypatch.setattr("console.web.asks.why", lambda *_: lambda: {"n": next(numbers), "x": "x" * 3_000_000})
    monkeypatch.setattr("console.web.events.STUCK_SEC", 0.5)
    with WebServer(planted.url, http_poll_sec=0.25) as web, socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        stuck.connect(("127.0.0.1", web.port))
        stuck.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reads = web.view()
        wait_for(lambda: web.viewers == 2, "both viewers")
        seen = [reads.until("why").data["n"] for _ in range(3)]
        while web.viewers == 2:
            seen.append(reads.until("why").data["n"])
        assert seen == sorted(set(seen))
        reads.close()


def test_a_stop_does_not_wait_for_viewers(planted: users.SecuredRedis) -> None:
    with WebServer(planted.url) as web:
        streams = [web.view() for _ in range(3)]
        for stream in streams:
            next(stream)
        web.stop()
        for stream in streams:
            for event in stream:  # (it ends, and in good order: the last chunk says so)
                assert event.kind
            assert stream.answer.isclosed()


def test_all_get_the_same_bytes(web: WebServer) -> None:
    streams = [web.view() for _ in range(3)]
    told = [{event.id: event.data for event, _ in zip(stream, range(6), strict=False)} for stream in streams]
    common = set.intersection(*map(set, told))
    assert common
    assert all(told[0][one] == other[one] for other in told for one in common)
    for stream in streams:
        stream.close()
