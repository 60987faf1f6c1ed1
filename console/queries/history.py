"""The answer to `quantum history`: what was decided and what stopped it, minute by minute, hour by hour, day by day.

Minutes come from buckets, hours and days from what `flows.history` made of them. One of which nothing is known is
absent, which is not zero. Text comes as it is in Redis, and must be made printable before a terminal gets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis

from console.queries.answers import Gate
from console.queries.json import gates, head
from console.queries.minutes import Progress
from console.queries.moment import Moment, MomentError
from console.queries.nearest import as_counted
from console.queries.rollups import WHOLE, WITHOUT_SYMBOLS, read_buckets, read_rollups
from flows.domain.decisions import NO_REASON
from flows.domain.windows import rank
from sinks.values.counts import DECISIONS
from sinks.values.history import DAY, HOUR, MINUTE, RollUp

if TYPE_CHECKING:
    from flows.settings.history import HistorySettings

STEPS = {"minute": MINUTE, "hour": HOUR, "day": DAY}
"""What a series may go by -> its step, in minutes."""

WEEK = 7 * DAY
"""Minutes."""

_USUAL = {"minute": 60, "hour": 24, "day": 28}
"""How many points there are unless it is said from when."""


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many seconds minutes, hours or days are kept, and the setting that says so."""

    seconds: int
    setting: str


