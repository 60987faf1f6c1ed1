"""A function of one entry as a step over batches, and what becomes of an entry that it cannot cope with.

Such an entry is named in the log, with the cause and the line. It may be tried again, alone, after a while: until then
it stays pending, and what was read with it is committed. In the end it stops the flow, which would read it again at the
next start; or, where there is a stream of dead letters, it goes there in the same atomic step that acknowledges it.
"""

from __future__ import annotations

import inspect
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from connectors.dead_letters import letter
from connectors.delivery import Batch, Entry, Part
from connectors.effects import Effect
from connectors.stream_id import milliseconds
from connectors.text import one_line

_log = structlog.get_logger("per_entry")

DEAD_LETTERS = 10_000
"""About so many are kept, unless told otherwise."""

MOST_RETRIES = 1_000

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


def each(
    function: Function, dead_letters: str | None = None, kept: int = DEAD_LETTERS, retries: int = 0
) -> Callable[[Batch], Part]:
    """A step that makes one part of each batch: the effects that `function` has for each of its entries, in order.

    :arg function: gives the effects of an entry (it may yield them), or one effect; `()` where there are none.
    :arg dead_letters: the stream for entries for which it raises an exception, or has something else than effects.
        None: the exception passes, and ends the flow. For the fields see `connectors.dead_letters`.
    :arg kept: about so many dead letters are kept.
    :arg retries: how often an entry that failed is tried again before that, 0.1 s after the first failure at the
        earliest, then 0.2 s, 0.4 s ... 60 s after the one before (see `connectors.retries`). How often it has failed is
        kept in Redis, and outlives the process. The entries behind it do not wait, so their effects come before its.
    :raises ValueError: no such number of retries.
    """
    if type(retries) is not int or not 0 <= retries < MOST_RETRIES:
        raise ValueError(f"retries is a number from 0 to {MOST_RETRIES - 1}, not {retries!r}")
    return partial(_part, function, dead_letters, kept, retries)


def _part(function: Function, dead_letters: str | None, kept: int, retries: int, batch: Batch) -> Part:
    effects: list[Effect] = []
    again: list[bytes] = []
    delivery, failures = batch.delivery, batch.delivery.failures + 1
    for entry in batch.entries:
        try:
            effects += _effects_of(function, Message(delivery.stream, entry))
        except Exception as error:
            cause = f"{type(error).__name__}: {one_line(error)}"
            found = {"stream": delivery.stream, "entry": entry.id, "cause": cause, "at": _line(error, function)}
            if failures <= retries:
                _log.warning("an entry failed; it is tried again", **found, failures=failures, retries=retries)
                again.append(entry.id)
                continue
            _log.error("an entry failed for good", **found, dead_letters=dead_letters or "none")
            if dead_letters is None:
                raise
            effects.append(letter(dead_letters, kept, delivery, entry, cause, time.time()))
    return Part(delivery, tuple(row[0] for row in batch.rows), tuple(effects), again=tuple(again))


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


def _line(error: Exception, function: Function) -> str:
    """Where it was raised; or where `function` is, where that is here, of something that is no effect."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    code = getattr(inspect.unwrap(function), "__code__", None)
    if frame.filename == __file__ and code is not None:
        return f"{Path(code.co_filename).name}:{code.co_firstlineno} {code.co_name}"
    return f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
