"""The table of a chaos run: a row a scenario, printed at the end of the test run that they were part of."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

ROW = "chaos"
"""Name of the user property under which a row travels with its test's reports, also from another process."""


@dataclass
class Row:
    """One line of the summary."""

    scenario: str
    version: str
    messages: int = 0
    faults: int = 0
    counted: int = 0
    lost: int = 0
    difference: int | None = None
    claimed: int = 0
    fenced: int = 0
    seconds: float = 0.0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    teardowns = [report for report in reports if getattr(report, "when", None) == "teardown"]
    rows = [Row(**row) for report in teardowns for name, row in report.user_properties if name == ROW]
    if not rows:
        return
    terminalreporter.section(f"chaos, seed {os.environ['CHAOS_SEED']}")
    width = max(len(row.scenario) for row in rows)
    head = f"{'scenario':<{width}} redis messages faults counted  lost claimed fenced seconds difference"
    terminalreporter.write_line(head)
    for row in sorted(rows, key=lambda row: (row.scenario, row.version)):
        difference = "not reached" if row.difference is None else str(row.difference)
        terminalreporter.write_line(
            f"{row.scenario:<{width}} {row.version:>5} {row.messages:>8} {row.faults:>6} {row.counted:>7} "
            f"{row.lost:>5} {row.claimed:>7} {row.fenced:>6} {row.seconds:>7.1f} {difference:>10}"
        )
