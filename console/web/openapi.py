"""`/openapi.json`: what the routes say of themselves, and what may be answered instead."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI

from console.web.problems import MEDIA_TYPE
from console.web.tokens import COOKIE

_PROBLEM = {
    "title": "Problem",
    "description": "Problem details, RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to do."},
        "parameter": {"type": "string", "description": "The parameter that is wrong."},
    },
}

_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
_OF_ALL = {
    "401": "The token is missing or wrong.",
    "414": "The URL is too long.",
    "421": "The Host header names another server.",
    "429": "Too many wrong tokens.",
    "503": "Redis does not answer, or too much is asked at once.",
}


def document(api: FastAPI) -> str:
    """The whole document, OpenAPI 3.1, as one line. Call it when all routes are there that are to be in it."""
    described: dict[str, Any] = api.openapi()
    schemas = described["components"]["schemas"]
    for ours in ("HTTPValidationError", "ValidationError"):
        schemas.pop(ours, None)
    schemas["Problem"] = _PROBLEM
    described["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
    described["security"] = [{}, {"token": []}, {"session": []}]
    for path in described["paths"].values():
        for operation in path.values():
            answers = operation["responses"]
            answers.pop("422", None)
            for status, meaning in _OF_ALL.items():
                answers[status] = _refusal(meaning, retry=status in ("429", "503"))
            if operation.get("parameters"):
                answers["400"] = _refusal("A parameter is wrong; `parameter` names it.")
            if "questions" in operation["tags"]:
                answers["304"] = {"description": "It is as the ETag in If-None-Match says."}
    return json.dumps(described) + "\n"


def _refusal(meaning: str, *, retry: bool = False) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    headers = {"headers": _RETRY} if retry else {}
    return {"description": meaning, "content": {MEDIA_TYPE: {"schema": schema}}, **headers}
