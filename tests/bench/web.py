"""What `quantum serve` takes for many viewers, and how soon it answers: `python -m tests.bench.web [--quick]`.

Prints, and asserts nothing: the numbers are this machine's. Redis, the server and the load share its cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.processes import cpu_seconds, resident_mib
from tests.support import users
from tests.support.flow_process import ROOT
from tests.support.quantum import COMMAND, environment
from tests.support.waiting import wait_for
from tests.support.web import plant_world

REQUEST = b"GET /api/v1/why HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n"
VIEW = b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def view(port: int, received: list[int]) -> None:
    """Follow the events, and count what comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    writer.write(VIEW)
    try:
        while piece := await reader.read(65_536):
            received[0] += len(piece)
    finally:
        writer.close()


async def ask(port: int, times: asyncio.Queue[float], seconds: list[float]) -> None:
    """Ask whenever it is time, on one connection; the time begins when it was to be asked, not when it could be."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    try:
        while True:
            due = await times.get()
            writer.write(REQUEST)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
            assert head.startswith(b"http/1.1 200"), head
            seconds.append(time.perf_counter() - due)
    finally:
        writer.close()


async def measure(port: int, pid: int, client: Any, viewers: int, rate: int, length: float) -> None:
    """All of it, and print it."""

    def commands() -> int:
        stats = client.info("commandstats")
        return sum(one["calls"] for name, one in stats.items() if name != "cmdstat_info")

    received = [0]
    one = asyncio.create_task(view(port, received))
    await asyncio.sleep(3)
    before, memory = commands(), resident_mib(pid)
    await asyncio.sleep(length)
    print(f"1 viewer: {(commands() - before) / length:.0f} commands/s to Redis, {memory:.0f} MiB")

    many = [asyncio.create_task(view(port, received)) for _ in range(viewers - 1)]
    await asyncio.sleep(5)
    before, used, received[0] = commands(), cpu_seconds(pid), 0
    await asyncio.sleep(length)
    grown = (resident_mib(pid) - memory) * 1_024 / (viewers - 1)
    print(
        f"{viewers} viewers: {(commands() - before) / length:.0f} commands/s to Redis, "
        f"{(cpu_seconds(pid) - used) / length:.1%} of a core, {grown:.0f} KiB each, "
        f"{received[0] / length / viewers / 1e3:.1f} kB/s each"
    )
    for task in (one, *many):
        task.cancel()
    await asyncio.gather(one, *many, return_exceptions=True)

    times: asyncio.Queue[float] = asyncio.Queue()
    seconds: list[float] = []
    askers = [asyncio.create_task(ask(port, times, seconds)) for _ in range(32)]
    used, began = cpu_seconds(pid), time.perf_counter()
    for number in range(int(rate * length)):
        if (early := began + number / rate - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        times.put_nowait(began + number / rate)
    while not times.empty():
        await asyncio.sleep(0.01)
    took = time.perf_counter() - began
    cuts = statistics.quantiles(seconds, n=100)
    print(
        f"why, {len(seconds) / took:.0f} requests/s: p50 {cuts[49] * 1e3:.1f} ms, p99 {cuts[98] * 1e3:.1f} ms, "
        f"{(cpu_seconds(pid) - used) / took:.0%} of a core"
    )
    for task in askers:
        task.cancel()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.web", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 viewers, five seconds")
    parser.add_argument("--viewers", type=int, default=1_000)
    parser.add_argument("--rate", type=int, default=500, help="requests a second")
    options = parser.parse_args()
    viewers, length = (100, 5.0) if options.quick else (options.viewers, 20.0)
    with users.SecuredRedis() as server, server.client() as client, tempfile.NamedTemporaryFile() as log:
        plant_world(client)
        process = subprocess.Popen(
            [*COMMAND, "serve"],
            cwd=ROOT,
            env=environment(server.url, HTTP_PORT="0", HTTP_MAX_VIEWERS=str(viewers)),
            stderr=log,
        )
        try:
            text = wait_for(lambda: "/" in Path(log.name).read_text() and Path(log.name).read_text(), "the server")
            port = int(text.partition("http://127.0.0.1:")[2].partition("/")[0])
            asyncio.run(measure(port, process.pid, client, viewers, options.rate, length))
        finally:
            process.send_signal(signal.SIGTERM)
            print(f"stopped with status {process.wait(60)}, {os.cpu_count()} cores", file=sys.stderr)


if __name__ == "__main__":
    main()
