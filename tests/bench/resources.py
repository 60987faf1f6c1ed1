"""What the flow costs while little happens: processor time at rest and at 100 entries a second, memory, start-up."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from connectors.private_redis import PrivateRedis
from sinks import p35_status
from tests.bench.load import PREFIX, Load, forget_all_but_the_stream
from tests.bench.processes import FLOW, Measured, cpu_seconds, resident_mib

RATE = 100
"""Entries a second of the light load."""

_SETTLE_SECONDS = 3.0


def measure(quick: bool, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Shares of one core, MiB, seconds: one value a round. Takes some two minutes."""
    window = 4.0 if quick else 10.0  # ten seconds hold one snapshot, five looks at the status, as many renewals as ever
    rest: dict[str, list[float]] = {"cpu": [], "redis_cpu": [], "resident": []}
    light: dict[str, list[float]] = {"cpu": [], "redis_cpu": [], "resident": []}
    with PrivateRedis() as server:
        startup = [_startup(server) for _ in range(rounds)]
        say(f"start-up {median(startup):.2f} s")
    with PrivateRedis() as server, Measured(server, FLOW) as flow:
        time.sleep(_SETTLE_SECONDS)
        for _ in range(rounds):
            _window(server, flow, window, rest)
        say(f"at rest {median(rest['cpu']):.2%} of a core, {median(rest['resident']):.1f} MiB")
        publishing = rounds * window + _SETTLE_SECONDS
        arguments = ("tests.bench.publisher", str(RATE), str(publishing + 1))
        with Measured(server, arguments) as publisher:
            time.sleep(_SETTLE_SECONDS)
            for _ in range(rounds):
                _window(server, flow, window, light)
            publisher.check()
        say(f"at {RATE} a second {median(light['cpu']):.2%} of a core, {median(light['resident']):.1f} MiB")
        flow.stop()
    return {"startup": startup, "rest": rest, "light": light, "window": window}


def _window(server: PrivateRedis, flow: Measured, seconds: float, into: dict[str, list[float]]) -> None:
    """Look at `flow` over a window of `seconds`."""
    started, cpu, redis_cpu = time.monotonic(), cpu_seconds(flow.pid), cpu_seconds(server.pid)
    time.sleep(seconds)
    flow.check()
    took = time.monotonic() - started
    into["cpu"].append((cpu_seconds(flow.pid) - cpu) / took)
    into["redis_cpu"].append((cpu_seconds(server.pid) - redis_cpu) / took)
    into["resident"].append(resident_mib(flow.pid))


def _startup(server: PrivateRedis) -> float:
    """Seconds from the start of the process to its first commit."""
    with server.client() as client:
        if client.exists(p35_status.key(PREFIX)):
            forget_all_but_the_stream(client)
        else:
            Load(1_000).fill(server)
        started = time.monotonic()
        with Measured(server, FLOW) as flow:
            while not client.hexists(p35_status.key(PREFIX), "processed_total"):
                flow.check()
                time.sleep(0.002)
            seconds = time.monotonic() - started
            flow.stop()
    return seconds
