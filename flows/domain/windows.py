"""The window core: decisions counted over a span of minutes, one way to add them up, and one to rank them. Pure.

Snapshots, alerts, the console and the report all look at a `Window`. A minute is a window of one minute, a day one of
1,440: a heatmap is a row of windows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from flows.domain.decisions import NO_REASON, gate_of
from sinks.values.counts import DECISIONS, UNKNOWN_WINDOW, WINDOWS, Counts, Ranked, Recent, Snapshot, Snapshots

Name = TypeVar("Name", bound=Hashable)

TOP = 50
"""How many reasons, gates and raw decisions a snapshot names."""


def minute_of(seconds: float) -> int:
    """The minute that holds an instant, both since the epoch. Every instant is in exactly one."""
    return int(seconds // 60)


def minutes_of(window: str, now: int) -> range:
    """The minutes of the rolling `window` (one of WINDOWS) while `now` is the running minute, oldest first."""
    return span(WINDOWS[window], now)


def span(length: int, last: int) -> range:
    """`length` minutes up to and with `last` (since the epoch), oldest first."""
    return range(last - length + 1, last + 1)


def add(counts: Iterable[Mapping[Name, int]]) -> Counter[Name]:
    """The sum of `counts`, name by name."""
    total: dict[Name, int] = {}  # (three times as fast as a Counter: history adds up a hundred thousand counts)
    known = total.get
    for one in counts:
        for name, count in one.items():
            total[name] = known(name, 0) + count
    return Counter(total)


def rank(counts: Mapping[str, int]) -> tuple[Ranked, ...]:
    """`counts`, most first, equal ones by name."""
    return tuple(Ranked(name, count) for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def fold(reasons: Mapping[str, int]) -> Counter[str]:
    """The gates of `reasons`; `none` among them."""
    gates: Counter[str] = Counter()
    for reason, count in reasons.items():
        gates[gate_of(reason)] += count
    return gates


@dataclass(frozen=True)
class Window:
    """The decisions counted over a span of minutes. Sums are worked out when they are first asked for."""

    minutes: Sequence[int]
    """Since the epoch, oldest first."""
    parts: tuple[Counts, ...]
    """What was counted in those of the minutes that have anything."""

    @property
    def name(self) -> str:
        """How long it is, as the rolling windows are named: `5m`, `1h`, `1d`."""
        length = len(self.minutes)
        for unit, minutes in (("d", 1_440), ("h", 60)):
            if length and length % minutes == 0:
                return f"{length // minutes}{unit}"
        return f"{length}m"

    @cached_property
    def decisions(self) -> Mapping[str, int]:
        """Decision -> count: every one of DECISIONS, in their order, 0 included."""
        return dict.fromkeys(DECISIONS, 0) | add(part.decisions for part in self.parts)

    @cached_property
    def total(self) -> int:
        """All decisions."""
        return sum(self.decisions.values())

    def share(self, count: int) -> float:
        """`count` as a part of all decisions, 0 to 1; 0 where there are none."""
        return count / self.total if self.total else 0.0

    def share_of(self, decision: str) -> float:
        """The share of one of DECISIONS, 0 to 1."""
        return self.share(self.decisions.get(decision, 0))

    @cached_property
    def reason_counts(self) -> Mapping[str, int]:
        """Reason -> count; `none` among them."""
        return add(part.reasons for part in self.parts)

    @cached_property
    def gate_counts(self) -> Mapping[str, int]:
        """Gate -> count; `none` among them, although it blocks nothing."""
        return fold(self.reason_counts)

    @cached_property
    def reasons(self) -> tuple[Ranked, ...]:
        """The reasons, ranked; `none` among them."""
        return rank(self.reason_counts)

    @cached_property
    def gates(self) -> tuple[Ranked, ...]:
        """The gates that blocked anything, ranked: without `none`."""
        return tuple(gate for gate in rank(self.gate_counts) if gate.name != NO_REASON)

    @cached_property
    def symbol_decisions(self) -> Mapping[tuple[str, str], int]:
        """(symbol, decision) -> count; empty where symbols are not broken down, or were not read."""
        return add(part.symbol_decisions for part in self.parts)

    @cached_property
    def symbol_totals(self) -> Mapping[str, int]:
        """Symbol -> count of all its decisions; likewise."""
        return add({symbol: count} for (symbol, _decision), count in self.symbol_decisions.items())

    @cached_property
    def symbol_gates(self) -> Mapping[tuple[str, str], int]:
        """(symbol, gate) -> count; likewise."""
        symbol_reasons = add(part.symbol_reasons for part in self.parts)
        return add({(symbol, gate_of(reason)): count} for (symbol, reason), count in symbol_reasons.items())


@dataclass(frozen=True, slots=True)
class Span:
    """When a window begins and ends, in epoch seconds."""

    begin: int
    end: float
    """Now, while the window has not ended."""
    past: bool
    """Whether it has."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """What was counted minute by minute, as far back as it was read."""

    running: int
    """The running minute, since the epoch."""
    counted: Mapping[int, Counts]
    """Minute since the epoch -> what was counted in it; those without any are missing."""
    depth: int
    """How many minutes were looked at, the running one included."""
    ended: bool = False
    """Whether `running` is over: it is the last minute of a window in the past."""

    @property
    def last_full(self) -> int:
        """The newest minute that is over."""
        return self.running if self.ended else self.running - 1

    def span(self, name: str, now: float) -> Span:
        """When the window `name` begins and ends.

        :arg now: epoch seconds.
        """
        return Span(minutes_of(name, self.running)[0] * 60, (self.running + 1) * 60 if self.ended else now, self.ended)

    def window(self, name: str) -> Window:
        """One of WINDOWS; the minutes must have been read that far back."""
        return self.over(minutes_of(name, self.running))

    def over(self, minutes: Sequence[int]) -> Window:
        """The window over `minutes`, which must have been read."""
        return Window(minutes, tuple(self.counted[one] for one in minutes if one in self.counted))

    def on_end(self, condition: Callable[[Window], bool]) -> int:
        """For how many full minutes on end, the newest first, `condition` has held; those without decisions end it."""

        def holds(minute: int) -> bool:
            return minute in self.counted and condition(self.over([minute]))

        minute = self.last_full
        while holds(minute):
            minute -= 1
        return self.last_full - minute


def roll_up(recent: Recent) -> Snapshots:
    """The snapshots that the minutes in `recent` add up to."""
    minutes = Minutes(recent.minute, recent.counted, max(WINDOWS.values()))
    windows = {name: minutes.window(name) for name in WINDOWS}
    unknown = add(part.unknown for part in windows[UNKNOWN_WINDOW].parts)
    return Snapshots(
        recent.minute,
        {
            name: Snapshot(
                {decision: count for decision, count in window.decisions.items() if count},
                window.reasons[:TOP],
                rank(window.gate_counts)[:TOP],
            )
            for name, window in windows.items()
        },
        rank(unknown)[:TOP],
        recent.started,
    )
