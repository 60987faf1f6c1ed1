"""A sign of life of a flow, as it lies in Redis: when it was last at work, who it is, and what it reads.

{prefix}:flow:{flow}    HASH, no TTL, every few seconds while the flow works (see `connectors.pulse`)
    seen_at             when that was, by the clock of Redis, epoch seconds
    instance            hostname-pid of the process that wrote this last
    service_start_ts    when that process started, epoch seconds
    version             of that process
    reads               of an `App`: a JSON list of what it reads, see `Subscription`
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import redis

from connectors.connection import Script

_sign = Script.load("sign")

ALIVE_SECONDS = 30.0
"""A flow without a sign of life for so long is not running."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
"""What an `App` may be named."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A stream that an App reads through a consumer group."""

    stream: str
    group: str
    dead_letters: str | None = None
    """The stream of those entries that its function could not process; None: there is none."""


def key(prefix: str, flow: str) -> str:
    """The hash of the flow of that name."""
    return f"{prefix}:flow:{flow}"


def sign(
    prefix: str, flow: str, version: str, reads: Sequence[Subscription] | None = None
) -> Callable[[redis.Redis], None]:
    """What leaves a sign of life of `flow`, run by this process from now on.

    Also while Redis is at its `maxmemory`, where a flow that runs goes on.

    :arg reads: None where whoever looks knows without being told.
    """
    facts = {
        "instance": f"{socket.gethostname()}-{os.getpid()}",
        "service_start_ts": str(int(time.time())),
        "version": version,
    }
    if reads is not None:
        facts["reads"] = json.dumps([asdict(one) for one in reads])
    arguments = ["seen_at", *(value for pair in facts.items() for value in pair)]

    def leave(client: redis.Redis) -> None:
        _sign(client, [key(prefix, flow)], arguments)

    return leave


def is_alive(seen_at: float | None, now: float) -> bool:
    """Whether a flow runs whose last sign of life was at `seen_at`; both by the clock of Redis, in epoch seconds.

    A sign of the future is one from before the clock was set back: whoever lives leaves another one soon.
    """
    return seen_at is not None and abs(now - seen_at) <= ALIVE_SECONDS


def subscriptions(reads: str) -> tuple[Subscription, ...]:
    """What the field `reads` says; what of it says nothing is left out. Pure."""
    try:
        rows = json.loads(reads)
    except (ValueError, RecursionError):
        return ()
    found = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            stream, group, dead = (row.get(name) for name in ("stream", "group", "dead_letters"))
            if isinstance(stream, str) and stream and isinstance(group, str) and group:
                found.append(Subscription(stream, group, dead if isinstance(dead, str) and dead else None))
    return tuple(found)
