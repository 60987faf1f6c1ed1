"""How long the joins take, on a private Redis: `python -m tests.bench.joins`.

    one pass of `flows.allocation` over 10,000 symbols (read, join, write), as the flow itself reports it
    from a plan to its permit, at 100 and at 1,000 plans a second: p50 and p99

The latency of a permit is from just before its plan is added to when a watcher, which looks all the time, finds the
permit there: adding, watching and the flow share the machine, so it is an upper bound.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
import urllib.request

import redis

from connectors.private_redis import PrivateRedis, free_port
from tests.support.efficiencies import efficiency
from tests.support.flow_process import FlowProcess
from tests.support.waiting import wait_for

SYMBOLS = 10_000
LOOPS = 12
SECONDS = 10.0
STREAM, GROUP, STATUS = "quantum:stream:apply.plan", "p31_governor", "quantum:governor:status"


def main() -> None:
    """Measure and print."""
    with (
        PrivateRedis() as server,
        FlowProcess.factory(server.url) as start,
        server.client(decode_responses=True) as raw,
    ):
        _passes(raw, start)
        raw.flushall()
        for rate in (100, 1_000):
            _permits(server, raw, start, rate)


def _passes(raw: redis.Redis, start: FlowProcess.Factory) -> None:
    pipeline = raw.pipeline(transaction=False)
    for number in range(SYMBOLS):
        pipeline.hset(f"quantum:allocation:target:S{number:05}", mapping={"target_usd": "1000", "confidence": "0.8"})
        pipeline.hset(f"quantum:capital:efficiency:S{number:05}", mapping=efficiency(f"0.{number:05}"))  # type: ignore[arg-type]
    pipeline.execute()
    port = free_port()
    process = start(module="flows.allocation", LOOP_INTERVAL_SEC="1", METRICS_PORT=str(port))
    totals = [(0.0, 0.0)]
    while len(totals) <= LOOPS:
        totals.append(wait_for(lambda: (now := _loops(port))[0] > totals[-1][0] and now, "a loop", every=0.05))  # type: ignore[arg-type,return-value]
    seconds = [(later[1] - earlier[1]) / (later[0] - earlier[0]) for earlier, later in itertools.pairwise(totals)]
    seconds.sort()
    print(f"pass over {SYMBOLS:,} symbols: median {_ms(seconds[len(seconds) // 2])}, longest {_ms(seconds[-1])}")
    assert process.stop() == 0, process.log()


def _loops(port: int) -> tuple[float, float]:
    """How many loops there were, and their seconds together; zeros while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return 0.0, 0.0
    values = dict(line.rsplit(" ", 1) for line in lines if line.startswith("p29_shadow_loop_seconds_"))
    return float(values["p29_shadow_loop_seconds_count"]), float(values["p29_shadow_loop_seconds_sum"])


def _permits(server: PrivateRedis, raw: redis.Redis, start: FlowProcess.Factory, rate: int) -> None:
    for number in range(100):
        raw.hset(f"quantum:capital:efficiency:S{number}", mapping=efficiency(f"0.{number:02}"))  # type: ignore[arg-type]
    process = start(module="flows.governor")
    wait_for(lambda: raw.exists(STREAM) and raw.xinfo_groups(STREAM), "the group")
    _publish(raw, rate, 1.0, "warm")
    added: dict[str, float] = {}
    seen: dict[str, float] = {}
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(server, added, seen, done), daemon=True)
    watcher.start()
    _publish(raw, rate, SECONDS, "plan", added)
    wait_for(lambda: len(seen) == len(added), "all permits")
    done.set()
    watcher.join()
    took = sorted(seen[plan] - at for plan, at in added.items())
    half, most = took[len(took) // 2], took[len(took) * 99 // 100]
    figures = f"p50 {_ms(half)}, p99 {_ms(most)}, longest {_ms(took[-1])}"
    print(f"plan to permit at {rate:>5,} plans/s: {figures} ({len(took):,} plans)")
    assert process.stop() == 0, process.log()


def _publish(raw: redis.Redis, rate: int, seconds: float, name: str, added: dict[str, float] | None = None) -> None:
    """Add plans one by one, evenly."""
    began = time.monotonic()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        plan_id = f"{name}-{rate}-{number}"
        if added is not None:
            added[plan_id] = time.perf_counter()
        fields = {"plan_id": plan_id, "symbol": f"S{number % 100}", "decision": "EXECUTE", "action": "OPEN"}
        raw.xadd(STREAM, fields)  # type: ignore[arg-type]


def _watch(server: PrivateRedis, added: dict[str, float], seen: dict[str, float], done: threading.Event) -> None:
    """Note when each plan that was added has its permit: to a tenth of a millisecond or so."""
    with server.client() as raw:
        while not done.wait(0.0002):
            waiting = [plan for plan in list(added) if plan not in seen]
            if not waiting:
                continue
            pipeline = raw.pipeline(transaction=False)
            for plan in waiting:
                pipeline.exists(f"quantum:permit:{plan}")
            found = pipeline.execute()
            now = time.perf_counter()
            seen.update((plan, now) for plan, there in zip(waiting, found, strict=True) if there)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


if __name__ == "__main__":
    sys.exit(main())
