"""A function of one entry as a step over batches, and what becomes of an entry that it cannot cope with.

Such an entry is named in the log, with the cause and the line. It then ends the flow, which would read it again at the
next start; or, where there is a stream of dead letters, it goes there in the same atomic step that acknowledges it.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from connectors.delivery import Batch, Entry, Part
from connectors.effects import Append, Effect
from connectors.stream_id import milliseconds
from connectors.text import one_line

_log = structlog.get_logger("per_entry")

DEAD_LETTERS = 10_000
"""About so many are kept, unless told otherwise."""

_EFFECTS = Effect.__args__


class Message(Mapping[str, str]):
    """An entry as a mapping of text: of a name that repeats, the last value; what is no UTF-8 is replaced."""

    value: Any = None
    """What a model makes of the fields, see `connectors.validation`; None without one."""

    def __init__(self, stream: str, entry: Entry) -> None:
        self.stream = stream
        self.id = entry.id
        """As `PutNewest` takes it."""
        self.raw = entry.fields
        """Name, value, name, value ... as Redis sent them."""
        texts = [field.decode("utf-8", "replace") for field in entry.fields]
        self._fields = dict(zip(texts[::2], texts[1::2], strict=True))

    @property
    def time(self) -> float:
        """When it was added, by its ID: epoch seconds."""
        return milliseconds(self.id) / 1000

    def __getitem__(self, name: str) -> str:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Message({self.id.decode()} of {self.stream}: {self._fields})"


Function = Callable[[Message], Iterable[Effect] | Effect]


def each(function: Function, dead_letters: str | None = None, kept: int = DEAD_LETTERS) -> Callable[[Batch], Part]:
    r"""A step that makes one part of each batch: the effects that `function` has for each of its entries, in order.

    :arg function: gives the effects of an entry (it may yield them), or one effect; `()` where there are none.
    :arg dead_letters: the stream for entries for which it raises an exception, or has something else than effects.
        None: the exception passes, and ends the flow. Fields of a dead letter: `stream`, `id`, `error` (one line),
        `failed_at` (epoch seconds), and `fields`, a JSON list of name, value, name, value ..., where a byte xx that is
        no UTF-8 is `\udcxx`.
    :arg kept: about so many dead letters are kept.
    """
    return partial(_part, function, dead_letters, kept)


def _part(function: Function, dead_letters: str | None, kept: int, batch: Batch) -> Part:
    effects: list[Effect] = []
    for entry in batch.entries:
        try:
            effects += _effects_of(function, Message(batch.delivery.stream, entry))
        except Exception as error:
            cause = f"{type(error).__name__}: {one_line(error)}"
            _log.error(
                "an entry cannot be processed",
                stream=batch.delivery.stream,
                entry=entry.id,
                cause=cause,
                at=_line(error),
                dead_letters=dead_letters or "none",
            )
            if dead_letters is None:
                raise
            effects.append(_dead_letter(dead_letters, kept, batch.delivery.stream, entry, cause))
    return Part(batch.delivery, tuple(row[0] for row in batch.rows), tuple(effects))


def _effects_of(function: Function, message: Message) -> tuple[Effect, ...]:
    """All of them, before any counts: a function that yields may fail halfway."""
    made = function(message)
    if isinstance(made, _EFFECTS):
        return (made,)
    if isinstance(made, Iterable):
        effects = tuple(made)
        if all(isinstance(one, _EFFECTS) for one in effects):
            return effects
        made = next(one for one in effects if not isinstance(one, _EFFECTS))
    name = getattr(function, "__qualname__", repr(function))
    raise TypeError(f"{name} gives effects, or () for none, and gave {made!r:.80}")


def _dead_letter(key: str, kept: int, stream: str, entry: Entry, cause: str) -> Append:
    fields = json.dumps([field.decode("utf-8", "surrogateescape") for field in entry.fields])
    head = {"stream": stream, "id": entry.id.decode(), "error": cause, "failed_at": f"{time.time():.3f}"}
    return Append(key, {**head, "fields": fields}, kept)


def _line(error: Exception) -> str:
    """Where it was raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
