"""Faults, and what they are measured by: messages published, messages counted, and a difference that must be zero.

`CHAOS_SIZE=full` is the full size, anything else a small one; `CHAOS_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from connectors.private_redis import PrivateRedis
from tests.chaos.table import Row
from tests.support import oracle, recount
from tests.support.flow_process import FlowProcess
from tests.support.waiting import wait_for

FULL = os.environ.get("CHAOS_SIZE") == "full"
MESSAGES = 201_600 if FULL else 8_000
"""A number that the rounds below divide."""

FAULTS = 30 if FULL else 4
KILLS = 30 if FULL else 2
"""Faults where each costs seconds, since another has to notice it and take over."""

ROUNDS = 6 if FULL else 2
"""Faults that are the work of an operator, not of chance."""

SHARE = MESSAGES // FAULTS
LARGE_SHARE = MESSAGES // ROUNDS
"""Messages for each of them."""

SEED = int(os.environ["CHAOS_SEED"])

DEADLINE = 180.0 if FULL else 60.0
"""Seconds until all must be counted once the faults are over."""

FAST = {"LEASE_TTL_SEC": "1", "READ_BATCH": "500", "STATUS_INTERVAL_SEC": "0.5", "SNAPSHOT_INTERVAL_SEC": "1"}
"""Settings under which faults are noticed soon."""

SMALL_READS = {"READ_BATCH": "20"}
"""So that a fault finds the flow at work, not idle after one large read."""


@dataclass
class Chaos:
    """One scenario on one server."""

    server: PrivateRedis
    raw: redis.Redis
    start_flow: FlowProcess.Factory
    row: Row
    rng: random.Random
    published: int = 0
    url: str = ""
    sent: list[oracle.RawEntry] | None = None
    """All that was published, once `remember` was called."""
    _began: float = field(default_factory=time.monotonic)

    def start(self, *arguments: str, **env: str) -> FlowProcess:
        """A flow that notices faults soon; through the proxy, when there is one."""
        return self.start_flow(*arguments, **{**FAST, "REDIS_URL": self.url or self.server.url, **env})

    def publish(self, count: int) -> None:
        """Add `count` random entries, spread over half an hour, a few of them broken."""
        while count > 0:
            chunk = min(count, 2_000)
            self.add(self.entries(chunk))
            count -= chunk

    def entries(self, count: int) -> list[dict[str, str]]:
        """Such entries, without adding them."""
        now = int(time.time())
        return [self._entry(now) for _ in range(count)]

    def add(self, entries: Sequence[Mapping[Any, Any]]) -> None:
        """Add `entries`."""
        pipeline = self.raw.pipeline(transaction=False)
        for entry in entries:
            pipeline.xadd(recount.STREAM, entry)
        ids = pipeline.execute()
        self.published += len(entries)
        if self.sent is not None:
            self.sent += [(entry_id.decode(), dict(entry)) for entry_id, entry in zip(ids, entries, strict=True)]

    def remember(self) -> None:
        """Keep what will be published, as the stream will not: then `verify_totals` looks at each field, too."""
        self.sent = []

    def _entry(self, now: int) -> dict[str, str]:
        rng = self.rng
        entry = {
            "plan_id": f"{rng.getrandbits(64):016x}",
            "symbol": rng.choice(("BTCUSDT", "ETHUSDT", "SOLUSDT", "")),
            "timestamp": str(now - rng.randrange(1_800)) if rng.random() < 0.98 else rng.choice(("", "nan", "-1")),
        }
        if rng.random() < 0.5:
            entry["decision"] = rng.choice(("EXECUTE", "SKIP", "BLOCKED", "ERROR", "maybe"))
            entry["error"] = rng.choice(("", "no_position", "p33_permit_denied:stale", "kill_score_critical"))
        else:
            entry["executed"] = rng.choice(("true", "false"))
            entry["details"] = rng.choice(('{"error": "action_hold"}', '{"error": null}', "{broken"))
        return entry

    def processed(self) -> int:
        """`processed_total` now."""
        return recount.processed(self.raw)

    def wait_for_progress(self, flow: FlowProcess, entries: int = 1, since: int | None = None) -> None:
        """Wait until `entries` more are counted; `flow` must live.

        :arg since: what `processed` gave before they were published: for scenarios that lose entries on purpose. None:
            what it gives now; then all that was published is enough.
        """
        goal = min(self.processed() + entries, self.published) if since is None else since + entries
        wait_for(lambda: self.processed() >= goal or flow.status is not None, "progress", DEADLINE, every=0.001)
        assert flow.status is None, flow.log()

    def fault(self) -> None:
        """Count a fault in the summary."""
        self.row.faults += 1

    def fenced(self) -> int:
        """How many consumers have lost their lease and registered again."""
        return int(self.raw.hget(recount.STATUS, "fenced_total") or 0)

    def pause(self, low: float, high: float) -> None:
        """Let time pass: the moment of the next fault must not depend on anything that the flow does."""
        time.sleep(self.rng.uniform(low, high))

    def wait_until_quiet(self, not_counted: int = 0, what: Callable[[], str] | None = None) -> None:
        """Wait until all that was published is counted but for `not_counted`, and nothing is pending."""
        goal = self.published - not_counted
        try:
            wait_for(lambda: self.processed() >= goal, f"{goal} counted", DEADLINE)
            wait_for(lambda: recount.pending(self.raw) == 0, "nothing pending", DEADLINE)
        except AssertionError as error:
            found = f"{self.processed()} of {goal} counted, pending {recount.pending(self.raw)}"
            raise AssertionError(f"{found}; seed {SEED}; {what() if what else ''}") from error

    def verify(self) -> None:
        """Recount the stream and demand that every bucket is what the oracle says: a difference of zero."""
        entries = list(recount.entries(self.raw))
        self._fill_row(len(entries))
        assert self.row.difference == 0, f"seed {SEED}"
        assert recount.buckets(self.raw) == oracle.expected_buckets(entries), f"seed {SEED}"
        assert self.processed() == len(entries) == recount.decisions(self.raw)

    def verify_totals(self, expected: int) -> None:
        """As `verify`, where some entries are gone from the stream on purpose: the totals must be `expected`.

        Nothing may be counted more often, anywhere, than it was published, if that was remembered.
        """
        self._fill_row(expected)
        assert self.row.difference == 0, f"seed {SEED}"
        assert self.processed() == expected
        if self.sent is not None:
            published = oracle.expected_buckets(self.sent)
            for minute, bucket in recount.buckets(self.raw).items():
                for name, count in bucket.items():
                    most = published.get(minute, {}).get(name, 0)
                    assert count <= most, f"{name} in {minute}: {count} of {most}; seed {SEED}"

    def _fill_row(self, expected: int) -> None:
        row = self.row
        status = {name.decode(): value.decode() for name, value in self.raw.hgetall(recount.STATUS).items()}
        row.messages = self.published
        row.counted = recount.decisions(self.raw)
        row.difference = row.counted - expected
        row.claimed = int(status.get("claimed_total", 0))
        row.fenced = int(status.get("fenced_total", 0))
        row.lost = int(status.get("trimmed_total", 0))
        row.seconds = time.monotonic() - self._began


def newest(chaos: Chaos) -> bytes:
    """The newest ID of the stream."""
    return bytes(chaos.raw.xinfo_stream(recount.STREAM)["last-generated-id"])


def pending_ids(chaos: Chaos) -> list[bytes]:
    """The IDs of all that is pending."""
    rows = chaos.raw.xpending_range(recount.STREAM, recount.GROUP, "-", "+", 100_000)
    return [row["message_id"] for row in rows]
