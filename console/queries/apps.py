"""Read model: your own `App`, by its name alone: whether it runs, and how far behind it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import redis

from connectors import sign
from connectors.group_config import GroupConfig
from connectors.sign import Subscription
from connectors.text import one_line
from console.queries.counting import read_now
from console.queries.fetch import ask_all, count_of, number_of, text, texts
from console.queries.groups import EACH_ITS_OWN, Group, read_groups
from console.queries.readable import age, clock


@dataclass(frozen=True, slots=True)
class AppState:
    """An App, at one moment. Text is as it is in Redis: not printable."""

    name: str
    now: float
    """That moment, by the clock of Redis, epoch seconds."""
    seen_at: float | None
    """Its last sign of life, epoch seconds; None: it never gave one."""
    instance: str | None
    """Of which process, `hostname-pid`."""
    started: float | None
    """When that process started, epoch seconds."""
    version: str | None
    reads: tuple[Subscription, ...]
    """What that process reads; each once."""
    groups: tuple[Group, ...]
    """Its consumer groups, in that order; none where Redis has no such group."""
    dead_letters: Mapping[str, int]
    """Stream of dead letters -> how many entries there are."""
    trimmed_total: int
    """Entries that were deleted from the streams before they were read."""

    @property
    def alive(self) -> bool:
        """Whether an instance has been at work of late."""
        return sign.is_alive(self.seen_at, self.now)

    @property
    def pending(self) -> int:
        """Entries delivered and not committed."""
        return sum(group.pending for group in self.groups)

    @property
    def lag(self) -> int | None:
        """Entries not read; None where Redis does not know."""
        lags = [group.lag for group in self.groups if group.lag is not None]
        return sum(lags) if len(lags) == len(self.groups) else None

    @property
    def dead(self) -> int:
        """Dead letters."""
        return sum(self.dead_letters.values())

    @property
    def unread(self) -> tuple[Subscription, ...]:
        """Where nobody reads: there is no such group, or none of its consumers lives."""
        read = {(group.stream, group.name) for group in self.groups if group.alive}
        return tuple(one for one in self.reads if (one.stream, one.group) not in read)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not as it should be, whatever its limits are; a printable sentence each."""
        if not self.alive:
            return (self.sentence,)
        return tuple(
            f"nobody reads {one_line(one.stream)} as {one_line(one.group)}: it has no consumer that lives"
            for one in self.unread
        )

    @property
    def sentence(self) -> str:
        """Whether it runs, for a person; printable."""
        if self.alive:
            return f"{self.name} is running"
        if self.seen_at is None:
            return f"{self.name} never ran here: is this its name, its Redis, and KEY_PREFIX right?"
        return f"{self.name} is not running, last seen {age(self.now - self.seen_at)} ago ({clock(self.seen_at)})"


def read_app(client: redis.Redis, prefix: str, name: str) -> AppState:
    """Blocks for six round trips; raises `connectors.errors.RedisFailure` where Redis does not answer, or refuses."""
    (reply,) = ask_all(client, [("HGETALL", sign.key(prefix, name))])
    fields = texts(reply)
    reads = tuple(dict.fromkeys(sign.subscriptions(fields.get("reads", ""))))
    dead = list(dict.fromkeys(one.dead_letters for one in reads if one.dead_letters))
    counters = [GroupConfig(one.stream, one.group).counters for one in reads]
    asked = [("XLEN", key) for key in dead] + [("HGET", key, "trimmed_total") for key in counters]
    counts = [count_of(text(value)) for value in ask_all(client, asked)] if asked else []
    return AppState(
        name,
        read_now(client),
        number_of(fields.get("seen_at")),
        fields.get("instance"),
        number_of(fields.get("service_start_ts")),
        fields.get("version"),
        reads,
        groups_of(client, reads),
        dict(zip(dead, counts, strict=False)),
        sum(counts[len(dead) :]),
    )


def groups_of(client: redis.Redis, reads: Sequence[Subscription]) -> tuple[Group, ...]:
    """The groups of `reads`, in that order; those of others on these streams are none."""
    streams = dict.fromkeys((one.stream for one in reads), EACH_ITS_OWN)
    found = {(group.stream, group.name): group for group in read_groups(client, streams)} if streams else {}
    return tuple(found[at] for one in reads if (at := (one.stream, one.group)) in found)
