"""Windows of event time as values, and the counts in them as an effect. Pure.

A window is half open: it holds its start and not its end. Starts are whole multiples of `every` since the epoch, so
windows of one shape lie alike in every process. Only sessions begin with an entry, and end with a pause. How long a
window is open, and what becomes of it then, is in `connectors.closing`; how it lies in Redis, at `Windows`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.effect_checks import BYTES_TOO, check_key, check_limit, check_sendable, is_integer, name_of

if TYPE_CHECKING:
    from connectors.per_entry import Message

MOST_WINDOWS = 100
"""That hold one instant: each is a key more that an entry's commit writes."""

_MOST_SECONDS = 10**11
"""Past the year 5000; what is more is in milliseconds, by mistake."""


@dataclass(frozen=True, slots=True)
class Hopping:
    """Windows of `length` seconds, one every `every` seconds.

    :raises ValueError: they would leave gaps, or are too many.
    """

    length: int
    every: int

    def __post_init__(self) -> None:
        for name, value in (("length", self.length), ("every", self.every)):
            if not is_integer(value, _MOST_SECONDS) or value < 1:
                raise ValueError(f"{name} of windows is whole seconds, 1 or more, not {value!r:.40}")
        if self.every > self.length:
            raise ValueError(
                f"windows of {self.length} s cannot be {self.every} s apart: what lies between would be in none"
            )
        if -(-self.length // self.every) > MOST_WINDOWS:
            raise ValueError(
                f"windows of {self.length} s every {self.every} s: each instant would be in more than {MOST_WINDOWS}"
            )

    def starts(self, instant: float) -> tuple[int, ...]:
        """Of the windows that hold `instant` (epoch seconds), ascending; at least one."""
        second = math.floor(instant)
        first = -((self.length - 1 - second) // self.every) * self.every
        return tuple(range(first, second + 1, self.every))


@dataclass(frozen=True, slots=True)
class Session:
    """Windows that hold entries less than `gap` seconds apart: they end so long after their last one.

    :raises ValueError: no such gap.
    """

    gap: int

    def __post_init__(self) -> None:
        if not is_integer(self.gap, _MOST_SECONDS) or self.gap < 1:
            raise ValueError(f"gap of sessions is whole seconds, 1 or more, not {self.gap!r:.40}")


def hopping(length: int, *, every: int) -> Hopping:
    """Windows of `length` seconds that begin every `every` seconds: an instant is in `length / every` of them."""
    return Hopping(length, every)


def tumbling(length: int) -> Hopping:
    """Windows of `length` seconds, one after another: an instant is in one of them."""
    return Hopping(length, length)


def session(gap: int) -> Session:
    """Windows of each user (or whatever is counted `of`), which last until nothing comes for `gap` seconds."""
    return Session(gap)


@dataclass(frozen=True, slots=True)
class CountWindows:
    """Add to integer fields of one hash for each window, `KEY:START`, if it is not closed; else count what is late.

    Event time moves on to `at`: in the hash `key` the field `newest` is raised to it.
    """

    key: str
    """HASH: what is known of these windows, see `Windows`."""
    at: float
    """Event time, in epoch seconds."""
    length: int
    """Of each window, in seconds."""
    starts: tuple[int, ...]
    """Of the windows that are counted in."""
    counts: Mapping[str, int]

    def __post_init__(self) -> None:
        _check_counts(self)
        _check_seconds(self, "length", self.length)
        starts = self.starts
        if not isinstance(starts, tuple) or not all(is_integer(start, _MOST_SECONDS) for start in starts):
            raise ValueError(f"CountWindows {self.key!r}: starts of windows are whole seconds, not {starts!r:.40}")


@dataclass(frozen=True, slots=True)
class CountSession:
    """Add to integers of the session that an event time belongs to, or begin one, unless that would be closed.

    Sessions that it closes the gap between become one. Event time moves on to `at`, and what is late is counted, as for
    CountWindows.
    """

    key: str
    """HASH: what is known of all sessions, see `Windows`."""
    of: str
    """Whose session."""
    at: float
    """Event time, in epoch seconds."""
    gap: int
    """In seconds."""
    counts: Mapping[str, int]

    def __post_init__(self) -> None:
        _check_counts(self)
        _check_seconds(self, "gap", self.gap)
        if not isinstance(self.of, str) or not self.of:
            raise ValueError(f"CountSession {self.key!r}: a session is of somebody, not of {self.of!r:.40}")
        check_sendable(self, (self.of,), BYTES_TOO)


@dataclass(frozen=True, slots=True)
class Windows:
    """Counts in windows of event time, each published once when it is closed. Durations are seconds.

    :raises ValueError: a value that cannot be.
    """

    key: str
    """HASH, no time to live: `newest`, the newest event time that is committed; `closed`, windows that end then or
    before are closed; `late`, how often something came for a closed window. The ZSET `KEY:open` has the open windows,
    with their ends: START, or `START OF` for sessions. The window itself is the HASH `KEY:START`: name -> count. Open
    sessions of the same are one HASH, `KEY:of:OF`: START -> its newest event time, and `START NAME` -> count."""
    shape: Hopping | Session
    into: str = ""
    """STREAM that gets an entry for each window that is closed: `start`, `end`, `counts` (a JSON object), and `of` for
    a session. Empty for `KEY:closed`."""
    grace: float = 0.0
    """How far entries may be behind the newest ahead of them: a window is open for so long after its end."""
    ttl: int = 86_400
    """Of the hash of a window, from when it is closed. An open one has none: nobody has its counts yet. Of a session
    nothing is kept when it is closed."""
    ahead: float = 300.0
    """How far an event time may be ahead of its entry's ID. One that is wrong would close all windows before it."""
    max_length: int | None = None
    """`into` keeps about so many entries; None: all."""

    def __post_init__(self) -> None:
        check_key(self, self.ttl)
        if not isinstance(self.shape, Hopping | Session):
            raise ValueError(
                f"Windows {self.key!r} are tumbling(...), hopping(...) or session(...), not {self.shape!r:.80}"
            )
        if not isinstance(self.into, str):
            raise ValueError(f"Windows {self.key!r}: into is the name of a stream, not {self.into!r:.80}")
        for name, seconds in (("grace", self.grace), ("ahead", self.ahead)):
            if not _is_time(seconds):
                raise ValueError(f"Windows {self.key!r}: {name} is seconds, 0 or more, not {seconds!r:.40}")
            object.__setattr__(self, name, float(seconds))
        check_limit(self, self.max_length, "entries")
        check_sendable(self, (self.key, self.into))
        if not self.into:
            object.__setattr__(self, "into", f"{self.key}:closed")

    def count(
        self, entry: Message, counts: Mapping[str, int], at: float | None = None, of: str | None = None
    ) -> CountWindows | CountSession:
        """The effect that adds `counts` to each window that holds an event time. Pure.

        :arg counts: name -> by how much; none: event time moves on, and nothing is counted.
        :arg at: the event time, in epoch seconds; None: when the entry was added to its stream.
        :arg of: whose session is counted in; for sessions, and for nothing else.
        :raises ValueError: that cannot be counted, or `at` is no time or too far ahead.
        """
        if (of is None) == isinstance(self.shape, Session):
            raise ValueError(f"Windows {self.key!r}: of= says whose session, where there are sessions; not {of!r:.40}")
        instant = entry.time if at is None else at
        if not _is_time(instant):
            raise ValueError(f"Windows {self.key!r}: {instant!r:.40} is no event time in epoch seconds")
        if instant > entry.time + self.ahead:
            raise ValueError(
                f"Windows {self.key!r}: event time {instant!r} is more than {self.ahead:g} s ahead of {entry.time!r}, "
                "when the entry was added"
            )
        if not counts:
            return CountWindows(self.key, instant, 1, (), counts)
        if isinstance(self.shape, Session):
            return CountSession(self.key, of or "", instant, self.shape.gap, counts)
        return CountWindows(self.key, instant, self.shape.length, self.shape.starts(instant), counts)


def open_key(key: str) -> str:
    """Of the set of open windows."""
    return f"{key}:open"


def window_key(key: str, start: str | int) -> str:
    """Of the hash of a window."""
    return f"{key}:{start}"


def sessions_key(key: str, of: str) -> str:
    """Of the hash of the open sessions of `of`."""
    return f"{key}:of:{of}"


def time_text(seconds: float) -> str:
    """A time as Redis has it: `12.5`, and whole seconds as `12`."""
    # (The repr of a subclass of float may be anything.)
    return repr(float(seconds)).removesuffix(".0")


def _check_counts(effect: Any) -> None:
    name = name_of(effect)
    check_key(effect, None)
    if not _is_time(effect.at):
        raise ValueError(f"{name} {effect.key!r}: {effect.at!r:.40} is no event time in epoch seconds")
    for field, count in effect.counts.items():
        if not isinstance(field, str) or not is_integer(count):
            raise ValueError(f"{name} {effect.key!r}: {field!r} cannot be counted up by {count!r}")
    check_sendable(effect, effect.counts)


def _check_seconds(effect: Any, name: str, seconds: Any) -> None:
    if not is_integer(seconds, _MOST_SECONDS) or seconds < 1:
        raise ValueError(f"{name_of(effect)} {effect.key!r}: {name} is whole seconds, 1 or more, not {seconds!r:.40}")


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST_SECONDS
