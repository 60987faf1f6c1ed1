"""The last full minute beside a window, which hides for minutes what has just begun. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from flows.domain.difference import FEWEST, clearly_apart
from flows.domain.windows import Minutes, Window, minutes_of
from sinks.values.counts import EXECUTE


@dataclass(frozen=True, slots=True)
class LastMinute:
    """The last minute of a window that is over."""

    minute: int
    """Since the epoch."""
    window: Window
    """What was counted in it."""
    differs: bool
    """Whether it clearly differs from the rest of the window."""


def last_minute(minutes: Minutes, name: str) -> LastMinute | None:
    """The last full minute of the window `name`; None where that is all of the window, or none of it.

    It differs where the share of EXECUTE does, or that of the gate that blocks most, in it or in the rest; and where
    nothing was decided in it and since, though each other minute of the window had enough decisions to tell.
    """
    last, span = minutes.last_full, minutes_of(name, minutes.running)
    if len(span) == 1:
        return None
    others = [one for one in span if one != last]
    seen, rest = minutes.over([last]), minutes.over(others)
    if seen.total or rest.total == 0:
        return LastMinute(last, seen, _differ(seen, rest))
    before = [minutes.over([one]).total for one in others if one < last]
    silent = not minutes.over([one for one in others if one > last]).total
    return LastMinute(last, seen, silent and min(before) >= FEWEST)


def _differ(seen: Window, rest: Window) -> bool:
    if clearly_apart(seen.decisions[EXECUTE], seen.total, rest.decisions[EXECUTE], rest.total):
        return True
    return any(
        clearly_apart(seen.gate_counts.get(gate.name, 0), seen.total, rest.gate_counts.get(gate.name, 0), rest.total)
        for gate in (*seen.gates[:1], *rest.gates[:1])
    )
