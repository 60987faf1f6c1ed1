"""Read model: the flow that counts decisions, and how far its numbers can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from connectors.stream_id import milliseconds
from console.queries.fetch import ask_all
from console.queries.groups import Group, read_groups
from console.queries.readable import age, clock, number
from console.queries.status import Status, read_status
from flows.domain.thresholds import Thresholds
from sinks import decisions


@dataclass(frozen=True, slots=True)
class CountingFlow:
    """`flows.p35`, at one moment."""

    now: float
    """That moment, by the clock of Redis, in epoch seconds."""
    status: Status
    group: Group | None
    """None: there is no group, so nothing was ever counted, or it was deleted."""
    thresholds: Thresholds
    """What this, and all that it counted, is judged by."""
    until: float | None = None
    """When the minutes in question were over, epoch seconds; None: they are not."""
    silent: bool = True
    """Whether nothing can have been decided in them where nothing was counted: the stream reaches back that far."""

    @property
    def running(self) -> bool:
        """Whether a consumer of the group holds a lease."""
        return self.group is not None and self.group.alive

    @property
    def minute(self) -> int:
        """The running minute, since the epoch."""
        return int(self.now // 60)

    @property
    def seconds_since_last(self) -> float | None:
        """Since the newest decision that was counted; None before the first."""
        last = self.status.last_ts
        return None if last is None else max(self.now - last, 0.0)

    @property
    def counted_beyond(self) -> bool:
        """Whether a decision that came after the minutes in question has been counted: then these all are."""
        return self.until is not None and self.status.last_ts is not None and self.status.last_ts >= self.until

    @property
    def blind(self) -> str:
        """Why what was counted does not tell what happens in these minutes, printable; empty where it does."""
        if self.counted_beyond:
            return ""
        if self._never_counted:
            return "flows.p35 has counted nothing here yet"
        if not self.running:
            last = self.seconds_since_last
            return "flows.p35 is not running" + ("" if last is None else f"; it counted up to {age(last)} ago")
        return f"flows.p35 is behind: {number(self.waiting)} decisions are not counted yet" if self.behind else ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why numbers that are read now may not be what they seem; a printable sentence each."""
        if self.counted_beyond:
            return ()
        if self._never_counted:
            return (f"{self.blind}: is this its Redis, and KEY_PREFIX right?",)
        if self.running:
            return (self.blind,) if self.blind else ()
        last = self.status.last_ts
        when = (
            "" if last is None else f"; the newest decision it counted is of {clock(last)}, {age(self.now - last)} ago"
        )
        left = f"; {number(self.waiting)} decisions are not counted yet" if self.waiting else ""
        return (f"flows.p35 is not running{when}{left}",)

    @property
    def _never_counted(self) -> bool:
        return self.group is None and not self.status.processed_total

    @property
    def waiting(self) -> int:
        """Decisions that are not counted yet, read or not, as far as Redis knows."""
        return 0 if self.group is None else self.group.waiting

    @property
    def behind(self) -> bool:
        """Whether more wait than is usual."""
        return self.waiting > self.thresholds.max_lag


def read_now(client: redis.Redis) -> float:
    """Epoch seconds, by the clock of Redis. Blocks for one round trip; raises `connectors.errors.RedisFailure`."""
    ((seconds, microseconds),) = ask_all(client, [("TIME",)])
    return int(seconds) + int(microseconds) / 1e6


def read_silence(client: redis.Redis, prefix: str, minutes: range) -> bool:
    """Whether the stream shows that nothing came in `minutes` (since the epoch), all of them over.

    It does not where it begins later, where an entry was deleted since, or where one lies there that was not counted.
    Blocks for a round trip; raises `connectors.errors.RedisFailure`.
    """
    stream = decisions.stream_key(prefix)
    begin, end = minutes.start * 60_000, minutes.stop * 60_000
    within, about = ask_all(
        client, [("XRANGE", stream, f"{begin}-0", f"({end}-0", "COUNT", 1), ("XINFO STREAM", stream)]
    )
    if within or not about or not about["first-entry"]:
        return False
    # (Before Redis 7 nobody knows what was deleted behind the first entry.)
    deleted = about.get("max-deleted-entry-id", b"0-0")
    return max(milliseconds(about["first-entry"][0]), milliseconds(deleted)) < begin


def read_flow(client: redis.Redis, prefix: str, thresholds: Thresholds) -> CountingFlow:
    """Blocks for five round trips; raises `connectors.errors.RedisFailure`."""
    stream = decisions.stream_key(prefix)
    groups = read_groups(client, {stream: decisions.lease_prefix(prefix)})
    ours = next((group for group in groups if group.name == decisions.GROUP), None)
    return CountingFlow(read_now(client), read_status(client, prefix), ours, thresholds)
