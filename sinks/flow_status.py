"""Life of the flows: one hash a flow, that says when it was last at work. Any instance of it writes there.

{prefix}:flow:{flow}    HASH, no TTL, every 5 s while the flow works
    seen_at             when that was, by the clock of Redis, epoch seconds
    instance            hostname-pid of the process that wrote this last
    service_start_ts    when that process started, epoch seconds
    version             of that process
"""

from __future__ import annotations

from collections.abc import Callable

import redis

from connectors.sign import sign as sign_in

ALIVE_SECONDS = 30.0
"""A flow without a sign of life for so long is not running."""


def key(prefix: str, flow: str) -> str:
    """The hash of `flow`, as in `flows.{flow}`."""
    return f"{prefix}:flow:{flow}"


def sign(prefix: str, flow: str, version: str) -> Callable[[redis.Redis], None]:
    """What leaves a sign of life of `flow`, run by this process from now on. See `connectors.pulse`."""
    return sign_in([key(prefix, flow)], version)


def is_alive(seen_at: float | None, now: float) -> bool:
    """Whether a flow runs whose last sign of life was at `seen_at`; both by the clock of Redis, in epoch seconds.

    A sign of the future is one from before the clock was set back: whoever lives leaves another one soon.
    """
    return seen_at is not None and abs(now - seen_at) <= ALIVE_SECONDS
