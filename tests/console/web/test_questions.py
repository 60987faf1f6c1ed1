"""Each question over HTTP is the `--json` of the same, and has the shape that it is said to have."""

from __future__ import annotations

import re
import time

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from console.web.problems import MEDIA_TYPE
from console.web.routes import questions
from tests.support import users
from tests.support.quantum import here
from tests.support.web import PUBLISHED_AT, WebServer

SAME = [
    ("why", [], ["why"]),
    ("why", [("window", "1h"), ("full", "true")], ["why", "-w", "1h", "--full"]),
    ("why", [("window", "15m"), ("ago", "30min")], ["why", "-w", "15m", "--ago", "30min"]),
    ("symbols", [], ["symbols"]),
    (
        "symbols",
        [("symbol", "btcusdt"), ("symbol", "NOTHING"), ("window", "1h"), ("full", "1")],
        ["symbols", "btcusdt", "NOTHING", "-w", "1h", "--full"],
    ),
    ("share", [("window", "1h")], ["share", "-w", "1h"]),
    ("share", [("full", "true")], ["share", "--full"]),
    ("drift", [], ["drift"]),
    ("drift", [("threshold", "5"), ("window", "1h")], ["drift", "5", "-w", "1h"]),
    ("drift", [("threshold", "0")], ["drift", "0"]),
    ("health", [], ["health"]),
    ("health", [("window", "1h")], ["health", "-w", "1h"]),
    ("health", [("flow", "orders")], ["health", "--flow", "orders"]),
    ("alerts", [], ["alerts"]),
    ("alerts", [("count", "0")], ["alerts", "-n", "0"]),
    ("lag", [], ["lag"]),
    ("lag", [("flow", "orders")], ["lag", "--flow", "orders"]),
    ("explain", [], ["explain"]),
    ("explain/p33_permit_denied", [], ["explain", "p33_permit_denied"]),
    ("explain/binance_error%3A-2019%2F%3F", [], ["explain", "binance_error:-2019/?"]),
    (
        "explain/p33_permit_denied",
        [("live", "true"), ("symbol", "BTCUSDT"), ("window", "1h")],
        ["explain", "p33_permit_denied", "--live", "-s", "BTCUSDT", "-w", "1h"],
    ),
    ("report", [], ["report"]),
    ("report", [("day", "yesterday"), ("full", "true")], ["report", "--day", "yesterday", "--full"]),
    ("history", [], ["history"]),
    (
        "history",
        [("by", "minute"), ("from", "1h"), ("to", "10min"), ("symbol", "btcusdt")],
        ["history", "--by", "minute", "--from", "1h", "--to", "10min", "--symbol", "btcusdt"],
    ),
    (
        "history",
        [("by", "day"), ("from", "14d"), ("gate", "P33_permit_denied")],
        ["history", "--by", "day", "--from", "14d", "--gate", "P33_permit_denied"],
    ),
    ("trend", [], ["trend"]),
    ("trend", [("over", "6h"), ("against", "2w")], ["trend", "--over", "6h", "--against", "2w"]),
]

MOVING = re.compile(r'"(as_of|to|idle_sec)": [\d.]+')
"""What depends on the second at which is asked."""


def still(text: str) -> str:
    return MOVING.sub(r'"\1": 0', text)


@pytest.mark.parametrize(("path", "query", "arguments"), SAME)
def test_the_body_is_what_json_prints(
    web: WebServer, planted: users.SecuredRedis, path: str, query: list[tuple[str, str]], arguments: list[str]
) -> None:
    for _ in range(5):  # (the minute may end in between)
        reply = web.ask(f"/api/v1/{path}", query=query)
        printed = here(planted.url, *arguments, "--json")
        if still(reply.text) == still(printed.stdout):
            break
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert still(reply.text) == still(printed.stdout)
    assert reply.text.endswith("}\n")


def shapes(web: WebServer) -> dict[str, object]:
    """Question -> the type that its answers are said to have."""
    routes = [route for route in questions(web.serving.application.backend).routes if isinstance(route, APIRoute)]
    return {route.path.removeprefix("/api/v1/"): route.response_model for route in routes}


@pytest.mark.parametrize(("path", "query"), [(path, query) for path, query, _ in SAME])
def test_the_body_has_the_shape_that_is_published(web: WebServer, path: str, query: list[tuple[str, str]]) -> None:
    reply = web.ask(f"/api/v1/{path}", query=query)
    known = shapes(web)
    TypeAdapter(known.get(path, known["explain/{gate:text}"])).validate_json(reply.text, strict=True)


