"""How much of Redis's memory 48 h of buckets take: `python -m tests.bench.memory` prints the table of docs/redis.md.

The flow itself counts half an hour of entries in which every symbol meets every reason in every minute. What its
buckets take is what Redis's `used_memory_dataset` loses when they are deleted, and is multiplied up to 2,880 minutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import redis

from connectors.private_redis import PROGRAMS, PrivateRedis
from sinks import p35_status
from tests.bench.load import PREFIX, STREAM, Load
from tests.bench.processes import FLOW, Measured
from tests.bench.race import BUCKETS

MINUTES = 48 * 60
"""Those that are kept (BUCKET_TTL_SEC)."""

_SPAN = 30
"""Minutes that are counted and measured."""

CASES = [  # symbols, reasons, entries a second, settings
    (10, 10, 10, {}),
    (100, 9, 30, {}),
    (1_000, 10, 200, {}),
    (1_000, 10, 200, {"MAX_FIELDS_PER_BUCKET": "20000"}),
    (1_000, 10, 200, {"ENABLE_SYMBOL_BREAKDOWN": "false"}),
]


def measure(version: str, symbols: int, reasons: int, rate: int, minutes: int = _SPAN, **env: str) -> dict[str, float]:
    """Bytes in Redis of that version: of a `bucket`, the `names` in it, an `entry`; most `fields` of a bucket.

    Blocks for some seconds.
    """
    load = Load(rate * 60 * minutes, symbols=symbols, reasons=reasons, rate=rate)
    with PrivateRedis(version) as server, server.client(socket_timeout=60) as client:
        empty = _data(client)
        load.fill(server)
        stream = _data(client) - empty
        with Measured(server, FLOW, **env) as flow:
            while int(client.hget(p35_status.key(PREFIX), "processed_total") or 0) < load.entries:
                flow.check()
                time.sleep(0.02)
            flow.stop()
        keys = list(client.scan_iter(f"{BUCKETS}*", count=10_000))
        buckets = [client.hkeys(key) for key in keys]
        client.delete(STREAM)
        full = _data(client)
        client.delete(*keys)
        freed = full - _data(client)
    return {
        "bucket": freed / len(keys),
        "fields": max(map(len, buckets)),
        "names": sum(len(name) for names in buckets for name in names) / len(keys),
        "entry": stream / load.entries,
    }


def _data(client: redis.Redis) -> int:
    """Bytes of all that Redis holds, without the buffers of clients, which come and go."""
    found: int = client.info("memory")["used_memory_dataset"]
    return found


def table() -> Iterator[str]:
    """The rows, in Markdown, each as soon as it is measured."""
    yield "| symbols x reasons | setting | Redis | fields a bucket | bytes a field, its name alone | 48 h |"
    yield "|---|---|---|---:|---:|---:|"
    for symbols, reasons, rate, env in CASES:
        setting = " ".join(f"`{name}={value}`" for name, value in env.items())
        for version in PROGRAMS:
            found = measure(version, symbols, reasons, rate, **env)
            each, names = found["bucket"] / found["fields"], found["names"] / found["fields"]
            size = found["bucket"] * MINUTES / 2**20
            yield (
                f"| {symbols:,} x {reasons} | {setting} | {version} | {found['fields']:,.0f} "
                f"| {each:.0f}, {names:.0f} | {size:,.0f} MiB |"
            )
    entry = {version: measure(version, 10, 10, 10)["entry"] for version in PROGRAMS}
    yield "An entry of eight fields in the stream: " + ", ".join(f"{entry[v]:.0f} bytes ({v})" for v in entry)


if __name__ == "__main__":
    for line in table():
        print(line, flush=True)
