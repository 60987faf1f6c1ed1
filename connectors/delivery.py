"""What travels between a consumer-group source and the commit: values that carry all that the commit needs.

Batches do not survive a dataflow (steps split, merge and filter them), so every value names the entries that it stands
for and the lease under which they were read. Any grouping of parts can be committed, on any worker, in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from connectors.effects import Effect


class Delivery(NamedTuple):
    """By whom entries were read: enough to acknowledge them, and to refuse a reader that lost its lease."""

    stream: str
    group: str
    consumer: str
    lease_key: str
    token: str
    """The secret of this lease: a new one each time a consumer registers."""
    counters: str = ""
    """The hash where the generations of the group are counted; empty: nobody counts them."""
    generation: int = 0
    """How often the group had been created when it delivered this. When a group is gone, what it had delivered is
    counted only if it was the last: another may have delivered the same again."""


class Entry(NamedTuple):
    """One entry of a stream as Redis sent it."""

    id: bytes
    fields: list[bytes]
    """Name, value, name, value ... in the order of the entry; names may repeat."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of one read, in stream order, all delivered under one lease and not yet acknowledged."""

    delivery: Delivery
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of work that is to be committed whole: acknowledge `ids`, carry out `effects`, or do neither."""

    delivery: Delivery
    ids: tuple[bytes, ...]
    """In stream order, at least one. No ID is in two parts."""
    effects: tuple[Effect, ...]
    note: object = None
    """A frozen value of the flow's own for whoever hears of its commits (metrics); it does not reach Redis."""
