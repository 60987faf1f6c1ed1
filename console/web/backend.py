"""What the routes answer from: one Redis, asked by few threads for all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from connectors.connection import connect
from connectors.errors import RedisFailure
from connectors.supervisor import Supervisor
from connectors.text import one_line
from console.queries.asked import Question
from console.queries.counting import read_now
from console.queries.json import dumps
from console.queries.moment import Moment, When
from console.web.answering import Answering
from console.web.bodies import Body
from console.web.metrics import WebMetrics
from console.web.outage import Outage
from console.web.problems import ProblemError
from console.web.settings import ServeSettings

RETRY_SEC = 2
"""After which it is worth asking again, when Redis is away."""

CACHING = {"Cache-Control": "private, no-cache"}
"""Headers of an answer."""

_REMEMBERED = 1_024
"""Requests that are known again."""

Ask = Callable[[], Mapping[str, Any]]
"""Asks Redis, and blocks for it; gives what JSON is made of."""


class Backend:
    """The settings, a client, and what is being asked. Belongs to one event loop."""

    def __init__(self, settings: ServeSettings, metrics: WebMetrics, supervisor: Supervisor) -> None:
        self.settings = settings
        self.prefix = settings.key_prefix
        self.client = connect(settings, "quantum-console")
        self.outage = Outage(settings.redis_place(), supervisor)
        self.answering = Answering(settings.http_poll_sec, metrics.asked)
        self._known: dict[tuple[str, bytes], tuple[Hashable, Any]] = {}
        metrics.show(self.outage)

    def question(self, window: str = "5m", full: bool = False, moment: Moment | None = None) -> Question:
        """Where to ask, and about which window."""
        when = None if moment is None else When(moment, self.settings.bucket_ttl_sec)
        return Question(self.client, self.prefix, self.settings.thresholds, window, full, when)

    async def text(self, name: str, key: Hashable, ask: Ask) -> str:
        """What `reply` would send, as text.

        :arg key: of equal questions of that name equal.
        :raises RedisFailure: Redis does not answer, or refuses.
        :raises ProblemError: so `ask` did, or too much is being asked.
        """
        return (await self.answering.body(name, key, lambda: self._asked(name, ask))).plain.decode()

    async def reply(self, request: Request, name: str, key: Hashable, ask: Ask) -> Response:
        """The response to the question `name`: what `--json` of the same would print.

        :raises RedisFailure: as `text`, like ProblemError.
        """
        body = await self.answering.body(name, key, lambda: self._asked(name, ask))
        scope = request.scope
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[scope["path"], scope["query_string"]] = ((name, key), scope.get("route"))
        return body.response(request, CACHING)

    def just_answered(self, scope: Scope) -> Body | None:
        """The answer that a request with this path and query was given, if it is fresh; tells its route, too."""
        known = self._known.get((scope["path"], scope["query_string"]))
        body = None if known is None else self.answering.fresh(known[0])
        if body is not None and known is not None:
            scope["route"] = known[1]
        return body

    def _asked(self, name: str, ask: Ask) -> str:
        try:
            value = ask()
        except RedisFailure as error:
            self.outage.down(name, error)
            raise
        self.outage.up(name)
        return dumps(value)

    def ping(self) -> Mapping[str, Any]:
        """That Redis answers. Blocks; raises RedisFailure."""
        read_now(self.client)
        return {"status": "ready"}

    def refusal(self, error: RedisFailure) -> ProblemError:
        """What is answered instead, when Redis fails with `error`."""
        place = one_line(self.settings.redis_place())
        return ProblemError(503, f"Redis at {place}: {error} (KEY_PREFIX={self.prefix})", retry_after=RETRY_SEC)

    def close(self) -> None:
        """Ask nothing more."""
        self.answering.close()
        self.client.close()
