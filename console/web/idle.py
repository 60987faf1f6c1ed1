"""Connections on which nothing happens are closed: uvicorn waits for ever for the first request, and for its end."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

_LOOK_SEC = 5.0


async def close_idle(connections: Collection[Any], seconds: float) -> None:
    """Look every five seconds, without end.

    A connection that has had no request under way for `seconds` is closed; one that is still there as long after that,
    because its other end takes nothing, is cut.

    :arg connections: uvicorn's protocols, of all connections that are open.
    """
    loop = asyncio.get_running_loop()
    since: dict[Any, float] = {}
    while True:
        await asyncio.sleep(_LOOK_SEC)
        now = loop.time()
        idle = {one for one in connections if _idle(one)}
        since = {one: since.get(one, now) for one in idle}
        for one, began in since.items():
            if now - began >= 2 * seconds:
                one.transport.abort()
            elif now - began >= seconds:
                one.transport.close()


def _idle(connection: Any) -> bool:
    cycle = connection.cycle
    return cycle is None or cycle.response_complete or connection.transport.is_closing()
