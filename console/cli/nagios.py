"""The form of a plugin of Nagios: states, problems, limits, performance data. Pure, but for the end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from console.terminal.command import write

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_WORSE = (OK, WARNING, UNKNOWN, CRITICAL).index

Pair = tuple[int | None, int | None]
"""Above which values it is a warning, and critical; None: above none."""


@dataclass(frozen=True, slots=True)
class CheckLimits:
    """What is too much."""

    pending: Pair
    lag: Pair
    quiet: Pair
    """Seconds since the newest decision."""
    dead: Pair = (0, None)
    """Dead letters of an App."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be."""

    state: int
    what: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What the check of P3.5, or of an App, found."""

    problems: Sequence[Problem]
    well: str = ""
    """What there is to say where nothing has a problem."""
    data: Sequence[str] = ()
    """Performance data."""


def above(value: float, limits: Pair, what: str) -> list[Problem]:
    """The problem that `value` is, where it is one."""
    state = OK
    for limit, worse in zip(limits, (WARNING, CRITICAL), strict=True):
        if limit is not None and value > limit:
            state = worse
    return [Problem(state, what)] if state else []


def datum(name: str, value: int | None, limits: Pair, unit: str = "") -> str:
    """Performance data: name=value, warning and critical limit, least; `U` is unknown."""
    warning, critical = ("" if limit is None else str(limit) for limit in limits)
    shown = "U" if value is None else f"{value}{unit}"
    return f"{name}={shown};{warning};{critical};0"


def end(subject: str, results: Sequence[CheckResult]) -> NoReturn:
    """Print the line, the worst first, and end with its state.

    :raises SystemExit: always.
    """
    problems = [problem for result in results for problem in result.problems]
    state = max((problem.state for problem in problems), key=_WORSE, default=OK)
    worst_first = sorted(problems, key=lambda problem: -_WORSE(problem.state))
    what = "; ".join(problem.what for problem in worst_first) or "; ".join(result.well for result in results)
    data = " ".join(datum for result in results for datum in result.data)
    write(f"{subject} {NAMES[state]} - {what}{data and f' | {data}'}\n")
    sys.exit(state)
