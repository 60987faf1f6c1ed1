"""Every error that the connectors raise, under one root.

    ConnectorError
    |-- SettingsError        a setting is wrong; the process should end with status 78
    |-- NotSentError         a receiver did not take a message (`receiver`)
    |-- InvalidRow           a row of a table is there and cannot be used (`table`)
    |-- UnreadableRow        there is no telling what a row of a table holds (`joining`)
    |-- CannotRebuild        outputs cannot be rebuilt, or not now (`rebuild`)
    |-- FlowFailed           a flow that was run until it caught up ended by itself (`catching_up`)
    |-- LookupStopped        the process is to stop while a lookup waits for Redis (`lookup`)
    `-- RedisFailure
        |-- RedisAway        no answer: refused, reset, loading, no name; wait and try again
        |   `-- RedisSilent  nothing within the timeout, not even a refusal; wait and try again
        |-- RedisReadOnly    answers, but takes no writes now (a replica, a failover); wait and try again
        |-- RedisFull        answers, but `maxmemory` refuses the write; wait and try again
        |-- RedisDenied      refuses us: password or ACL; only a person can mend it
        |-- WrongType        a key that is ours holds another type; only a person can mend it
        |-- KeyTaken         a key belongs to another consumer group; ends the process
        |-- GroupHeld        a rebuild takes the place of the consumer group; wait for a moment
        |-- NoGroup          the stream or its consumer group is gone; create it again
        |-- NoScript         Redis has forgotten a script (SCRIPT FLUSH, a restart); send it whole
        `-- UnexpectedReply  Redis said something that this code does not know: a bug; ends the process

`translating` maps what redis-py raises onto this tree, so that every other module decides by type and never by the
text of a message.
"""

from __future__ import annotations

import re
from types import TracebackType

import redis

from connectors.text import one_line


class ConnectorError(Exception):
    """Root of all errors raised by this package."""


class SettingsError(ConnectorError):
    """One or more settings are wrong. `str()` is one printable line a wrong setting, and holds no secret."""


class CannotRebuild(ConnectorError):
    """What a flow has written cannot be rebuilt. `str()` is one printable line that says why."""


class RedisFailure(ConnectorError):
    """Something between us and Redis. `str()` is one line: what is wrong, and what to do."""


class RedisAway(RedisFailure):
    """Redis does not answer. Transient."""


class RedisSilent(RedisAway):
    """Nothing comes within the timeout, not even a refusal: Redis hangs, or the network does. Transient."""


class RedisReadOnly(RedisFailure):
    """Redis answers but refuses writes, as a replica does. Transient."""


class RedisFull(RedisFailure):
    """Redis has reached `maxmemory` and evicts nothing. Transient; nothing of the refused step was applied."""


class RedisDenied(RedisFailure):
    """Redis refuses the user, the password or the command."""


class WrongType(RedisFailure):
    """A key that we own holds a value of another type. Nothing of the refused step was applied."""

    @classmethod
    def of(cls, key: str, found: str, wanted: str) -> WrongType:
        """The one about `key`, which is a `found` and must be a `wanted` (types as Redis names them)."""
        return cls(f"key {key} is a {found} and must be a {wanted}: delete or rename it")


class KeyTaken(RedisFailure):
    """A key is to hold the counters of a consumer group, and holds those of another. Nothing was done."""

    @classmethod
    def of(cls, key: str, owner: tuple[str, ...], other: tuple[str, str]) -> KeyTaken:
        """The one about `key`, which `owner` has and `other` wants (stream and group of each)."""
        return cls(
            f"key {key} holds the counters of group {owner[1]} of stream {owner[0]}; give group {other[1]} of stream "
            f"{other[0]} a key of its own. If it is the same group under a new name, HDEL {key} group_stream group_name"
        )


class GroupHeld(RedisFailure):
    """A rebuild is about to take the place of the consumer group. Transient; nothing was done."""


class NoGroup(RedisFailure):
    """The stream or the consumer group does not exist (any more)."""


class NoScript(RedisFailure):
    """Redis does not have the script of this digest."""


