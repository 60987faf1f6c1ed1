"""How fast a contestant works through a backlog: watched from outside, in the same way for all.

The time runs from the first commit that is seen (imports, connections and the start of Bytewax are over by then) to the
last. Redis is asked every few milliseconds how far it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import redis

from connectors.private_redis import PrivateRedis
from console.audit.bounds import Bounds, compare
from sinks import buckets, p35_status
from sinks.decisions import GROUP
from tests.bench.load import PREFIX, STREAM, Load, forget_all_but_the_stream
from tests.bench.processes import FLOW, Measured, cpu_seconds

POLL_SECONDS = 0.005

BUCKETS = buckets.bucket_key(PREFIX, 0)[:-12]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program, and what is to be seen of it."""

    name: str
    title: str
    arguments: tuple[str, ...]
    counts: bool = True
    """Whether it keeps `processed_total`; else what is acknowledged counts."""
    terminated: bool = False
    """Whether it has to be asked to end; else it ends when nothing is left."""
    exact: bool = True
    """Whether the buckets must hold what the load says once it has ended."""
    seconds: float = 120.0
    """Give up after so many, and take the speed until then."""


_CONTESTANTS = "tests.bench.contestants"
P35 = Contestant("flow", "flows.p35", FLOW, terminated=True)
FLOOR = Contestant("floor", "the floor", (f"{_CONTESTANTS}.floor",), counts=False, exact=False)
CAREFUL = Contestant("careful", "a careful loop", (f"{_CONTESTANTS}.careful",))
NAIVE = Contestant("naive", "a naive loop", (f"{_CONTESTANTS}.naive",), seconds=6.0)
FOLDED = Contestant(
    "folded",
    "Bytewax, map and fold_window",
    ("bytewax.run", f"{_CONTESTANTS}.folded"),
    terminated=True,
    seconds=20.0,
)


@dataclass(frozen=True, slots=True)
class Setting:
    """How a contestant is run."""

    batch: int | None = None
    """READ_BATCH; None: its default."""
    processes: int = 1
    workers: int = 1
    """Bytewax workers a process."""


SIMPLE = Setting()
"""One process, one worker, all defaults."""


@dataclass(frozen=True, slots=True)
class Lap:
    """What was seen. Rates are entries a second, costs are microseconds of processor time an entry."""

    rate: float
    cost: float
    redis_cost: float
    longest_script: float
    """The longest time that a script kept Redis from all else, in milliseconds by the clock; 0: none took 1 ms."""


class NotExact(Exception):
    """A contestant that must be exact was not."""


def run(server: PrivateRedis, contestant: Contestant, load: Load, begins: int, setting: Setting = SIMPLE) -> Lap:
    """Let `contestant` work through the stream, which holds `load`, as if nobody had ever read it.

    :arg begins: what `load.fill` said.
    :raises NotExact: the buckets do not hold what they must.
    :raises RuntimeError: it failed.
    """
    env = {} if setting.batch is None else {"READ_BATCH": str(setting.batch)}
    arguments = contestant.arguments + (("-w", str(setting.workers)) if setting.workers > 1 else ())
    with server.client(socket_timeout=60) as client, ExitStack() as stack:
        forget_all_but_the_stream(client)
        client.config_set("slowlog-log-slower-than", 1_000)
        client.config_set("slowlog-max-len", 100_000)
        client.slowlog_reset()
        processes = [stack.enter_context(Measured(server, arguments, **env)) for _ in range(setting.processes)]
        lap, whole = _watch(client, server, contestant, load, processes, setting.processes * setting.workers)
        if whole:
            _finish(client, contestant, load, begins, processes)
    return lap


def _watch(
    client: redis.Redis,
    server: PrivateRedis,
    contestant: Contestant,
    load: Load,
    processes: list[Measured],
    consumers: int,
) -> tuple[Lap, bool]:
    """The lap, and whether all was worked through."""
    done = _processed if contestant.counts else _acknowledged

    def cpu() -> float:
        return sum(cpu_seconds(process.pid) for process in processes if process.alive)

    def wait(enough: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not enough() and time.monotonic() < deadline:
            for process in processes:
                process.check()
            time.sleep(POLL_SECONDS)

    wait(lambda: done(client) > 0 and _consumers(client) >= consumers, 30)
    first, started, cpu_before, redis_before = done(client), time.perf_counter(), cpu(), cpu_seconds(server.pid)
    if not 0 < first < load.entries:
        raise RuntimeError(f"{contestant.name} had done {first} of {load.entries} entries when it was first seen")
    cpu_after = cpu_before

    def all_done() -> bool:
        nonlocal cpu_after
        cpu_after = max(cpu_after, cpu())
        return done(client) >= load.entries

    wait(all_done, contestant.seconds)
    last, ended = done(client), time.perf_counter()
    redis_after = cpu_seconds(server.pid)
    count = last - first
    lap = Lap(
        count / (ended - started),
        (cpu_after - cpu_before) / count * 1e6,
        (redis_after - redis_before) / count * 1e6,
        _longest_script(client),
    )
    return lap, last >= load.entries


def _processed(client: redis.Redis) -> int:
    return int(client.hget(p35_status.key(PREFIX), "processed_total") or 0)


def _longest_script(client: redis.Redis) -> float:
    """Milliseconds, since the log of slow commands was emptied."""
    slow = client.slowlog_get(100_000)
    return max((one["duration"] / 1e3 for one in slow if one["command"].startswith(b"EVAL")), default=0.0)


def _group(client: redis.Redis) -> dict[str, int]:
    return next((row for row in client.xinfo_groups(STREAM) if row["name"] == GROUP.encode()), {})


def _acknowledged(client: redis.Redis) -> int:
    group = _group(client)
    return (group["entries-read"] or 0) - group["pending"] if group else 0


def _consumers(client: redis.Redis) -> int:
    return _group(client).get("consumers", 0)


def _finish(client: redis.Redis, contestant: Contestant, load: Load, begins: int, processes: list[Measured]) -> None:
    """Wait for a good end, and recount."""
    for process in processes:
        if contestant.terminated:
            process.stop()
        else:
            process.wait()
    recount(client, contestant, load, begins)


def recount(client: redis.Redis, contestant: Contestant, load: Load, begins: int) -> None:
    """Compare what lies in Redis with what `load` says.

    :raises NotExact: with the first differences.
    """
    if _group(client)["pending"]:
        raise NotExact(f"{contestant.name} left entries pending")
    if contestant.exact:
        found = {
            key.decode(): {field.decode(): int(count) for field, count in client.hgetall(key).items()}
            for key in client.scan_iter(f"{BUCKETS}*", count=10_000)
        }
        wanted = {BUCKETS + name: counts for name, counts in load.expected(begins).items()}
        wrong = [
            difference
            for key in {*found, *wanted}
            for difference in compare(
                key, key[-12:], found.get(key, {}), Bounds(wanted.get(key, {}), wanted.get(key, {}))
            )
        ]
        if wrong or _processed(client) != load.entries:
            raise NotExact(f"{contestant.name}: {_processed(client)} of {load.entries} counted; {wrong[:3]}")
