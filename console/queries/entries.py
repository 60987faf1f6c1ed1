"""Read model: decisions as they were published, for as long as the stream keeps them.

Read beside the consumer group, which is not disturbed. Text comes as it is in Redis, and must be made printable before
a terminal or a page gets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis

from connectors import stream_id
from connectors.errors import translating
from console.queries.fetch import text, texts
from console.queries.json import head
from flows.domain.decisions import clean, event_seconds, gate_of, kind_of
from sinks.decisions import stream_key
from sinks.values.counts import Kind

PAGE = 1_000
"""Entries that are read at once."""

MOST_LOOKED_AT = 20_000
"""Entries that one question about a minute looks at."""

LATEST_SEC = 300
"""An entry that was published so much later than it happened is not looked for, seconds."""

Raw = tuple[bytes, dict[bytes, bytes]]
"""An entry, as Redis sends it."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for; empty: everything."""

    symbols: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    """Reasons, or gates."""
    decisions: frozenset[str] = frozenset()

    def lets_through(self, kind: Kind) -> bool:
        """Whether an entry of this kind is."""
        return (
            (not self.symbols or kind.symbol in self.symbols)
            and (not self.reasons or kind.reason in self.reasons or gate_of(kind.reason) in self.reasons)
            and (not self.decisions or kind.decision in self.decisions)
        )


@dataclass(frozen=True, slots=True)
class Published:
    """A decision."""

    entry_id: bytes
    seconds: float
    """When it was made, epoch seconds."""
    kind: Kind
    fields: dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class MinuteEntries:
    """The decisions of a minute."""

    minute: int
    """Since the epoch."""
    entries: tuple[Published, ...]
    """In the order in which they were published."""
    looked_at: int
    """Entries that were read for it."""
    complete: bool
    """Whether there are no more: neither the limit nor MOST_LOOKED_AT was reached."""
    trimmed: bool
    """Whether the stream begins later than the minute: older entries are gone."""


def published(entry: Raw, skew: float) -> Published:
    """What an entry says. Pure.

    :arg skew: seconds that the time of a decision may be ahead of its entry's ID.
    """
    entry_id, fields = entry
    seconds, _skewed = event_seconds(fields.get(b"timestamp", b""), stream_id.milliseconds(entry_id), skew)
    return Published(entry_id, seconds, kind_of(fields), fields)


def read_between(client: redis.Redis, key: str, begin: float, end: float) -> Iterator[list[Raw]]:
    """Pages of the entries that were published from `begin` to before `end` (epoch seconds), oldest first.

    Blocks for a round trip a page, as it is iterated; raises `connectors.errors.RedisFailure`.
    """
    first, last = f"{max(int(begin * 1_000), 0)}", f"{max(int(end * 1_000) - 1, 0)}"
    while True:
        with translating():
            page: Any = client.xrange(key, first, last, count=PAGE)
        if page:
            yield page
        if len(page) < PAGE:
            return
        first = f"({text(page[-1][0])}"


def read_newest(client: redis.Redis, key: str, count: int) -> list[Raw]:
    """The last `count` entries, oldest first. Blocks for a round trip; raises `connectors.errors.RedisFailure`."""
    if not count:
        return []
    with translating():
        return list(reversed(client.xrevrange(key, count=count)))  # type: ignore[arg-type]


def read_later(client: redis.Redis, key: str, after: bytes | str, wait_ms: int) -> list[Raw]:
    """Up to PAGE entries behind the ID `after`, oldest first; none where none comes within `wait_ms` milliseconds.

    Blocks for as long; raises `connectors.errors.RedisFailure`.
    """
    with translating():
        reply: Any = client.xread({key: after}, count=PAGE, block=wait_ms)
    return [entry for _key, entries in reply for entry in entries]


def ask_entries(
    client: redis.Redis, prefix: str, minute: int, wanted: Filter, limit: int, skew: float
) -> MinuteEntries:
    """The decisions that were made in `minute` (since the epoch), up to `limit` of those that are wanted.

    Blocks for a round trip for every PAGE entries, MOST_LOOKED_AT at the most; raises `connectors.errors.RedisFailure`.

    :arg skew: seconds that the time of a decision may be ahead of its entry's ID.
    """
    key, begin = stream_key(prefix), minute * 60
    with translating():
        oldest: Any = client.xrange(key, count=1)
    found: list[Published] = []
    looked_at = 0
    for page in read_between(client, key, begin - skew, begin + 60 + LATEST_SEC):
        for entry in page:
            if len(found) == limit or looked_at == MOST_LOOKED_AT:
                return MinuteEntries(minute, tuple(found), looked_at, False, _begins_after(oldest, begin))
            looked_at += 1
            one = published(entry, skew)
            if begin <= one.seconds < begin + 60 and wanted.lets_through(one.kind):
                found.append(one)
    return MinuteEntries(minute, tuple(found), looked_at, True, _begins_after(oldest, begin))


def _begins_after(oldest: list[Raw], seconds: float) -> bool:
    return bool(oldest) and stream_id.milliseconds(oldest[0][0]) > seconds * 1_000


def as_object(one: Published) -> dict[str, Any]:
    """A decision, as documented in docs/console.md."""
    return {
        "id": text(one.entry_id),
        "time": one.seconds,
        "decision": one.kind.decision,
        "symbol": one.kind.symbol,
        "reason": one.kind.reason,
        "gate": gate_of(one.kind.reason),
        "plan_id": clean(one.fields.get(b"plan_id", b"")),
        "unknown_decision": one.kind.unknown,
    }


def as_json(answer: MinuteEntries) -> dict[str, Any]:
    """One object, documented in docs/console.md."""
    return {
        **head("entries"),
        "from": answer.minute * 60,
        "to": answer.minute * 60 + 60,
        "looked_at": answer.looked_at,
        "complete": answer.complete,
        "trimmed": answer.trimmed,
        "entries": [as_object(one) | {"fields": texts(one.fields)} for one in answer.entries],
    }
