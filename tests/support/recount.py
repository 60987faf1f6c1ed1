"""What lies in Redis after a flow has worked, next to what the oracle says should lie there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from tests.support import oracle
from tests.support.waiting import wait_for

STREAM, GROUP = "quantum:stream:apply.result", "p35_decision_intel"
STATUS = "quantum:p35:status"
BUCKET = "quantum:p35:bucket:"
SAMPLES = Path(__file__).with_name("apply_result.jsonl")


def samples() -> list[dict[str, str]]:
    """Realistic entries of both publishers, over six minutes."""
    return [json.loads(line) for line in SAMPLES.read_text("utf-8").splitlines()]


def entries(raw: redis.Redis) -> Iterator[oracle.RawEntry]:
    """All entries of the stream, as the oracle takes them; `raw` gives bytes."""
    client: Any = raw  # (redis-py types a reply as everything that it could ever be)
    start: Any = "-"
    while page := client.xrange(STREAM, start, "+", count=5_000):
        for entry_id, fields in page:
            yield entry_id.decode(), fields
        start = b"(" + page[-1][0]


def buckets(raw: redis.Redis) -> dict[str, dict[str, int]]:
    """All buckets, by the name of their minute."""
    client: Any = raw
    found = {}
    for key in client.scan_iter(BUCKET + "*", count=1_000):
        fields = client.hgetall(key)
        name = key.decode().removeprefix(BUCKET)
        found[name] = {field.decode(): int(count) for field, count in fields.items()}
    return found


def processed(raw: redis.Redis) -> int:
    """`processed_total`; 0 while there is none."""
    return int(raw.hget(STATUS, "processed_total") or 0)


def pending(raw: redis.Redis) -> int:
    """Entries delivered and not acknowledged."""
    return int(raw.xpending(STREAM, GROUP)["pending"])


def delivered(raw: redis.Redis) -> bytes:
    """The newest ID that was delivered to the group."""
    client: Any = raw
    return next(bytes(row["last-delivered-id"]) for row in client.xinfo_groups(STREAM) if row["name"] == GROUP.encode())


def consumers(raw: redis.Redis, stream: str = STREAM, group: str = GROUP) -> dict[str, int]:
    """What is pending for each consumer of the group: the names of its reads are its own and a colon with more."""
    client: Any = raw
    found: dict[str, int] = {}
    for row in client.xinfo_consumers(stream, group):
        name = row["name"] if isinstance(row["name"], str) else row["name"].decode()
        name = name.partition(":")[0]
        found[name] = found.get(name, 0) + row["pending"]
    return found


def decisions(raw: redis.Redis) -> int:
    """The sum over `decision:*` of all buckets."""
    return sum(
        count for bucket in buckets(raw).values() for field, count in bucket.items() if field.startswith("decision:")
    )


def snapshots(raw: redis.Redis) -> dict[str, dict[str, int]]:
    """All rolling snapshots, by the names that the oracle uses."""
    client: Any = raw
    found: dict[str, dict[str, int]] = {}
    for kind in ("decision:counts", "reason:top", "gate:top", "unknown_decision:top"):
        for key in client.keys(f"quantum:p35:{kind}:*"):
            name = key.decode().removeprefix("quantum:p35:")
            if kind == "decision:counts":
                found[name] = {field.decode(): int(count) for field, count in client.hgetall(key).items()}
            else:
                found[name] = {
                    field.decode(): int(count) for field, count in client.zrange(key, 0, -1, withscores=True)
                }
    return found


def wait_until_counted(raw: redis.Redis, total: int, seconds: float = 120.0) -> None:
    """Wait until `total` entries are counted, and none is pending."""
    wait_for(lambda: processed(raw) >= total, f"{total} counted", seconds)
    wait_for(lambda: pending(raw) == 0, "nothing pending", seconds)


def assert_exact(raw: redis.Redis, total: int) -> None:
    """Every entry of the stream (`total` of them) is counted exactly once, in the right fields of the right bucket."""
    assert processed(raw) == total
    assert pending(raw) == 0
    assert decisions(raw) == total
    assert buckets(raw) == oracle.expected_buckets(entries(raw))
