"""Connections that say more than redis-py's when they cannot be made, and that do not stay where a primary was.

Whether both ends speak TLS is the first question where a port accepts and then says nothing, and redis-py does not
ask it.
"""

from __future__ import annotations

import ssl
from typing import Any

import redis
from redis.exceptions import InvalidResponse, ReadOnlyError

NEEDS_NO_TLS = "this port does not seem to speak TLS: if it is a plain one, the URL must begin with redis://"
NEEDS_TLS = "if this port speaks TLS, the URL must begin with rediss://"

_NO_TLS = {"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
"""What OpenSSL calls an answer that is not TLS; which one depends on its version and on the answer."""

_HUNG_UP = ("Error while reading from", "Connection closed by server")
"""How redis-py begins what it says of a connection that ended without an answer."""

_ALERT = (r"b'\x15\x03", r'"\x15"')
"""How a TLS record that refuses the handshake looks in what redis-py, with hiredis or without, says of a reply that it
cannot read."""


def mend(client: redis.Redis) -> redis.Redis:
    """Make `client` open connections of this kind; those that it has stay as they are."""
    pool = client.connection_pool
    base: Any = pool.connection_class
    plain = issubclass(base, redis.Connection) and not issubclass(base, redis.SSLConnection)

    class Connection(base):  # type: ignore[misc]
        _being_made = False

        def on_connect_check_health(self, *args: Any, **kwargs: Any) -> None:
            self._being_made = True
            try:
                super().on_connect_check_health(*args, **kwargs)
            finally:
                self._being_made = False

        def read_response(self, *args: Any, **kwargs: Any) -> Any:
            try:
                return super().read_response(*args, **kwargs)
            except redis.ResponseError as error:
                # The next attempt must resolve the address again: after a failover the old primary lives on as a
                # replica, and keeps its connections; who stays waits for ever.
                if isinstance(error, ReadOnlyError) or "READONLY" in str(error):
                    self.disconnect()
                raise
            except (redis.ConnectionError, InvalidResponse) as error:
                if plain and self._being_made and _may_be_tls(error):
                    raise redis.ConnectionError(f"{error}; {NEEDS_TLS}") from error
                raise

        def _wrap_socket_with_ssl(self, sock: Any) -> Any:
            try:
                return super()._wrap_socket_with_ssl(sock)
            except TimeoutError as error:
                # A plain Redis waits for the end of the line that it takes our hello for.
                raise redis.exceptions.TimeoutError(f"no answer to the TLS handshake; {NEEDS_NO_TLS}") from error
            except ssl.SSLError as error:
                if error.reason not in _NO_TLS:
                    raise
                raise redis.ConnectionError(f"the answer is not TLS; {NEEDS_NO_TLS}") from error

    pool.connection_class = Connection
    return client


def _may_be_tls(error: Exception) -> bool:
    """Whether a port that speaks TLS may have answered a plain greeting so: it hangs up, or sends an alert."""
    said = str(error)
    return any(alert in said for alert in _ALERT) if isinstance(error, InvalidResponse) else said.startswith(_HUNG_UP)
