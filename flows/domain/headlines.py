"""What a flow says of itself in one line, for whoever lists services (`systemctl status`). Pure."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from connectors.group_state import GroupState
from connectors.times import EPOCH
from flows.domain.decisions import NO_REASON
from flows.domain.thresholds import Thresholds
from sinks.values.alerts import SEVERITIES, AlertState
from sinks.values.counts import EXECUTE, Snapshot, Snapshots
from sinks.values.history import Replacements
from sinks.values.joins import Proposals

WINDOW = "5m"


def p35(snapshots: Snapshots, thresholds: Thresholds) -> str:
    """Are we trading, and if not, what stops us? A gate stands in it as it is in Redis: make it printable."""
    window = snapshots.windows[WINDOW]
    total = sum(window.decisions.values())
    if not total:
        return f"not trading: no decisions in {WINDOW}"
    executed = window.decisions.get(EXECUTE, 0) / total
    answer = "trading" if executed >= thresholds.execute_low else "not trading"
    return f"{answer}: {executed:.0%} of {total} decisions executed in {WINDOW}{_first_gate(window, total)}"


def alerts(state: AlertState) -> str:
    """What fires, the worst first. Reasons stand in it as they are in Redis."""
    firing = [(key, tracked) for key, tracked in state.tracked.items() if tracked.firing]
    if not firing:
        return "no alert fires"
    firing.sort(key=lambda one: (-SEVERITIES.index(one[1].severity), one[0]))
    key, tracked = firing[0]
    others = f" and {len(firing) - 1} more" if len(firing) > 1 else ""
    return f"firing: {key.kind} {key.reason} ({tracked.severity}){others}"


def allocation(loop: Proposals) -> str:
    """How many targets were proposed in the last loop, and how many without regard to an efficiency, and why."""
    reasons = Counter(one.efficiency.reason for one in loop.proposals)
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    unusable = f"; {loop.invalid} targets unusable" if loop.invalid else ""
    return f"{len(loop.proposals)} targets proposed{': ' if counts else ''}{counts}{unusable}"


def governor(group: GroupState) -> str:
    """Whether plans wait for their permits."""
    unread = "" if group.lag is None else f", {group.lag} not read yet"
    return f"{group.pending} plans in work{unread}"


def history(done: Replacements) -> str:
    """Up to when hours are written, and what the last pass had to write."""
    count = len(done.replaced)
    upto = "no hour has ended yet" if done.newest is None else f"hours up to {_hour_name(done.newest)} are written"
    return f"{upto}; {count} written just now" if count else upto


def _hour_name(minute: int) -> str:
    return (EPOCH + timedelta(minutes=minute)).strftime("%Y-%m-%d %H:00 UTC")


def _first_gate(window: Snapshot, total: int) -> str:
    for gate, count in window.top_gates:
        if gate != NO_REASON:
            return f", {gate} stopped {count / total:.0%}"
    return ""
