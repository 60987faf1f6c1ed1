"""Who may ask: the token, the session that a browser gets for it, and how often it may be guessed."""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from collections.abc import Callable
from pathlib import Path

import structlog

from console.web.settings import read_token

COOKIE = "quantum_session"

SESSION_SEC = 30 * 86_400
"""How long a browser stays signed in."""

_log = structlog.get_logger("web")


class Token:
    """The token in a file, which may be replaced while the process runs: sessions of the old one end with it.

    :arg path: holds a token, as `read_token` has it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._changed()
        self._token = read_token(path)

    def _changed(self) -> tuple[int, int, int]:
        seen = self._path.stat()
        return seen.st_mtime_ns, seen.st_ino, seen.st_size

    def _now(self) -> bytes:
        """The token, as it is now; the last good one where the file holds none."""
        try:
            stamp = self._changed()
            if stamp != self._stamp:
                self._stamp = stamp
                self._token = read_token(self._path)
                _log.info("the token was replaced")
        except (OSError, ValueError) as error:
            _log.warning("the token stays as it was", file=str(self._path), cause=str(error))
        return self._token.encode()

    def matches(self, given: str) -> bool:
        """Whether `given` is the token; takes as long for any other of its length."""
        return hmac.compare_digest(self._now(), given.encode("utf-8", "replace"))

    def session(self, now: float) -> str:
        """What proves for `SESSION_SEC` that its holder gave the token.

        :arg now: epoch seconds.
        """
        expires = str(int(now) + SESSION_SEC)
        return f"{expires}.{self._signature(expires)}"

    def is_session(self, given: str, now: float) -> bool:
        """Whether `given` is such a session, of the token as it is now."""
        expires, _, signature = given.partition(".")
        if (
            not expires.isdecimal()
            or len(expires) > 12
            or not hmac.compare_digest(self._signature(expires).encode(), signature.encode("utf-8", "replace"))
        ):
            return False
        return int(expires) > now

    def _signature(self, expires: str) -> str:
        return hmac.new(self._now(), f"session until {expires}".encode(), hashlib.sha256).hexdigest()


class Tries:
    """How often a wrong token may be given: so often a minute by an address, and ten times as often by all.

    :arg clock: seconds that never go back.
    """

    _SEC = 60.0

    def __init__(self, clock: Callable[[], float], most: int = 10) -> None:
        self._clock, self._most = clock, most
        self._failed: deque[tuple[float, str]] = deque()

    def wait(self, address: str) -> int:
        """Seconds after which `address` may try again; 0: now."""
        now = self._clock()
        while self._failed and self._failed[0][0] <= now - self._SEC:
            self._failed.popleft()
        mine = [at for at, of in self._failed if of == address]
        if len(mine) < self._most and len(self._failed) < 10 * self._most:
            return 0
        first = mine[0] if len(mine) >= self._most else self._failed[0][0]
        return max(int(first + self._SEC - now) + 1, 1)

    def failed(self, address: str) -> None:
        """A wrong token was given from there."""
        self._failed.append((self._clock(), address))