class UnexpectedReply(RedisFailure):
    """An error reply that has no place in the tree above."""


TRANSIENT = (RedisAway, RedisReadOnly, RedisFull)
"""What passes by itself: wait with backoff and try again."""

_SILENCES = {
    "Timeout reading from socket": "no answer in time: Redis hangs, or the network does",
    "Timeout connecting to server": "no connection in time: its host is down, or the network drops packets",
}
"""What redis-py calls a timeout, and what that means to a person."""

_DENIALS = ("NOPERM", "can't run this command", "can't access at least one of the keys", "ACL failure in script")
"""How Redis denies a command or a key; inside a script the wording depends on the version."""

_AWAY = re.compile(r"(?:^|[ :-])(?:LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|BUSY|NOREPLICAS|MISCONF)\b")
"""What passes by itself; inside a script it is somewhere in the text."""


def translate(error: Exception) -> RedisFailure:
    """The error of this tree that stands for `error`, which redis-py (or the socket below it) raised."""
    if isinstance(error, RedisFailure):
        return error
    text = one_line(error)
    if isinstance(error, redis.exceptions.AuthenticationError | redis.exceptions.AuthorizationError):
        return RedisDenied(f"Redis refuses the user or password ({text}); set REDIS_USERNAME and REDIS_PASSWORD")
    if isinstance(error, redis.exceptions.NoPermissionError):
        return RedisDenied(f"Redis denies this user a command or key ({text}); see its ACL rules")
    if isinstance(error, redis.exceptions.ReadOnlyError):
        return RedisReadOnly("Redis is a read-only replica; waiting for a primary")
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return RedisFull("Redis has reached maxmemory; raise it, or trim streams")
    if isinstance(error, redis.exceptions.AskError):
        return RedisAway(f"another Redis has the slot: {text}")
    if isinstance(error, redis.exceptions.NoScriptError):
        return NoScript(text)
    if isinstance(error, redis.exceptions.TimeoutError | TimeoutError):
        for theirs, ours in _SILENCES.items():
            text = text.replace(theirs, ours)
        return RedisSilent(text or "no answer in time")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        problem = one_line(str(error).partition("certificate verify failed: ")[2])
        return RedisAway(
            f"certificate of Redis not accepted ({problem}); "
            "name the authority that issued it in REDIS_URL: rediss://host:port/0?ssl_ca_certs=/path/of/its.pem"
        )
    if isinstance(error, redis.exceptions.ConnectionError | redis.exceptions.InvalidResponse | OSError):
        return RedisAway(text or type(error).__name__)
    return _translate_reply(text)


class translating:
    """`with translating():` raises what redis-py (or the socket below it) raises as the error of this tree.

    Everything else passes as it is. Reusable, and cheap enough for every round trip.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, _type: object, error: BaseException | None, _traceback: TracebackType | None) -> None:
        """Translate `error`.

        :raises RedisFailure: it was one of redis-py's, or of the operating system's.
        """
        if isinstance(error, redis.RedisError | OSError):
            raise translate(error) from error


def _translate_reply(text: str) -> RedisFailure:
    """The error for the text of an error reply; a script's error has its cause somewhere inside it."""
    if text.startswith(("WRONGPASS", "NOAUTH")):
        return RedisDenied(f"Redis refuses the user or password ({text}); set REDIS_USERNAME and REDIS_PASSWORD")
    if any(denial in text for denial in _DENIALS):
        return RedisDenied(f"Redis denies this user a command or key ({text}); see its ACL rules")
    if (
        "NOGROUP" in text
        or text.startswith("UNBLOCKED")
        or "requires the key to exist" in text
        or "no such key" in text
    ):
        return NoGroup(text)
    if "WRONGTYPE" in text:
        return WrongType(text)
    if "READONLY" in text:
        return RedisReadOnly("Redis is a read-only replica; waiting for a primary")
    if "OOM " in text:
        return RedisFull("Redis has reached maxmemory; raise it, or trim streams")
    if _AWAY.search(text):
        return RedisAway(text)
    return UnexpectedReply(text)
