"""How long `quantum` takes to answer: `python -m tests.bench.console`. An hour of decisions, 500 symbols, 200 reasons.

The hour is written by the very effects that `flows.p35` commits, 6,000 decisions a minute; symbols and reasons as in
life, few often and many seldom. Printed are times of whole processes, from their start to their end, and the least
processor time, which depends less on what else the machine does.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import time

from connectors.private_redis import PrivateRedis
from flows.settings.p35 import P35Settings
from sinks import buckets
from sinks.values.counts import Kind
from tests.support.ledger import Ledger
from tests.support.quantum import COMMAND, environment

ROUNDS = 9
QUERIES = (
    ["why"],
    ["why", "-w", "1h"],
    ["symbols"],
    ["symbols", "-w", "1h"],
    ["symbols", "SYM007USDT", "-w", "1h"],
    ["share", "-w", "1h"],
    ["drift", "-w", "1h"],
    ["health"],
    ["all", "-w", "1h"],
    ["check"],
    ["lag"],
    ["explain", "no_position"],
    ["explain", "p33_permit_denied", "--live"],
    ["report"],
)


def fill(server: PrivateRedis, per_minute: int = 6_000) -> tuple[int, int]:
    """Write the last hour; the fields of a bucket, and of all of them."""
    chance = random.Random(1)
    symbols = [f"SYM{number:03}USDT" for number in range(500)]
    reasons = ["none", *(f"gate_{number % 60:02}:detail {number}" for number in range(199))]
    weights = [1 / (rank + 5) for rank in range(500)]
    reason_weights = [1 / (rank + 1) for rank in range(200)]
    settings = P35Settings(redis_url=server.url)  # type: ignore[arg-type]
    total = 0
    with server.client() as raw:
        running = int(time.time() // 60)
        for minute in range(running - 59, running + 1):
            counts: dict[Kind, int] = {}
            pairs = zip(
                chance.choices(symbols, weights, k=per_minute),
                chance.choices(reasons, reason_weights, k=per_minute),
                strict=True,
            )
            for symbol, reason in pairs:
                decision = chance.choice(("EXECUTE", "SKIP")) if reason == "none" else "BLOCKED"
                kind = Kind(decision, reason, symbol, "")
                counts[kind] = counts.get(kind, 0) + 1
            ledger = Ledger()
            ledger.apply(
                buckets.effects(
                    "quantum",
                    minute,
                    counts,
                    ttl=settings.bucket_ttl_sec,
                    max_fields=settings.max_fields_per_bucket,
                    symbol_breakdown=True,
                )
            )
            for key, fields in ledger.hashes.items():
                raw.hset(key, mapping=fields)  # type: ignore[arg-type]
            total += len(ledger.hashes[buckets.bucket_key("quantum", minute)])
        raw.xgroup_create("quantum:stream:apply.result", "p35_decision_intel", mkstream=True)
        raw.hset("quantum:p35:status", mapping={"processed_total": 60 * per_minute, "last_ts": time.time()})
        return raw.hlen(buckets.bucket_key("quantum", running)), total


def main() -> None:
    """Measure, and print a table."""
    with PrivateRedis() as server:
        one, total = fill(server)
        print(f"{one:,} fields a bucket, {total:,} in all; {ROUNDS} rounds, milliseconds from start to end")
        print(f"{'':<45}{'median':>10}{'least':>10}{'processor':>10}")
        env = {**environment(server.url), "REDIS_USERNAME": "", "REDIS_PASSWORD": ""}
        commands = {"(python with the libraries)": [sys.executable, "-c", "import redis, typer, pydantic_settings"]}
        commands |= {f"quantum {' '.join(query)}": [*COMMAND, *query] for query in QUERIES}
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(ROUNDS):  # (all of them in turn: what else the machine does disturbs all alike)
            for name, command in commands.items():
                began = time.monotonic()
                process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                _, process.returncode, used = os.wait4(process.pid, 0)
                taken[name].append((time.monotonic() - began, used.ru_utime + used.ru_stime))
        for name, times in taken.items():
            walls, processor = zip(*times, strict=True)
            figures = (statistics.median(walls), min(walls), min(processor))
            print(f"{name:<45}" + "".join(f"{figure * 1000:>10.0f}" for figure in figures))


if __name__ == "__main__":
    main()
