"""What is answered instead of an answer: problem details, as RFC 9457 has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """A request that cannot be answered.

    :arg detail: one printable line on what is wrong, and what to do.
    :arg parameter: the one that is wrong.
    :arg retry_after: seconds, after which it may be asked again.
    """

    def __init__(
        self, status: int, detail: str, *, parameter: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.parameter, self.retry_after = status, detail, parameter, retry_after

    def response(self) -> Response:
        """As it is sent."""
        named = {} if self.parameter is None else {"parameter": self.parameter}
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return problem(self.status, self.detail, named, headers)


def problem(
    status: int, detail: str, more: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A response that says what is wrong.

    :arg more: members of the object beside those of the RFC.
    """
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(
        json.dumps(body | dict(more or {})) + "\n",
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        MEDIA_TYPE,
    )
