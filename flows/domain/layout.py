"""Layouts: the positions, in the entries of one publisher, of the fields that they are counted by. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from flows.domain.decisions import KIND_FIELDS, kind_of
from sinks.values.counts import Kind

MOST_KINDS = 16_384
_MOST_BYTES = 512
"""What a layout remembers at the most: so many kinds, and none of entries that say more than so much."""


class Layout:
    """Names of fields in an order, as entry after entry of one publisher has them.

    Finds by position what would take a dictionary of each entry to find by name, and works out a kind but once for
    entries that say the same.
    """

    __slots__ = ("_kinds", "_pick", "_timestamp")

    def __init__(self, names: Sequence[bytes]) -> None:
        last = {name: 2 * index + 1 for index, name in enumerate(names)}
        said = [name for name in KIND_FIELDS if name in last]
        positions = [last[name] for name in said]
        # (Of one position alone, an itemgetter makes no tuple.)
        self._pick: Callable[[Sequence[bytes]], tuple[bytes, ...]] = (
            itemgetter(*positions) if len(positions) > 1 else lambda pairs: tuple(pairs[one] for one in positions)
        )
        self._timestamp = last.get(b"timestamp")
        self._kinds = _Kinds(said)

    def columns(self, entries: Sequence[Sequence[bytes]]) -> tuple[list[Kind], list[bytes]]:
        """What each of `entries` is counted as, and its raw timestamp (empty when there is none).

        :arg entries: name, value, name, value ... in this layout.
        """
        kinds = list(map(self._kinds.__getitem__, map(self._pick, entries)))
        if self._timestamp is None:
            return kinds, [b""] * len(kinds)
        return kinds, list(map(itemgetter(self._timestamp), entries))


class _Kinds(dict[tuple[bytes, ...], Kind]):
    """Values of the fields that a kind depends on -> the kind; worked out where it is not remembered."""

    def __init__(self, names: Sequence[bytes]) -> None:
        self._names = names

    def __missing__(self, said: tuple[bytes, ...]) -> Kind:
        kind = kind_of(dict(zip(self._names, said, strict=True)))
        if len(self) >= MOST_KINDS:
            self.clear()
        if sum(map(len, said)) <= _MOST_BYTES:
            self[said] = kind
        return kind