def retention(settings: HistorySettings, by: str) -> Retention:
    """That of a series by `by`, one of STEPS. Pure."""
    return {
        "minute": Retention(settings.bucket_ttl_sec, "BUCKET_TTL_SEC"),
        "hour": Retention(settings.history_hour_ttl_sec, "HISTORY_HOUR_TTL_SEC"),
        "day": Retention(settings.history_day_ttl_sec, "HISTORY_DAY_TTL_SEC"),
    }[by]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which series is asked for."""

    by: str
    """One of STEPS."""
    begin: Moment | None
    """None: the last 60 minutes, 24 hours or 28 days."""
    end: Moment | None
    """None: now."""
    gate: str | None
    """None: all of them. In whatever case, like the symbol."""
    symbol: str | None
    """None: all decisions, whatever they are about."""

    def span(self, now: float, retention: Retention) -> range:
        """The first minutes (since the epoch) of what is asked for, oldest first.

        What holds the beginning is the first; what holds the end is the last, unless it begins just then.

        :arg now: epoch seconds.
        :raises MomentError: it begins in the future, or before what is kept, or does not end behind its beginning.
        """
        step = STEPS[self.by]
        oldest = -(-int((now - retention.seconds) // 60 + 1) // step) * step
        ends = now if self.end is None else min(self.end.seconds(now), now)
        stop = -(-max(ends, 0.0) // (60 * step)) * step
        if self.begin is None:
            return range(max(int(stop) - _USUAL[self.by] * step, oldest), int(stop), step)
        begins = self.begin.seconds(now)
        if begins > now:
            raise MomentError(f"--from {self.begin.text} is in the future")
        start = int(begins // (60 * step)) * step
        if start + step <= oldest:
            other = {"minute": "; --by hour goes further back", "hour": "; --by day goes further back"}.get(self.by, "")
            long = f"{retention.seconds / 86_400:g} d ({retention.setting})"
            raise MomentError(f"--from {self.begin.text} is too long ago: {self.by}s are kept for {long}{other}")
        if start >= stop:
            raise MomentError("--to must be later than --from")
        return range(start, int(stop), step)


@dataclass(frozen=True, slots=True)
class Point:
    """What was counted in one step of a series."""

    time: int
    """When it began, epoch seconds."""
    total: int
    decisions: Mapping[str, int]
    """Every one of DECISIONS, 0 included."""
    gates: tuple[Gate, ...]
    """Those that blocked anything, most first; where one was asked for that one alone, 0 included."""

    def share(self, decision: str) -> float:
        """The share of one of DECISIONS, 0 to 1; 0 of none at all."""
        return self.decisions.get(decision, 0) / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Series:
    """The whole answer. Times are epoch seconds."""

    now: float
    """By the clock of Redis."""
    by: str
    begin: int
    end: int
    """When the last step ends, which may be later than now."""
    gate: str | None
    symbol: str | None
    """As they are counted, where they are."""
    points: tuple[Point, ...]
    """Oldest first, those that are known."""
    before: Mapping[int, Point]
    """For the times of points: what was counted a week earlier, where that is known and was asked for."""
    warnings: tuple[str, ...]
    """What is to be known of them; a sentence each, in which names are as they were typed."""

    @property
    def step(self) -> int:
        """Seconds from a point to the next."""
        return STEPS[self.by] * 60


def ask_history(
    client: redis.Redis,
    prefix: str,
    asked: Asked,
    now: float,
    retention: Retention,
    progress: Progress,
    *,
    beside: bool,
) -> Series:
    """Answer. Blocks for a round trip each 15 points or so; raises `connectors.errors.RedisFailure`.

    :arg now: epoch seconds, by the clock of Redis.
    :arg retention: of what the series goes by.
    :arg beside: whether the week before is read, too.
    :raises MomentError: see `Asked.span`.
    """
    span = asked.span(now, retention)
    minute = int(now // 60)

    def read(starts: range) -> dict[int, RollUp]:
        if asked.by == "minute":
            return read_buckets(client, prefix, starts, minute, asked.symbol, progress)
        fields = WITHOUT_SYMBOLS if asked.symbol is None else WHOLE
        return read_rollups(client, prefix, starts, STEPS[asked.by], fields, progress)

    found = read(span)
    # (Minutes are not kept for a week.)
    earlier = read(range(span.start - WEEK, span.stop - WEEK, span.step)) if beside and asked.by != "minute" else {}
    both = (*found.values(), *earlier.values())
    warnings: list[str] = []
    symbol, gate = asked.symbol, asked.gate
    if symbol is not None:
        symbol = as_counted("symbol", symbol, {name for one in both for name, _ in one.symbol_decisions}, warnings)
    if gate is not None:
        names = {name for one in both for name in one.gates}
        names |= {name for one in both for _, name in one.symbol_gates}
        gate = as_counted("gate", gate, names - {NO_REASON}, warnings)
    return Series(
        now,
        asked.by,
        span.start * 60,
        span.stop * 60,
        gate,
        symbol,
        tuple(_point(found[start], gate, symbol) for start in span if start in found),
        {(start + WEEK) * 60: _point(one, gate, symbol) for start, one in earlier.items()},
        tuple(warnings),
    )


def _point(one: RollUp, gate: str | None, symbol: str | None) -> Point:
    decisions, gates = one.decisions, one.gates
    if symbol is not None:
        decisions = {name: count for (of, name), count in one.symbol_decisions.items() if of == symbol}
        gates = {name: count for (of, name), count in one.symbol_gates.items() if of == symbol}
    total = sum(decisions.values())
    shown = rank({name: count for name, count in gates.items() if name != NO_REASON and count})
    counted = [(row.name, row.count) for row in shown] if gate is None else [(gate, gates.get(gate, 0))]
    return Point(
        one.start * 60,
        total,
        dict.fromkeys(DECISIONS, 0) | dict(decisions),
        tuple(Gate(name, count, count / total if total else 0.0) for name, count in counted),
    )


def as_json(series: Series) -> dict[str, Any]:
    """One object, documented in docs/console.md."""
    return {
        **head("history"),
        "as_of": series.now,
        "warnings": list(series.warnings),
        "by": series.by,
        "from": series.begin,
        "to": series.end,
        "gate": series.gate,
        "symbol": series.symbol,
        "points": [
            {
                "time": one.time,
                "total": one.total,
                "decisions": dict(one.decisions),
                "gates": gates(one.gates),
            }
            for one in series.points
        ],
    }
