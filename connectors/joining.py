"""Joins each entry with a row of a table: a Redis hash, whose key is made from one of the entry's fields.

A lookup has three outcomes, which a function cannot mistake for one another:

    the row is there        a mapping of text
    there is none           an empty mapping, `row.missing`
    it cannot be read       any use of it as a mapping raises UnreadableRow; `row.unreadable` says why

So a function that ignores this fails for the entry (see `per_entry`), rather than work on an empty row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from connectors.delivery import Batch, Part
from connectors.effects import Effect
from connectors.errors import ConnectorError
from connectors.lookup import Joined
from connectors.lookup_result import Failed, Found, LookupResult
from connectors.per_entry import DEAD_LETTERS, Message, each


class UnreadableRow(ConnectorError):
    """The row cannot be read. `str()` is one printable line that says why."""


class Row(Mapping[str, str]):
    """A row as a mapping of text; bytes that are not UTF-8 are replaced. See above for one missing or unreadable."""

    def __init__(self, key: str, outcome: LookupResult) -> None:
        self.key = key
        self.unreadable = outcome.cause if isinstance(outcome, Failed) else ""
        """Why it cannot be read, one printable line; empty where it can."""
        found = outcome.fields.items() if isinstance(outcome, Found) else ()
        self._known = {field.decode("utf-8", "replace"): value.decode("utf-8", "replace") for field, value in found}

    @property
    def missing(self) -> bool:
        """Whether there is no row under this key; False where it cannot be read."""
        return not self.unreadable and not self._known

    @property
    def _fields(self) -> dict[str, str]:
        if self.unreadable:
            raise UnreadableRow(f"row {self.key!r:.80}: {self.unreadable}")
        return self._known

    def __getitem__(self, name: str) -> str:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Row({self.key!r}: {self.unreadable or self._known or 'missing'})"


@dataclass(frozen=True, slots=True)
class JoinTable:
    """The hashes under the keys `NAME:VALUE`, where VALUE is the value of an entry's field `key`.

    :raises ValueError: `name` or `key` is empty, or no text.
    """

    name: str
    key: str

    def __post_init__(self) -> None:
        for value in (self.name, self.key):
            if not isinstance(value, str) or not value:
                raise ValueError(f"a table has a name and a key, a field of the entries; neither is {value!r}")

    def keys(self, batch: Batch) -> list[str]:
        """Keys of the rows to look up for `batch`; entries without the field have none."""
        return [key for _id, fields in batch.rows if (key := self._key(fields)) is not None]

    def row(self, message: Message, found: Mapping[str, LookupResult]) -> Row:
        """The row that `message` is joined with.

        :raises ValueError: it has no such field.
        """
        key = self._key(message.raw)
        if key is None:
            raise ValueError(f"no field {self.key!r}, by which table {self.name!r} is joined")
        return Row(key, found[key])

    def _key(self, fields: list[bytes]) -> str | None:
        """The row's key in Redis; bytes that are not UTF-8 are kept (surrogateescape). None: the field is missing."""
        value = dict(zip(fields[::2], fields[1::2], strict=True)).get(self.key.encode())
        return None if value is None else f"{self.name}:{value.decode('utf-8', 'surrogateescape')}"


def each_joined(
    function: Callable[[Message, Row], Iterable[Effect] | Effect],
    table: JoinTable,
    dead_letters: str | None = None,
    kept: int = DEAD_LETTERS,
    retries: int = 0,
) -> Callable[[Joined[Batch]], Part]:
    """As `each`, for batches that were joined by `lookup_join(..., table.keys, ...)`: `function` also gets the row.

    A retry of an entry looks its row up anew.
    """

    def step(joined: Joined[Batch]) -> Part:
        @wraps(function)
        def with_row(message: Message) -> Any:
            return function(message, table.row(message, joined.found))

        return each(with_row, dead_letters, kept, retries)(joined.item)

    return step
