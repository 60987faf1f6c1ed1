"""A function of an entry and the row of a table that it belongs to: a Redis hash, named by one of the entry's fields.

The three outcomes of a look cannot be taken for one another:

    the row is there        a mapping of text
    there is none           an empty mapping, `row.missing`
    it cannot be read       any use of it as a mapping raises UnreadableRow; `row.unreadable` says why

So a function that minds none of this fails for the entry (see `per_entry`) where it would have worked on nothing.
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
    """There is no telling what the row holds. `str()` is one printable line that says why."""


class Row(Mapping[str, str]):
    """A row as a mapping of text; what is no UTF-8 is replaced. See above for one that is missing or unreadable."""

    def __init__(self, key: str, outcome: LookupResult) -> None:
        self.key = key
        self.unreadable = outcome.cause if isinstance(outcome, Failed) else ""
        """Why it cannot be read, one printable line; empty where it can."""
        found = outcome.fields.items() if isinstance(outcome, Found) else ()
        self._known = {field.decode("utf-8", "replace"): value.decode("utf-8", "replace") for field, value in found}

    @property
    def missing(self) -> bool:
        """Whether there is none under this key, as far as it can be read."""
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
    """The hashes under the keys `NAME:VALUE`, where VALUE is that of the field `key` of an entry.

    :raises ValueError: `name` or `key` is none.
    """

    name: str
    key: str

    def __post_init__(self) -> None:
        for value in (self.name, self.key):
            if not isinstance(value, str) or not value:
                raise ValueError(f"a table has a name and a key, a field of the entries; neither is {value!r}")

    def keys(self, batch: Batch) -> list[str]:
        """Of the rows that the entries of `batch` are joined with; those without the field have none."""
        return [key for _id, fields in batch.rows if (key := self._key(fields)) is not None]

    def row(self, message: Message, found: Mapping[str, LookupResult]) -> Row:
        """That of `message`.

        :raises ValueError: it has no such field.
        """
        key = self._key(message.raw)
        if key is None:
            raise ValueError(f"no field {self.key!r}, by which table {self.name!r} is joined")
        return Row(key, found[key])

    def _key(self, fields: list[bytes]) -> str | None:
        """As a key of Redis, in bytes that may be no text (surrogateescape)."""
        value = dict(zip(fields[::2], fields[1::2], strict=True)).get(self.key.encode())
        return None if value is None else f"{self.name}:{value.decode('utf-8', 'surrogateescape')}"


def each_joined(
    function: Callable[[Message, Row], Iterable[Effect] | Effect],
    table: JoinTable,
    dead_letters: str | None = None,
    kept: int = DEAD_LETTERS,
    retries: int = 0,
) -> Callable[[Joined[Batch]], Part]:
    """As `each`, for batches that were joined by `lookup_join(..., table.keys, ...)`: `function` gets each row, too.

    An entry that is tried again meets its row as it is then.
    """

    def step(joined: Joined[Batch]) -> Part:
        @wraps(function)
        def with_row(message: Message) -> Any:
            return function(message, table.row(message, joined.found))

        return each(with_row, dead_letters, kept, retries)(joined.item)

    return step
