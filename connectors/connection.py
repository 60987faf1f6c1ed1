"""Connections to Redis, with every choice made here and none left to a library's defaults.

The password is asked for at each connection, so that one in a file may be replaced while the process runs.

No automatic retries: redis-py would repeat a script whose reply was lost, and what may be repeated is known only to the
caller. RESP2: its replies to XREADGROUP are plain nested lists of bytes, cheap to read. Timeouts are finite, so that a
Redis that hangs is noticed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from connectors.errors import NoScript, RedisFailure, translate, translating
from connectors.handshake import mend
from connectors.settings import RedisSettings

SOCKET_TIMEOUT = 5.0
"""Seconds without an answer after which Redis counts as away."""

CONNECT_TIMEOUT = 3.0
"""Seconds to wait for a connection."""


def connect(settings: RedisSettings, client_name: str = "quantum", timeout: float | None = None) -> redis.Redis:
    """A client with a connection pool of its own. Connects lazily: this call does not block and cannot fail.

    :arg client_name: shown by CLIENT LIST.
    :arg timeout: seconds to wait for a connection or an answer; None for `CONNECT_TIMEOUT` and `SOCKET_TIMEOUT`.
    """
    common: dict[str, Any] = {
        "protocol": 2,
        "socket_timeout": timeout or SOCKET_TIMEOUT,
        "socket_connect_timeout": timeout or CONNECT_TIMEOUT,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "client_name": client_name,
        # CLIENT SETINFO is one more right to ask for, which Redis before 7.2 cannot even grant.
        "driver_info": None,
    }
    if settings.redis_url is not None:
        url = settings.redis_url.get_secret_value()
        if url.startswith("unix:"):
            del common["socket_keepalive"], common["socket_connect_timeout"]
        pool: redis.ConnectionPool = redis.ConnectionPool.from_url(url, **common)
        known = pool.connection_kwargs
        known["credential_provider"] = _Login(settings, known.pop("username", None), known.pop("password", None))
        return mend(redis.Redis(connection_pool=pool))
    client = redis.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        db=settings.redis_db,
        credential_provider=_Login(settings),
        **common,
    )
    return mend(client)


class _Login(redis.CredentialProvider):
    """The user and the password for one more connection: those in the URL, and what it leaves open from `settings`."""

    def __init__(self, settings: RedisSettings, username: str | None = None, password: str | None = None) -> None:
        self._settings = settings
        self._username = username or settings.redis_username
        self._password = password

    def get_credentials(self) -> tuple[()] | tuple[str] | tuple[str, str]:  # type: ignore[override]
        """What AUTH is to be given; nothing, and it is not called.

        :raises redis.ConnectionError: the password cannot be read. (redis-py would take a connection that failed with
            anything but an error of its own for one that is ready.)
        """
        try:
            password = self._password or self._settings.password()
        except (OSError, UnicodeDecodeError) as error:
            raise redis.ConnectionError(f"the password cannot be read: {error}") from error
        if self._username:
            return self._username, password or ""
        return (password,) if password else ()


class Wire:
    """One connection on which a request can be sent now and its replies read later. Not thread-safe.

    After any error the connection is closed, and the next `send` opens a new one: replies never get out of step.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._connection: Any = None
        self._awaited = 0

    def send(self, *commands: Sequence[Any]) -> None:
        """Send `commands` in one packet; each will have one reply. May block for the connect and socket timeouts.

        :raises RedisFailure: not sent, or not whole; nothing is awaited any more.
        """
        try:
            if self._connection is None:
                self._connection = self._pool.get_connection()
            # (redis-py looks at the type of each argument before it does the same: with thousands, that takes longer.)
            self._connection.send_packed_command([b"".join(hiredis.pack_command(tuple(one)) for one in commands)])
            self._awaited += len(commands)
        except (redis.RedisError, OSError) as error:
            self.close()
            raise translate(error) from error

    def ready(self) -> bool:
        """Whether `receive` would find something at once: a reply, or a broken connection. Does not block.

        :raises RedisFailure: the connection broke; nothing is awaited any more.
        """
        try:
            return bool(self._connection.can_read(0))
        except (redis.RedisError, OSError) as error:
            self.close()
            raise translate(error) from error

    def fileno(self) -> int:
        """Of the socket of the connection, which is open."""
        number: int = self._connection._sock.fileno()
        return number

    def receive(self) -> Any:
        """The next reply; blocks until it is there, for the socket timeout at most. An error reply is returned.

        :raises RedisFailure: the connection broke; nothing is awaited any more.
        """
        try:
            self._awaited -= 1
            return self._connection.read_response()
        except redis.ResponseError as error:
            return translate(error)
        except (redis.RedisError, OSError) as error:
            self.close()
            raise translate(error) from error

    def evalsha(self, digest: str, *args: Any) -> Any:
        """What the script with this digest replies; blocks for a round trip. See `Script`.

        :raises RedisFailure: NoScript when Redis does not have it; else not known whether it ran, or what it replied.
        """
        return self.ask(("EVALSHA", digest, *args))[0]

    def eval(self, source: str, *args: Any) -> Any:
        """What the script replies; blocks for a round trip.

        :raises RedisFailure: not known whether it ran, or what it replied.
        """
        return self.ask(("EVAL", source, *args))[0]

    def ask(self, *commands: Sequence[Any]) -> list[Any]:
        """The replies to `commands`, which are sent in one packet; blocks for a round trip. Nothing may be under way.

        :raises RedisFailure: the first that a command was answered with, or the connection broke.
        """
        assert not self._awaited, "a reply is under way"
        self.send(*commands)
        replies = [self.receive() for _ in commands]
        for reply in replies:
            if isinstance(reply, RedisFailure):
                raise reply
        return replies

    def release(self) -> None:
        """Give the connection back to its pool, open, if nothing is awaited; else close it. Never raises."""
        if self._connection is None or self._awaited:
            self.close()
            return
        connection, self._connection = self._connection, None
        self._pool.release(connection)

    def close(self) -> None:
        """Close the connection; replies that are under way are lost. Never raises."""
        connection, self._connection, self._awaited = self._connection, None, 0
        if connection is not None:
            try:
                connection.disconnect()
                self._pool.release(connection)
            except (redis.RedisError, OSError):
                pass


