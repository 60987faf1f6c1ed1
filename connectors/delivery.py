"""What travels between a consumer-group source and the commit: values that carry all that the commit needs.

Batches do not survive a dataflow (steps split and merge them), so every value names the entries that it stands for, and
the reads and the lease that they came by. What was read at once is committed at once: the sink puts the parts of a
delivery together again, in whatever order they come. So each entry must reach the sink in exactly one part, and all
parts of a delivery must reach the same worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from connectors.effects import Effect


class Read(NamedTuple):
    """A read: the name in the group that it was made under, and no other, and how many entries it brought."""

    name: str
    entries: int
    newest: bytes = b"0-0"
    """The newest ID that it brought: with the commit, the group has come so far."""


class Delivery(NamedTuple):
    """By whom entries were read: enough to acknowledge them, and to refuse a reader that lost its lease."""

    stream: str
    group: str
    consumer: str
    """Who holds the lease; the names of its reads begin with this one."""
    lease_key: str
    token: str
    """The secret of this lease: a new one each time a consumer registers."""
    counters: str = ""
    """The hash where the generations of the group are counted, and where a commit notes how far the group has come (see
    `GroupConfig`); empty: neither is done."""
    generation: int = 0
    """How often the group had been created when it delivered this. When a group is gone, what it had delivered is
    counted only if it was the last: another may have delivered the same again."""
    place: str = ""
    """Where the Redis is that it was read from, as `RedisSettings.redis_place` says it; not sent."""
    failures: int = 0
    """How often each of these entries has failed before: see `Part.again`."""
    reads: tuple[Read, ...] = ()
    """What is committed together; it is all or nothing for all of them."""

    @property
    def entries(self) -> int:
        """How many entries the parts of this delivery stand for, all together."""
        return sum(read.entries for read in self.reads)

    def by_the_same(self, other: Delivery) -> bool:
        """Whether `other` was read under the same lease, from the same group, and may be committed together."""
        return self[:-1] == other[:-1]


class Entry(NamedTuple):
    """One entry of a stream as Redis sent it."""

    id: bytes
    fields: list[bytes]
    """Name, value, name, value ... in the order of the entry; names may repeat."""


_entry = partial(tuple.__new__, Entry)
"""`Entry._make` for a row, without a call of Python for each."""

RawEntry: TypeAlias = Sequence[Any]
"""An entry as Redis sent it (an `Entry` will do): its ID, and the list of its fields. For steps in a hurry."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of one read, in stream order, all delivered under one lease and not yet acknowledged."""

    delivery: Delivery
    rows: Sequence[RawEntry]
    more: bool = False
    """Whether another batch follows at once, and may be put together with this one. If so, it does follow (without
    entries, if need be), unless what was read under this lease is void. Only from a source that announces it."""

    @property
    def entries(self) -> list[Entry]:
        """The rows by name, made again at each call."""
        return list(map(_entry, self.rows))


_EFFECTS = frozenset(Effect.__args__)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of work that is to be committed whole: acknowledge `ids`, carry out `effects`, or do neither.

    :raises ValueError: `ids` or `effects` are not what is said here.
    """

    delivery: Delivery
    ids: tuple[bytes, ...]
    """At least one. No ID is in two parts."""
    effects: tuple[Effect, ...]
    note: object = None
    """A frozen value of the flow's own for whoever hears of its commits (metrics); it does not reach Redis."""
    again: tuple[bytes, ...] = ()
    """Those of `ids` that have failed: they are not acknowledged, and come again after a while, in a batch that says in
    its delivery how often they have; until then they stay pending, whatever dies. None of `effects` is theirs."""

    def __post_init__(self) -> None:
        if type(self.ids) is not tuple or not self.ids or not isinstance(self.ids[0], bytes):
            raise ValueError(
                f"a part names the entries that it stands for: a tuple of IDs (bytes), not {self.ids!r:.100}"
            )
        if type(self.effects) is not tuple or not _EFFECTS.issuperset(map(type, self.effects)):
            raise ValueError(f"effects of a part are a tuple of effects, not {self.effects!r:.200}")
        if self.again and (type(self.again) is not tuple or not set(self.ids).issuperset(self.again)):
            raise ValueError(f"what is to come again is a tuple of some of the IDs of a part, not {self.again!r:.100}")
