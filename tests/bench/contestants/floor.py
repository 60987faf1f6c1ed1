"""The floor: what any consumer of the group pays. Reads, parses in C, acknowledges; nothing else.

Two reads are under way at any time, so that Redis works on one while the other is parsed. Ends when nothing is left.

    REDIS_PORT=... READ_BATCH=500 python -m tests.bench.contestants.floor

Larger batches are slower for it: they no longer fit the caches of the processor.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from typing import Any

import hiredis

from sinks.decisions import GROUP
from tests.bench.load import STREAM

_READ, _ACKNOWLEDGE = 0, 1


def main() -> None:
    """Read all that is in the stream."""
    count, reads_ahead = os.environ.get("READ_BATCH", "500"), int(os.environ.get("READS_AHEAD", "2"))
    connection = socket.create_connection(("127.0.0.1", int(os.environ["REDIS_PORT"])))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader, space = hiredis.Reader(), memoryview(bytearray(1 << 20))

    def reply() -> Any:
        while (value := reader.gets()) is False:
            size = connection.recv_into(space)
            if not size:
                raise SystemExit("Redis closed the connection")
            reader.feed(space[:size])
        if isinstance(value, hiredis.ReplyError):
            raise SystemExit(str(value))
        return value

    connection.sendall(hiredis.pack_command(("XGROUP", "CREATE", STREAM, GROUP, "0")))
    while isinstance(created := reader.gets(), bool):
        reader.feed(space[: connection.recv_into(space)])
    assert created == b"OK" or b"BUSYGROUP" in str(created).encode()

    name = f"floor-{os.getpid()}"
    read = hiredis.pack_command(("XREADGROUP", "GROUP", GROUP, name, "COUNT", count, "STREAMS", STREAM, ">"))
    awaited = deque([_READ] * reads_ahead)
    connection.sendall(read * reads_ahead)
    while awaited:
        kind, value = awaited.popleft(), reply()
        if kind == _READ and value:
            ids = [entry[0] for entry in value[0][1]]
            connection.sendall(hiredis.pack_command(("XACK", STREAM, GROUP, *ids)) + read)
            awaited += (_ACKNOWLEDGE, _READ)


if __name__ == "__main__":
    main()