class Script:
    """A Lua script that is called by its digest, and sent whole when Redis does not have it (after SCRIPT FLUSH)."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def load(cls, *names: str) -> Script:
        """The script that the files `names` of this package make, one after another.

        Lines that are comments travel empty: an error that names a line names the right one.
        """
        folder = resources.files("connectors") / "lua"
        text = "\n".join((folder / f"{name}.lua").read_text("utf-8") for name in names)
        return cls(re.sub(r"^ *--.*$", "", text, flags=re.MULTILINE))

    def __call__(self, redis_: redis.Redis | Wire, keys: Sequence[bytes | str], args: Sequence[Any]) -> Any:
        """Run it; blocks for a round trip. Never repeated after a reply was lost.

        :arg redis_: a client, or a wire, on which a call costs half as much.
        :raises RedisFailure: see `connectors.errors`. NoScript is not among them.
        """
        with translating():
            try:
                return redis_.evalsha(self.digest, len(keys), *keys, *args)
            except (redis.exceptions.NoScriptError, NoScript):
                return redis_.eval(self.source, len(keys), *keys, *args)

    def send(self, wire: Wire, keys: Sequence[bytes | str], args: Sequence[Any]) -> None:
        """Ask for it; `receive` with the same arguments tells what it replied. May block, but for no reply.

        :raises RedisFailure: not known whether it will run.
        """
        wire.send(("EVALSHA", self.digest, len(keys), *keys, *args))

    def receive(self, wire: Wire, keys: Sequence[bytes | str], args: Sequence[Any]) -> Any:
        """What it replied; blocks until it has.

        :raises RedisFailure: as for a call.
        """
        reply = wire.receive()
        if isinstance(reply, NoScript):
            return wire.eval(self.source, len(keys), *keys, *args)
        if isinstance(reply, RedisFailure):
            raise reply
        return reply
