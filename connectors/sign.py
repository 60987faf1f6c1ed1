"""A sign of life of a process, as it lies in Redis: when it was last at work, and who it is. See `connectors.pulse`."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Sequence

import redis

from connectors.connection import Script

_sign = Script.load("sign")


def sign(keys: Sequence[str], version: str) -> Callable[[redis.Redis], None]:
    """What leaves a sign of life of this process, from now on, in each of the hashes `keys`.

    It sets `seen_at` (by the clock of Redis, epoch seconds), `instance` (hostname-pid), `service_start_ts` and
    `version`, also while Redis is at its `maxmemory`, where a flow that runs goes on.
    """
    facts = {
        "instance": f"{socket.gethostname()}-{os.getpid()}",
        "service_start_ts": str(int(time.time())),
        "version": version,
    }
    arguments = ["seen_at", *(value for pair in facts.items() for value in pair)]

    def leave(client: redis.Redis) -> None:
        for key in keys:
            _sign(client, [key], arguments)

    return leave
