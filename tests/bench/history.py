"""What history costs, `python -m tests.bench.history`: passes over two days of buckets; five weeks and 400 days kept.

Every bucket, hour and day is dense: each symbol has each gate and four of the five decisions. Processor time is that of
the process and of Redis; what a pass takes by the clock depends on what else the machine does.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from statistics import median

import redis

from connectors.private_redis import PROGRAMS, PrivateRedis
from sinks import history
from sinks.buckets import bucket_key
from sinks.values.history import DAY, HOUR, RollUp
from tests.support.history_world import Instance

HOURS, DAYS = 35 * 24, 400
PASSES = 7
SYMBOLS, GATES = 100, 20
DECISIONS = ("EXECUTE", "SKIP", "BLOCKED", "ERROR")


def roll_up(start: int, length: int, symbols: int, chance: random.Random, decisions: int = len(DECISIONS)) -> RollUp:
    """A dense one: some decisions a minute for each symbol and gate."""
    names = [f"SYM{number:03}USDT" for number in range(symbols)]
    gates = [f"gate_of_some_name_{number:02}" for number in range(GATES)]
    most = 4 * length
    every = (*DECISIONS, "UNKNOWN")[:decisions]
    return RollUp(
        start,
        length,
        length,
        {name: chance.randrange(1, most * symbols) for name in every},
        {gate: chance.randrange(1, most * symbols) for gate in gates},
        {(symbol, name): chance.randrange(1, most * GATES) for symbol in names for name in every},
        {(symbol, gate): chance.randrange(1, most) for symbol in names for gate in gates},
        (1 << (60 if length == HOUR else 24)) - 1,
        1_769_929_020.123,
    )


def kept(version: str, symbols: int, decisions: int) -> float:
    """Megabytes of Redis for all hours and days that are kept."""
    chance = random.Random(1)
    with PrivateRedis(version) as server, server.client() as raw:
        empty = int(raw.info("memory")["used_memory"])  # type: ignore[index]
        for length, number in ((HOUR, HOURS), (DAY, DAYS)):
            some = [roll_up(0, length, symbols, chance, decisions) for _ in range(8)]
            for at in range(number):
                raw.hset(
                    history.key("quantum", (at + 1) * length, length),
                    mapping=history.encode(some[at % 8]),  # type: ignore[arg-type]
                )
                raw.expire(history.key("quantum", (at + 1) * length, length), 34_560_000)
        return (int(raw.info("memory")["used_memory"]) - empty) / 1e6  # type: ignore[index]


def fill(raw: redis.Redis) -> None:
    """Two days of buckets, up to the running minute."""
    chance = random.Random(1)
    names = [f"SYM{number:03}USDT" for number in range(SYMBOLS)]
    fields = {f"decision:{name}": 100 for name in DECISIONS} | {
        f"reason:gate_{number}:x": 20 for number in range(GATES)
    }
    for symbol in names:
        fields |= {f"symbol_decision:{symbol}:{name}": chance.randrange(1, 9) for name in DECISIONS}
        fields |= {f"symbol_reason:{symbol}:gate_{number}:x": chance.randrange(1, 9) for number in range(GATES)}
    raw.hset("one", mapping=fields)  # type: ignore[arg-type]
    dump = raw.dump("one")
    raw.delete("one")
    minute = int(time.time() // 60)
    for one in range(minute - 2_879, minute + 1):
        raw.restore(bucket_key("quantum", one), 172_800_000, dump)  # type: ignore[arg-type]


def redis_seconds(raw: redis.Redis) -> float:
    """Processor time of Redis."""
    found: dict[str, float] = raw.info("cpu")  # type: ignore[assignment]
    return found["used_cpu_user"] + found["used_cpu_sys"]


def passes(version: str, say: Callable[[str], None]) -> None:
    """Catch up with two days; then passes in which two minutes have changed, as in life."""
    with PrivateRedis(version) as server, server.client() as raw:
        fill(raw)
        for start in range(HOURS - 49):  # (older hours are there, too)
            first = (int(time.time() // 3600) - 50 - start) * 60
            one = roll_up(first, HOUR, 2, random.Random(start))
            raw.hset(history.key("quantum", first, HOUR), mapping=history.encode(one))  # type: ignore[arg-type]
        instance = Instance(server.url)
        found: dict[str, list[tuple[float, float]]] = {"catching up": [], "hours": [], "days": []}

        def turn(name: str, level: str) -> None:
            took, took_redis = time.process_time(), redis_seconds(raw)
            instance.write(instance.look(level), level)
            found[name].append((time.process_time() - took, redis_seconds(raw) - took_redis))

        turn("catching up", "hours")
        turn("catching up", "days")
        for _ in range(PASSES):
            minute = int(time.time() // 60)
            for one in (minute - 1, minute):
                raw.hincrby(bucket_key("quantum", one), "decision:SKIP", 3)
                raw.hincrby(bucket_key("quantum", one), "reason:gate_1:x", 3)
            turn("hours", "hours")
            turn("days", "days")
        for name, some in found.items():
            own, of_redis = median(one for one, _ in some[-PASSES:]), median(one for _, one in some[-PASSES:])
            say(f"{version} {name}: {own * 1_000:.0f} ms of its own, {of_redis * 1_000:.0f} ms of Redis")


if __name__ == "__main__":
    for version in PROGRAMS:
        for symbols in (20, 100):
            for decisions in (4, 5):
                print(
                    f"{version} {symbols} x {GATES}, {decisions} decisions: {kept(version, symbols, decisions):.1f} MB"
                )
        passes(version, print)
