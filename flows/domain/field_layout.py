"""Layouts: the positions, in the entries of one publisher, of the fields that they are counted by. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

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

    __slots__ = ("_kinds", "_said", "_timestamp")

    def __init__(self, names: Sequence[bytes]) -> None:
        last = {name: place for place, name in enumerate(names)}
        said = [name for name in KIND_FIELDS if name in last]
        self._said = [last[name] for name in said]
        self._timestamp = last.get(b"timestamp")
        self._kinds = _Kinds(said)

    def columns(self, values: Sequence[Sequence[bytes]], count: int) -> tuple[list[Kind], Sequence[bytes]]:
        """What each of `count` entries is counted as, and its raw timestamp (empty when there is none).

        :arg values: of the fields, in this layout: for each the values of all entries.
        """
        said = zip(*(values[place] for place in self._said), strict=True) if self._said else repeat((), count)
        kinds = list(map(self._kinds.__getitem__, said))
        return kinds, [b""] * count if self._timestamp is None else values[self._timestamp]


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