ALONE = [
    ("heatmap", []),
    ("heatmap", [("rows", "symbols"), ("step", "hour"), ("from", "2d"), ("to", "1d"), ("limit", "2")]),
    ("heatmap", [("rows", "reasons"), ("symbol", "btcusdt")]),
    ("entries", [("minute", str(int(time.time()) - 60))]),
    ("entries", [("minute", str(int(time.time()) - 60)), ("gate", "no_position"), ("symbol", "B"), ("limit", "1")]),
    ("proposals", []),
    ("permits", []),
]
"""Questions that the command does not ask."""


@pytest.mark.parametrize(("path", "query"), ALONE)
def test_what_is_asked_over_http_alone_has_its_shape(web: WebServer, path: str, query: list[tuple[str, str]]) -> None:
    reply = web.ask(f"/api/v1/{path}", query=query)
    assert (reply.status, reply.json["query"]) == (200, path)
    TypeAdapter(shapes(web)[path]).validate_json(reply.text, strict=True)


def test_the_numbers_of_those_are_those_that_were_counted(web: WebServer) -> None:
    heat = web.ask("/api/v1/heatmap", query=[("from", "90min"), ("to", "80min"), ("limit", "2")]).json
    assert [row["name"] for row in heat["rows"]] == ["p33_permit_denied", "no_position"]
    assert heat["rows"][1]["counts"][:9] == [5] * 9
    assert heat["other_rows"] == 1
    (entry,) = web.ask("/api/v1/entries", query=[("minute", f"{PUBLISHED_AT}"), ("gate", "g")]).json["entries"]
    assert (entry["symbol"], entry["gate"], entry["fields"]["plan_id"]) == ("E", "g", "p1")
    (proposal,) = web.ask("/api/v1/proposals").json["proposals"]
    assert (proposal["symbol"], proposal["multiplier"]) == ("BTCUSDT", 1.2)
    (permit,) = web.ask("/api/v1/permits").json["permits"]
    assert (permit["plan_id"], permit["factor"]) == ("p1", 0.4444)


def test_an_answer_has_data_in_it(web: WebServer) -> None:
    why = web.ask("/api/v1/why", query=[("window", "1h")]).json
    assert why["total"] > 60 * 50
    assert why["reasons"][0]["reason"] == "p33_permit_denied:stale"
    assert web.ask("/api/v1/trend").json["rows"]
    assert len(web.ask("/api/v1/history").json["points"]) >= 23
    (gate,) = [one for one in web.ask("/api/v1/share").json["gates"] if one["gate"] == "binance_error"]
    assert not gate["flagged"]


WRONG = [
    ("why", [("window", "2m")], "window"),
    ("why", [("windw", "5m")], "windw"),
    ("why", [("at", "tomorrow")], "at"),
    ("why", [("ago", "9w")], "ago"),
    ("why", [("at", "2001-01-01T00:00")], "at"),
    ("why", [("at", "14:05"), ("ago", "1h")], "ago"),
    ("why", [("full", "perhaps")], "full"),
    ("symbols", [("symbol", " ")], "symbol"),
    ("symbols", [("symbol", "A")] * 101, "symbol"),
    ("drift", [("threshold", "101")], "threshold"),
    ("drift", [("threshold", "nan")], "threshold"),
    ("health", [("flow", "a b")], "flow"),
    ("report", [("day", "2026-02-30")], "day"),
    ("report", [("day", "2999-01-01")], "day"),
    ("history", [("by", "week")], "by"),
    ("history", [("from", "1h"), ("to", "2h")], "to"),
    ("history", [("from", "2999-01-01")], "from"),
    ("history", [("from", "2001-01-01")], "from"),
    ("history", [("gate", "")], "gate"),
    ("heatmap", [("rows", "reasons"), ("step", "hour")], "step"),
    ("heatmap", [("from", "3d")], "from"),
    ("heatmap", [("limit", "0")], "limit"),
    ("entries", [], "minute"),
    ("entries", [("minute", "2999-01-01T00:00")], "minute"),
    ("entries", [("minute", "x")], "minute"),
    ("alerts", [("count", "-1")], "count"),
    ("explain/%20", [], "gate"),
    ("explain/x", [("symbol", "")], "symbol"),
    ("proposals", [("symbol", "X")], "symbol"),
    ("trend", [("over", "8d")], "over"),
    ("trend", [("against", "5w")], "against"),
]


@pytest.mark.parametrize(("path", "query", "parameter"), WRONG)
def test_a_wrong_parameter_is_named(web: WebServer, path: str, query: list[tuple[str, str]], parameter: str) -> None:
    reply = web.ask(f"/api/v1/{path}", query=query)
    assert (reply.status, reply.headers["content-type"]) == (400, MEDIA_TYPE)
    said = reply.json
    assert said["parameter"] == parameter
    assert (said["type"], said["title"], said["status"]) == ("about:blank", "Bad Request", 400)
    assert said["detail"].startswith(parameter)
    assert "--" not in said["detail"]
