"""The symbols on the screen: the busiest, or those that are filtered for, with the gates that stop them.

They cost more than all else on the screen: what Redis scans for them grows with symbols, gates and the window. So they
are read again only when reading took less than a twentieth of the time since.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import redis

from console.queries.symbols import Symbol, busiest, read_symbols, read_totals
from console.watch.view import ScreenState
from flows.domain.windows import Minutes, minutes_of

T = TypeVar("T")

TTL_FACTOR = 20.0
"""How many times as long as it took an answer is kept."""


@dataclass(frozen=True, slots=True)
class Picked:
    """The symbols that a screen shows, in a window."""

    window: str = ""
    filter: str = ""
    symbols: tuple[Symbol, ...] = ()
    """The one whose name is the filter first, then those with the most decisions."""
    matching: int = 0
    """How many there are to choose from."""


class AdaptiveCache(Generic[T]):
    """Keeps the answer to the last question, the longer the longer it took.

    :arg clock: seconds, of any clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._question: Hashable = None
        self._answer: T | None = None
        self._due = 0.0

    def get(self, question: Hashable, ask: Callable[[], T]) -> T:
        """The kept answer to `question`, or that of `ask`; raises what `ask` does, and then keeps none."""
        began = self._clock()
        if self._answer is None or question != self._question or began >= self._due:
            self._answer = None
            answer = ask()
            now = self._clock()
            self._question, self._answer, self._due = question, answer, now + TTL_FACTOR * (now - began)
            return answer
        return self._answer


class SymbolReader:
    """Reads what a view shows of symbols."""

    def __init__(self, client: redis.Redis, prefix: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._prefix = prefix
        self._totals: AdaptiveCache[Mapping[str, Mapping[str, int]]] = AdaptiveCache(clock)
        self._symbols: AdaptiveCache[tuple[Symbol, ...]] = AdaptiveCache(clock)

    def read(self, minutes: Minutes, view: ScreenState, most: int) -> Picked:
        """At most `most` symbols, and with a filter at least one; free where none is wanted.

        Blocks for a few round trips; raises `connectors.errors.RedisFailure`.
        """
        most = max(most, bool(view.filter))
        if not most:
            return Picked(view.window)
        window = minutes_of(view.window, minutes.running)
        totals = self._totals.get(view.window, lambda: read_totals(self._client, self._prefix, window))
        found = matching(totals, view)
        names = tuple(found[:most])
        symbols = self._symbols.get(
            (view.window, names), lambda: read_symbols(self._client, self._prefix, minutes, view.window, names)
        )
        return Picked(view.window, view.filter, symbols, len(found))


def matching(totals: Mapping[str, Mapping[str, int]], view: ScreenState) -> list[str]:
    """The symbols that the filter lets through: the one that it names first, then the busiest. Pure."""
    found = [name for name in busiest(totals, len(totals)) if view.lets_through(name)]
    return sorted(found, key=lambda name: name.lower() != view.filter.lower())
