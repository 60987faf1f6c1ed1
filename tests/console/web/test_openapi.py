"""`/openapi.json` is complete, and what it says of requests and answers is so, whatever is asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.support.web import WebServer

EXAMPLES = 12
"""Requests for each path and kind of request."""

KINDS = ("application/json", "application/problem+json", "text/event-stream", "text/plain")


@pytest.fixture(scope="module")
def described(web: WebServer) -> dict[str, Any]:
    reply = web.ask("/openapi.json")
    assert reply.json["openapi"].startswith("3.1")
    found: dict[str, Any] = reply.json
    return found


def test_every_response_has_a_schema(described: dict[str, Any]) -> None:
    paths = described["paths"]
    assert {"/api/v1/why", "/api/v1/explain/{gate}", "/api/v1/events", "/livez", "/readyz", "/metrics"} <= set(paths)
    for path, operations in paths.items():
        assert set(operations) == {"get"}
        responses = operations["get"]["responses"]
        assert {"200", "401", "503"} <= set(responses), path
        for status, response in responses.items():
            if status == "304":
                continue
            ((kind, content),) = response["content"].items()
            assert kind in KINDS
            assert content["schema"], (path, status)
            assert (kind == "application/problem+json") == (status != "200")
        if operations["get"].get("parameters"):
            assert "400" in responses
            assert all(one["description"] for one in operations["get"]["parameters"] if one["in"] == "query")


def test_all_that_is_referred_to_is_there_and_all_that_is_there_is_used(described: dict[str, Any]) -> None:
    named = set(described["components"]["schemas"])
    text = str(described)
    assert {name for name in named if f"'#/components/schemas/{name}'" in text} == named
    assert "HTTPValidationError" not in named
    assert described["components"]["schemas"]["Why"]["properties"]["from"]


@pytest.mark.parametrize("wrong", [False, True], ids=["as described", "otherwise"])
def test_answers_are_as_described_whatever_is_asked(web: WebServer, described: dict[str, Any], wrong: bool) -> None:
    import requests
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks as openapi

    kind = schemathesis.GenerationMode.NEGATIVE if wrong else schemathesis.GenerationMode.POSITIVE
    held_to = [
        not_a_server_error,
        openapi.status_code_conformance,
        openapi.content_type_conformance,
        openapi.response_schema_conformance,
        openapi.response_headers_conformance,
        *([openapi.negative_data_rejection] if wrong else []),
    ]
    asked = set()
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        operation = found.ok()
        if operation.path == "/api/v1/events" or (wrong and not operation.definition.raw.get("parameters")):
            continue

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # (to look for a shorter case takes minutes)
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(kind))
        def ask(case: Any) -> None:
            try:
                reply = case.call(base_url=f"http://127.0.0.1:{web.port}")
            except requests.RequestException:
                # (Of an address of more than 64 kB the server does not wait for the end.)
                assert len(str(case.query)) + len(str(case.path_parameters)) > 5_000
                return
            if reply.status_code != 414:  # (it is too long to be looked at)
                case.validate_response(reply, checks=held_to)

        ask()
        asked.add(operation.path)
    assert "/api/v1/heatmap" in asked
