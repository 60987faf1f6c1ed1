"""What came of the simulation, in docs/: tables between two marks of statistics.md, numbers in statistics.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from tests.bench.processes import ROOT
from tests.bench.tables import table
from tests.simulation.lines import Line, Tally
from tests.simulation.weeks import GATES

PAGE = ROOT / "docs" / "statistics.md"
DATA = ROOT / "docs" / "statistics.json"
BEGIN, END = "<!-- measured:begin -->", "<!-- measured:end -->"

FALSE, FOUND, COVERED, COVERED_CLASS = 0.05, 0.80, 0.95, 0.93
"""The criteria."""


def results(lines: Iterable[Line], tallies: Iterable[Tally]) -> list[dict[str, Any]]:
    """One a line."""
    return [
        {
            "scenario": line.scenario.name,
            "span": line.span,
            "daily": line.daily,
            "planted": line.plant and line.plant.gate,
            "comparisons": tally.comparisons,
            "false": round(tally.false / tally.comparisons, 4),
            "found": round(tally.found / tally.comparisons, 4),
            "covered": [[held, of] for held, of in tally.covered],
        }
        for line, tally in zip(lines, tallies, strict=True)
    ]


def write(lines: Iterable[Line], tallies: Iterable[Tally]) -> None:
    """Replace what was there before; text outside the marks stays."""
    found = results(lines, tallies)
    DATA.write_text("[\n" + ",\n".join(json.dumps(one) for one in found) + "\n]\n", "utf-8")
    PAGE.write_text(rendered(found), "utf-8")


def rendered(found: Sequence[dict[str, Any]]) -> str:
    """The page with what was `found`."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    _old, after = rest.split(END)
    return f"{before}{BEGIN}\n{document(found)}\n{END}{after}"


def document(found: Sequence[dict[str, Any]]) -> str:
    """All tables. What misses its criterion is bold."""
    alike = [one for one in found if not one["planted"]]
    planted = [one for one in found if one["planted"]]
    return "\n\n".join(
        (
            f"{found[0]['comparisons']:,} comparisons a line, with the seeds from 1 on. Bold: a criterion is missed.",
            "### Weeks that do not differ",
            table(
                ["", "span", "decisions a day", "false", "covered", "10 % and more", "1 to 10 %", "less"],
                [[*_head(one), _bold(one["false"], one["false"] > FALSE), *_coverage(one)] for one in alike],
            ),
            "### Planted changes of 30 %",
            "How often the gate that has such a share is found; in brackets, how much of what was reported is false:",
            _planted(planted),
            "Of the intervals of all of these lines hold the true difference: "
            "{} (of shares of 10 % and more {}, of 1 to 10 % {}, of less {}).".format(*_coverage(_together(planted))),
        )
    )


def _head(one: dict[str, Any]) -> list[str]:
    return [one["scenario"], f"{one['span']} h", f"{one['daily']:,}"]


def _planted(planted: Sequence[dict[str, Any]]) -> str:
    shares = list(dict.fromkeys(GATES[one["planted"]] for one in planted))
    rows: dict[tuple[str, ...], dict[float, str]] = {}
    for one in planted:
        shown = f"{_bold(one['found'], one['found'] < FOUND)} ({_bold(one['false'], one['false'] > FALSE)})"
        rows.setdefault(tuple(_head(one)), {})[GATES[one["planted"]]] = shown
    return table(
        ["", "span", "decisions a day", *(f"{share:.0%}" for share in shares)],
        [[*head, *(row.get(share, "") for share in shares)] for head, row in rows.items()],
    )


def _together(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The intervals of several lines as those of one."""
    classes = zip(*(line["covered"] for line in lines), strict=True)
    return {"covered": [[sum(numbers) for numbers in zip(*one, strict=True)] for one in classes]}


def _bold(value: float, missed: bool) -> str:
    return f"**{value:.1%}**" if missed else f"{value:.1%}"


def _coverage(one: dict[str, Any]) -> list[str]:
    """Of all intervals, and of each class."""
    held, of = (sum(numbers) for numbers in zip(*one["covered"], strict=True))
    whole = _bold(held / of, held / of < COVERED) if of else ""
    return [whole] + [_bold(held / of, held / of < COVERED_CLASS) if of else "" for held, of in one["covered"]]
