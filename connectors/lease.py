"""A lease: the proof that a consumer is alive and may commit what it has read.

It is a key with a random token and a time to live, which a thread renews: a slow step that keeps the worker busy costs
no lease. A stopped process (SIGSTOP, a suspended machine) renews nothing, loses it, and finds its commits
refused when it wakes. A process whose thread lives but whose worker makes no progress for `stall` seconds is treated
the same: it is fenced, and its entries are taken over.
"""

from __future__ import annotations

import secrets
import threading
import time

import redis
import structlog

from connectors.connection import Script
from connectors.errors import RedisFailure

_log = structlog.get_logger("lease")
_acquire = Script.load("acquire")
_renew = Script.load("renew")
_release = Script.load("release")


class Lease:
    """The lease of one consumer. `touch` may be called from any thread.

    :arg key: the lease key.
    :arg counters: the hash where `fenced_total` is counted.
    :arg ttl: seconds that it lives without a renewal.
    :arg stall: seconds without `touch` after which it is no longer renewed.
    """

    def __init__(self, client: redis.Redis, key: str, counters: str, ttl: float, stall: float) -> None:
        self.key = key
        self.token = ""
        self._next = ""
        self._client = client
        self._counters = counters
        self._ttl_ms = int(ttl * 1000)
        self._stall = stall
        self._touched = time.monotonic()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self) -> bool:
        """Take the lease under a new token; what was read under an older one can be committed no more.

        :returns: False when another process holds it.
        :raises RedisFailure: not known whether it was taken; call again.
        """
        # The same token until a reply arrives: an attempt whose reply was lost may have taken the lease under it.
        self._next = self._next or secrets.token_hex(8)
        taken = _acquire(self._client, [self.key, self._counters], [self._next, self.token, self._ttl_ms])
        token, self._next = self._next, ""
        if not taken:
            return False
        self.token = token
        self.touch()
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
            self._thread.start()
        return True

    def touch(self) -> None:
        """The worker made progress."""
        self._touched = time.monotonic()

    def close(self) -> None:
        """Renew no more. The key itself is left to `retire`, or to its time to live."""
        self._closed.set()

    def release(self) -> None:
        """Renew no more, and give the lease back, if it is still ours. Never raises: it ends by itself."""
        self.close()
        try:
            _release(self._client, [self.key], [self.token])
        except RedisFailure as error:
            _log.info("lease not released; it expires by itself", cause=str(error))

    def _keep(self) -> None:
        """Renew three times in a time to live. Failures are not reported: the reader meets the same Redis."""
        while not self._closed.wait(self._ttl_ms / 3000):
            if time.monotonic() - self._touched > self._stall:
                _log.warning("no progress; lease not renewed", stalled_seconds=round(time.monotonic() - self._touched))
                continue
            try:
                _renew(self._client, [self.key], [self.token, self._ttl_ms])
            except RedisFailure:
                continue
