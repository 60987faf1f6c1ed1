"""A publisher that keeps to its timetable, whatever Redis does: `python -m tests.bench.publisher RATE SECONDS`.

Entries are sent in bursts, one each millisecond (fewer at less than 1,000 a second), and never wait for a reply. When
ready it says in Redis when it will start. Who knows that knows when each entry is due: a publisher that falls behind
makes the entries look late. At its end it says how far behind it was at the most.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import time
from itertools import islice

import hiredis

from tests.bench.load import STREAM, Load

BURSTS = 1_000
"""A second, at the most."""

START_KEY, BEHIND_KEY = "bench:publisher:start", "bench:publisher:behind"
"""Monotonic clock at the start, and seconds that a burst was sent too late at the most."""

_HEAD_START = 0.2
"""Seconds from being ready to the first entry."""


class Timetable:
    """When each entry is due, by the monotonic clock, which all processes share."""

    def __init__(self, start: float, rate: int, seconds: float) -> None:
        self.start = start
        self.entries = int(rate * seconds)
        self.per_burst = max(1, rate // BURSTS)
        self._rate = rate

    def due(self, number: int) -> float:
        """When entry `number` (from 0) is to be sent: with its burst."""
        return self.start + number // self.per_burst * self.per_burst / self._rate


def main() -> None:
    """Publish, then wait until Redis has taken everything."""
    rate, seconds, load = int(sys.argv[1]), float(sys.argv[2]), Load(1)
    symbols, outcomes = load.symbol_names(), load.outcomes()
    connection = socket.create_connection(("127.0.0.1", int(os.environ["REDIS_PORT"])))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader, taken = hiredis.Reader(), 0
    gc.disable()

    def packed(number: int) -> bytes:
        decision, error = outcomes[number // len(symbols) % len(outcomes)]
        fields = ("plan_id", f"{number:016x}", "symbol", symbols[number % len(symbols)], "decision", decision)
        more = ("executed", str(decision == "EXECUTE"), "would_execute", "False", "steps_results", "[]")
        at = str(int(time.time()))
        return hiredis.pack_command(("XADD", STREAM, "*", *fields, *more, "error", error, "timestamp", at))

    def receive(flags: int) -> int:
        try:
            reader.feed(connection.recv(1 << 16, flags))
        except BlockingIOError:
            return 0
        replies = 0
        while isinstance(reply := reader.gets(), bytes):
            replies += 1
        assert reply is False, reply
        return replies

    table = Timetable(time.monotonic() + _HEAD_START, rate, seconds)
    connection.sendall(hiredis.pack_command(("SET", START_KEY, repr(table.start))))
    taken -= 1  # the reply to this is none of an entry
    behind = 0.0
    numbers = iter(range(table.entries))
    while burst := list(islice(numbers, table.per_burst)):
        packet = b"".join(map(packed, burst))
        if (early := table.due(burst[0]) - time.monotonic()) > 0:
            time.sleep(early)
        behind = max(behind, time.monotonic() - table.due(burst[0]))
        connection.sendall(packet)
        taken += receive(socket.MSG_DONTWAIT)
    while taken < table.entries:
        taken += receive(0)
    connection.sendall(hiredis.pack_command(("SET", BEHIND_KEY, repr(behind))))
    receive(0)


if __name__ == "__main__":
    main()
