"""Tallies: a batch of entries, counted per minute of event time before it goes through the dataflow. Pure.

A combiner: the window step then sees a few values for each read instead of thousands, and every tally still carries the
IDs of the entries that it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.delivery import Batch, Delivery
from connectors.stream_id import milliseconds
from connectors.times import EPOCH
from flows.domain.decisions import event_seconds
from flows.domain.layout import Layout
from flows.domain.windows import minute_of
from sinks.values.counts import Kind


@dataclass(frozen=True, slots=True)
class Tally:
    """The entries of one batch that happened in one minute."""

    delivery: Delivery
    minute: int
    """Minutes since the epoch."""
    ids: tuple[bytes, ...]
    counts: Mapping[Kind, int]
    newest: Mapping[Kind, float]
    """Event time of the newest entry of each kind, in seconds since the epoch."""
    skewed: int
    """How many had an unusable timestamp."""

    @property
    def newest_seconds(self) -> float:
        """Event time of the newest entry, in seconds since the epoch."""
        return max(self.newest.values())

    @property
    def event_time(self) -> datetime:
        """`newest_seconds` as the dataflow's event clock takes it: in microseconds, and within the minute."""
        microseconds = int((self.newest_seconds - self.minute * 60) * 1_000_000)
        return EPOCH + timedelta(minutes=self.minute, microseconds=min(microseconds, 59_999_999))


class _Minute:
    """A tally under construction."""

    __slots__ = ("ids", "kinds", "skewed")

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.kinds: dict[Kind, list[float]] = {}
        self.skewed = 0


def tally(batch: Batch, max_future_skew: float) -> list[Tally]:
    """`batch`, counted per minute; the tallies' IDs are a partition of the batch's, each in stream order.

    :arg max_future_skew: seconds, see `event_seconds`.
    """
    minutes: dict[int, _Minute] = {}
    layouts: dict[tuple[bytes, ...], Layout] = {}
    names: list[bytes] | None = None
    previous, skewed = None, False
    # A batch is in stream order: a time that is not ahead of its first entry, or of the one before, is not ahead of a
    # later one either, whose ID need not be read then.
    oldest = milliseconds(batch.entries[0].id) if batch.entries else 0
    for entry_id, pairs in batch.entries:
        if pairs[::2] != names:
            names = pairs[::2]
            key = tuple(names)
            layout = layouts.get(key) or layouts.setdefault(key, Layout(names))
        kind = layout.kind(pairs)
        timestamp = layout.timestamp(pairs)
        if timestamp != previous or skewed:
            seconds, skewed = event_seconds(timestamp, oldest, max_future_skew)
            if skewed:
                seconds, skewed = event_seconds(timestamp, milliseconds(entry_id), max_future_skew)
            previous = timestamp
            minute = minute_of(seconds)
            acc = minutes.get(minute) or minutes.setdefault(minute, _Minute())
        acc.ids.append(entry_id)
        acc.skewed += skewed
        slot = acc.kinds.get(kind)
        if slot is None:
            acc.kinds[kind] = [1, seconds]
        else:
            slot[0] += 1
            if seconds > slot[1]:
                slot[1] = seconds
    return [
        Tally(
            batch.delivery,
            minute,
            tuple(acc.ids),
            {kind: int(slot[0]) for kind, slot in acc.kinds.items()},
            {kind: slot[1] for kind, slot in acc.kinds.items()},
            acc.skewed,
        )
        for minute, acc in minutes.items()
    ]
