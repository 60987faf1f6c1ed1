"""What a flow says of itself in one line, for whoever lists services (`systemctl status`). Pure."""

from __future__ import annotations

from sinks.values import EXECUTE, Snapshot, Snapshots

WINDOW = "5m"

EXECUTE_LOW = 0.20
"""Below this share of EXECUTE we do not trade; the healthy baseline is 0.30 to 0.50."""


def p35(snapshots: Snapshots) -> str:
    """Are we trading, and if not, what stops us? A gate stands in it as it is in Redis: make it printable."""
    window = snapshots.windows[WINDOW]
    total = sum(window.decisions.values())
    if not total:
        return f"not trading: no decisions in {WINDOW}"
    executed = window.decisions.get(EXECUTE, 0) / total
    answer = "trading" if executed >= EXECUTE_LOW else "not trading"
    return f"{answer}: {executed:.0%} of {total} decisions executed in {WINDOW}{_first_gate(window, total)}"


def _first_gate(window: Snapshot, total: int) -> str:
    for gate, count in window.top_gates:
        if gate != "none":
            return f", {gate} stopped {count / total:.0%}"
    return ""
