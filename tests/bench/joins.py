"""How long the joins take, on a private Redis: `python -m tests.bench.joins`.

    one pass of `flows.allocation` over 10,000 symbols (read, join, write), as the flow itself reports it
    from a plan to its permit, at 100 and at 1,000 plans a second: p50 and p99

The latency of a permit is by the clock of Redis alone, in its milliseconds: from the ID of the plan to the making of
the permit, which is told by when the permit will end. Nobody watches meanwhile, so nothing is disturbed.

Beside the times stands what processor time the flow took, which does not depend on who else uses the machine. (Linux.)
"""

from __future__ import annotations

import itertools
import os
import sys
import time
import urllib.request
from pathlib import Path

import redis

from connectors.private_redis import PrivateRedis, free_port
from sinks import permits
from tests.support.efficiencies import efficiency
from tests.support.flow_process import FlowProcess
from tests.support.waiting import wait_for

SYMBOLS = 10_000
LOOPS = 12
SECONDS = 10.0
STREAM = "quantum:stream:apply.plan"


def main() -> None:
    """Measure and print."""
    with (
        PrivateRedis() as server,
        FlowProcess.factory(server.url) as start,
        server.client(decode_responses=True) as raw,
    ):
        _passes(raw, start)
        for rate in (100, 1_000):
            raw.flushall()
            _permits(raw, start, rate)


def _passes(raw: redis.Redis, start: FlowProcess.Factory) -> None:
    pipeline = raw.pipeline(transaction=False)
    for number in range(SYMBOLS):
        pipeline.hset(f"quantum:allocation:target:S{number:05}", mapping={"target_usd": "1000", "confidence": "0.8"})
        pipeline.hset(f"quantum:capital:efficiency:S{number:05}", mapping=efficiency(f"0.{number:05}"))  # type: ignore[arg-type]
    pipeline.execute()
    port = free_port()
    # Asked for seldom: what serves the metrics of so many symbols takes time from the loops.
    process = start(module="flows.allocation", LOOP_INTERVAL_SEC="1", METRICS_PORT=str(port))
    totals = [wait_for(lambda: (now := _loops(port))[0] and now, "the first loop")]
    used = _cpu(process)
    while len(totals) <= LOOPS:
        totals.append(wait_for(lambda: (now := _loops(port))[0] > totals[-1][0] and now, "a loop", every=1.0))  # type: ignore[arg-type,return-value]
    seconds = [(later[1] - earlier[1]) / (later[0] - earlier[0]) for earlier, later in itertools.pairwise(totals)]
    seconds.sort()
    used = (_cpu(process) - used) / (totals[-1][0] - totals[0][0])
    figures = f"median {_ms(seconds[len(seconds) // 2])}, longest {_ms(seconds[-1])}"
    print(f"pass over {SYMBOLS:,} symbols: {figures}; processor {_ms(used)}")
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


def _permits(raw: redis.Redis, start: FlowProcess.Factory, rate: int) -> None:
    for number in range(100):
        raw.hset(f"quantum:capital:efficiency:S{number}", mapping=efficiency(f"0.{number:02}"))  # type: ignore[arg-type]
    process = start(module="flows.governor")
    wait_for(lambda: raw.exists(STREAM) and raw.xinfo_groups(STREAM), "the group")
    _publish(raw, rate, 1.0, "warm")
    used = _cpu(process)
    ids = _publish(raw, rate, SECONDS, "plan")
    used = (_cpu(process) - used) / SECONDS
    wait_for(lambda: raw.exists(f"quantum:permit:{next(reversed(ids))}"), "the last permit")
    pipeline = raw.pipeline(transaction=False)
    for plan_id in ids:
        pipeline.pexpiretime(f"quantum:permit:{plan_id}")
    ends = pipeline.execute()
    took = sorted(
        end - permits.TTL * 1000 - int(one.split("-")[0]) for end, one in zip(ends, ids.values(), strict=True)
    )
    half, most = took[len(took) // 2], took[len(took) * 99 // 100]
    figures = f"p50 {half} ms, p99 {most} ms, longest {took[-1]} ms"
    print(f"plan to permit at {rate:>5,} plans/s: {figures} ({len(took):,} plans); processor {used:.0%}")
    assert process.stop() == 0, process.log()


def _publish(raw: redis.Redis, rate: int, seconds: float, name: str) -> dict[str, str]:
    """Add plans one by one, evenly; the stream ID of each."""
    ids = {}
    began = time.monotonic()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        plan_id = f"{name}-{rate}-{number}"
        fields = {"plan_id": plan_id, "symbol": f"S{number % 100}", "decision": "EXECUTE", "action": "OPEN"}
        ids[plan_id] = raw.xadd(STREAM, fields)  # type: ignore[arg-type]
    return ids


def _cpu(process: FlowProcess) -> float:
    """Seconds of processor time that the flow has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


if __name__ == "__main__":
    sys.exit(main())
