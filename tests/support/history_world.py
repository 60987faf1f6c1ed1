"""A made-up past in Redis, one pass of `flows.history` over it, and what must come of it, worked out another way."""

from __future__ import annotations

import base64
import calendar
import json
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import redis
from prometheus_client import CollectorRegistry

from connectors.lifecycle import Lifecycle
from connectors.service import Service
from flows import history
from flows.domain.history import settle
from flows.settings.history import HistorySettings
from sinks import proofs
from sinks.history_metrics import HistoryMetrics

Fields = dict[str, int]
BUCKET, HOUR, DAY = "quantum:p35:bucket:", "quantum:p35:hour:", "quantum:p35:day:"


class Instance:
    """An instance of the flow in this process, whose turns are taken by hand."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.settings = HistorySettings(redis_url=url, **settings)
        self.registry = CollectorRegistry()
        service = Service.create(self.settings, "history", lifecycle=Lifecycle())
        self.ends = history.redis_ends(self.settings, service, HistoryMetrics("test", self.registry))
        self.client = service.connect()

    def look(self, level: str = "hours") -> Any:
        """What is to be written for `hours` or `days`."""
        source = getattr(self.ends, level)
        parts_live = self.settings.bucket_ttl_sec if level == "hours" else self.settings.history_hour_ttl_sec
        return settle(source.read(self.client), parts_live=parts_live, is_proof=proofs.is_gate)

    def write(self, done: Any, level: str = "hours") -> None:
        """Write it."""
        sink = getattr(self.ends, f"replace_{level}")
        sink.write(self.client, done)
        sink.written(done)

    def turn(self) -> int:
        """A turn over hours, and one over days; how many were to be written."""
        count = 0
        for level in ("hours", "days"):
            done = self.look(level)
            self.write(done, level)
            count += len(done.replaced)
        return count

    def metric(self, name: str, **labels: str) -> float | None:
        """The value of `p35_history_{name}`."""
        return self.registry.get_sample_value(f"p35_history_{name}", labels)


def minute_name(seconds: float) -> str:
    """`YYYYMMDDHHMM` of the minute that holds an instant."""
    return time.strftime("%Y%m%d%H%M", time.gmtime(seconds))


def hour_begin(client: redis.Redis, hours_ago: int = 0) -> int:
    """When that hour began, by the clock of Redis, epoch seconds."""
    return (int(client.time()[0]) // 3600 - hours_ago) * 3600


def count(client: redis.Redis, seconds: float, decision: str, reason: str, symbol: str = "", n: int = 1) -> None:
    """Count `n` decisions into the bucket of the minute that holds an instant, as the contract says it lies there."""
    key = BUCKET + minute_name(seconds)
    with client.pipeline() as pipeline:
        pipeline.hincrby(key, f"decision:{decision}", n)
        pipeline.hincrby(key, f"reason:{reason}", n)
        if symbol:
            escaped = symbol.replace(":", "%3A")
            pipeline.hincrby(key, f"symbol_decision:{escaped}:{decision}", n)
            pipeline.hincrby(key, f"symbol_reason:{escaped}:{reason}", n)
        pipeline.expire(key, 172_800)
        pipeline.execute()


def names(raw: redis.Redis, start: str) -> list[str]:
    """What follows `start` in the keys that begin with it."""
    return [bytes(key).decode().removeprefix(start) for key in raw.scan_iter(start + "*", 1_000)]


def hash_at(raw: redis.Redis, key: str) -> dict[str, bytes]:
    """A hash; its values are bytes."""
    fields: Any = raw.hgetall(key)
    return {field.decode(): value for field, value in fields.items()}


def expected_hours(raw: redis.Redis) -> dict[str, dict[str, Any]]:
    """What the hours must hold, from the buckets that live: `YYYYMMDDHH` -> fields, the packed one as pairs."""
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {"minutes": 0, "fields": Counter(), "pairs": Counter()})
    for minute in names(raw, BUCKET):
        if minute == "197001010000":
            continue
        hour = found[minute[:10]]
        hour["minutes"] += 1
        for field, value in hash_at(raw, BUCKET + minute).items():
            kind, _, rest = field.partition(":")
            if kind == "reason":
                hour["fields"]["gate:" + (rest.split(":")[0].rstrip() or rest)] += int(value)
            elif kind == "symbol_reason":
                symbol, _, reason = rest.partition(":")
                symbol = symbol.replace("%3A", ":").replace("%25", "%")
                hour["pairs"][symbol, reason.split(":")[0].rstrip() or reason] += int(value)
            else:
                hour["fields"][field] += int(value)
    return dict(found)


def expected_days(hours: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What the days must hold, from such hours."""
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {"minutes": 0, "fields": Counter(), "pairs": Counter()})
    for hour, one in hours.items():
        day = found[hour[:8]]
        day["minutes"] += one["minutes"]
        day["fields"].update(one["fields"])
        day["pairs"].update(one["pairs"])
    return dict(found)


def written(raw: redis.Redis, start: str) -> dict[str, dict[str, Any]]:
    """What is written under keys that begin with `start` (HOUR or DAY), read as the schema says."""
    found = {}
    for name in names(raw, start):
        fields = hash_at(raw, start + name)
        assert time.time() - float(fields.pop("updated_ts")) < 3_600
        pairs, _parts = unpacked(fields.pop("symbol_gates"))
        found[name] = {
            "minutes": int(fields.pop("minutes")),
            "fields": Counter({field: int(value) for field, value in fields.items()}),
            "pairs": pairs,
        }
    return found


def unpacked(packed: bytes) -> tuple[Counter[tuple[str, str]], int]:
    """The field `symbol_gates`, read as the schema says."""
    version, text = packed.decode().split(":")
    assert version == "1"
    body = zlib.decompress(base64.b64decode(text))
    line = body.index(b"\n")
    parts, symbols, gates = json.loads(body[:line])
    numbers, value, weight = [], 0, 1
    for byte in body[line + 1 :]:
        value, weight = value + byte % 128 * weight, weight * 128
        if byte < 128:
            numbers.append(value)
            value, weight = 0, 1
    sizes = numbers[: len(symbols)]
    total = sum(sizes)
    steps, counts = numbers[len(symbols) :][:total], numbers[len(symbols) + total :]
    assert len(steps) == len(counts) == total
    pairs: Counter[tuple[str, str]] = Counter()
    for symbol, size in zip(symbols, sizes, strict=True):
        for last in range(1, size + 1):
            pairs[symbol, gates[sum(steps[:last]) - 1]] = counts[last - 1]
        steps, counts = steps[size:], counts[size:]
    return pairs, parts


def epoch(minute: str) -> int:
    """Epoch seconds of `YYYYMMDDHHMM`."""
    return calendar.timegm(time.strptime(minute, "%Y%m%d%H%M"))


def assert_exact(raw: redis.Redis) -> None:
    """Hours are the sums of their minutes, which all live, and days of their hours: a difference of 0."""
    hours = expected_hours(raw)
    assert written(raw, HOUR) == hours
    assert written(raw, DAY) == expected_days(hours)
