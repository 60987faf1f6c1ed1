"""Layouts: the positions, in the entries of one publisher, of the fields that they are counted by. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from flows.domain.decisions import KIND_FIELDS, kind_of
from sinks.values.counts import Kind


class Layout:
    """Names of fields in an order, as entry after entry of one publisher has them.

    Finds by position what would take a dictionary of each entry to find by name, and works out a kind but once for all
    entries that say the same. Remembers what it has seen: one for each batch, not for good.
    """

    __slots__ = ("_kinds", "_names", "_pick", "_timestamp")

    def __init__(self, names: Sequence[bytes]) -> None:
        last = {name: 2 * index + 1 for index, name in enumerate(names)}
        self._names = [name for name in KIND_FIELDS if name in last]
        positions = [last[name] for name in self._names]
        # (Of one position alone, an itemgetter makes no tuple.)
        self._pick: Callable[[Sequence[bytes]], tuple[bytes, ...]] = (
            itemgetter(*positions) if len(positions) > 1 else lambda pairs: tuple(pairs[one] for one in positions)
        )
        self._timestamp = last.get(b"timestamp")
        self._kinds: dict[tuple[bytes, ...], Kind] = {}

    def kind(self, pairs: Sequence[bytes]) -> Kind:
        """What an entry with the fields `pairs` (name, value, name, value ... in this layout) is counted as."""
        said = self._pick(pairs)
        kind = self._kinds.get(said)
        if kind is None:
            kind = self._kinds[said] = kind_of(dict(zip(self._names, said, strict=True)))
        return kind

    def timestamp(self, pairs: Sequence[bytes]) -> bytes:
        """The raw `timestamp` field; empty when there is none."""
        return pairs[self._timestamp] if self._timestamp else b""
