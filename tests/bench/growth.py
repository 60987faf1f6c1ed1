"""What grows with the work: memory and speed over a long backlog, snapshots over many symbols, a day of buckets."""

from __future__ import annotations

import random
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

import redis
from prometheus_client.parser import text_string_to_metric_families

from connectors.effects import Count
from connectors.private_redis import PrivateRedis, free_port
from flows.settings.p35 import P35Settings
from sinks import buckets, p35_status
from sinks.values.counts import Kind
from tests.bench.load import PREFIX, Load
from tests.bench.processes import FLOW, Measured, resident_mib
from tests.bench.race import BUCKETS, P35, recount

SYMBOLS = (10, 100, 1_000, 5_000)
HOUR = 3_600
DAY_MINUTES = 24 * 60


def measure(quick: bool, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Takes some four minutes. The backlog is worked through once, and so is each number of symbols."""
    backlog = _backlog(500_000 if quick else 5_000_000)
    first, last = backlog["rates"][0], backlog["rates"][-1]
    say(f"backlog: {backlog['peak']:.1f} MiB at the most, {first:,.0f} a second at first, {last:,.0f} at last")
    snapshots = []
    for symbols in SYMBOLS[:: 3 if quick else 1]:
        snapshots.append({"symbols": symbols, "seconds": _snapshots(symbols, rounds)})
        say(f"snapshots with {symbols:,} symbols: {median(snapshots[-1]['seconds']) * 1e3:.1f} ms")
    day, plain_day = _day(symbol_breakdown=True), _day(symbol_breakdown=False)
    say(f"a day of buckets: {day['buckets'] / 2**20:.1f} MiB")
    return {"backlog": backlog, "snapshots": snapshots, "day": day, "plain_day": plain_day}


def _backlog(entries: int) -> dict[str, Any]:
    """An hour of event time: entries a second in each tenth of it, and the most memory that the flow had."""
    load = Load(entries, rate=-(-entries // HOUR))
    with PrivateRedis() as server, server.client(socket_timeout=60) as client:
        begins = load.fill(server)
        filled = client.info("memory")["used_memory"]
        with Measured(server, FLOW) as flow:
            reached: list[tuple[int, float]] = []
            while not reached or reached[-1][0] < entries:
                flow.check()
                done = int(client.hget(p35_status.key(PREFIX), "processed_total") or 0)
                if done and (not reached or done >= min(entries, reached[0][0] + len(reached) * entries // 10)):
                    reached.append((done, time.monotonic()))
                time.sleep(0.01)
            peak = resident_mib(flow.pid, peak=True)
            flow.stop()
        recount(client, P35, load, begins)
    rates = [(later[0] - earlier[0]) / (later[1] - earlier[1]) for earlier, later in pairwise(reached)]
    return {"entries": entries, "rates": rates, "peak": peak, "stream_mib": filled / 2**20}


def _snapshots(symbols: int, rounds: int) -> list[float]:
    """Mean seconds of a snapshot of all windows in each of some windows of time, as the flow itself measures them.

    The hour that the buckets show holds 100 decisions a second, equally distributed over all symbols and 20 reasons.
    """
    load = Load(HOUR * 100, symbols=symbols, reasons=20, rate=100)
    port = free_port()
    with PrivateRedis() as server, server.client(socket_timeout=60) as client:
        load.fill(server)
        with Measured(server, FLOW, METRICS_PORT=str(port), SNAPSHOT_INTERVAL_SEC="0.1") as flow:
            while int(client.hget(p35_status.key(PREFIX), "processed_total") or 0) < load.entries:
                flow.check()
                time.sleep(0.02)
            means = []
            for _ in range(rounds):
                count, seconds = _snapshot_metric(port)
                later, later_seconds = count, seconds
                while later < count + 20:
                    time.sleep(0.05)
                    flow.check()
                    later, later_seconds = _snapshot_metric(port)
                means.append((later_seconds - seconds) / (later - count))
            flow.stop()
    return means


def _snapshot_metric(port: int) -> tuple[float, float]:
    """How many snapshots there were, and their seconds in sum."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
        text = reply.read().decode()
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name == "p35_snapshot_seconds"
    }
    return values["p35_snapshot_seconds_count"], values["p35_snapshot_seconds_sum"]


def _day(symbol_breakdown: bool) -> dict[str, Any]:
    """Bytes in Redis for a day of buckets at 100 decisions a second, 20 symbols and 20 reasons; and of summaries."""
    load, chance, settings = Load(1, symbols=20, reasons=20), random.Random(1), P35Settings()
    symbols, outcomes = load.symbol_names(), load.outcomes()
    kinds = [Kind(decision, error or "none", symbol, "") for symbol in symbols for decision, error in outcomes]
    summaries, fields, names = [], 0, 0
    with PrivateRedis() as server, server.client(socket_timeout=60) as client:
        empty = client.info("memory")["used_memory"]
        first_minute = int(time.time()) // 60 - DAY_MINUTES
        for minute in range(first_minute, first_minute + DAY_MINUTES):
            effects = buckets.effects(
                PREFIX,
                minute,
                Counter(chance.choices(kinds, k=6_000)),
                ttl=settings.bucket_ttl_sec,
                max_fields=settings.max_fields_per_bucket,
                symbol_breakdown=symbol_breakdown,
            )
            counts = [one for one in effects if isinstance(one, Count) and one.key.startswith(BUCKETS)]
            made = [field for one in counts for field in one.counts]
            fields, names = max(fields, len(made)), names + sum(map(len, made))
            for one in counts:
                _count(client, one)
                if one.mirror:
                    summaries.append(one.mirror.key)
        client.delete(*summaries[:-120])  # they live for two hours
        with_summaries = client.info("memory")["used_memory"] - empty
        client.delete(*summaries)
        bare = client.info("memory")["used_memory"] - empty
    assert bare <= with_summaries
    return {"buckets": bare, "with_summaries": with_summaries, "fields": fields, "names": names}


def _count(client: redis.Redis, effect: Count) -> None:
    """Carry out `effect` on hashes that are far from full."""
    pipeline = client.pipeline(transaction=False)
    for field, count in effect.counts.items():
        pipeline.hincrby(effect.key, field, count)
        if effect.mirror:
            pipeline.hincrby(effect.mirror.key, field, count)
    pipeline.expire(effect.key, effect.ttl)
    if effect.mirror:
        pipeline.expire(effect.mirror.key, effect.mirror.ttl)
    pipeline.execute()
