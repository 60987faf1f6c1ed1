"""The answer in one sentence: are we trading, and if not, what stops us? Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from console.queries.minutes import Minutes
from console.queries.service import Service
from console.queries.snapshots import Ranked, Window
from console.queries.text import percent
from sinks.values.counts import BLOCKED, ERROR, EXECUTE, SKIP, UNKNOWN

EXECUTE_LOW = 0.20
"""Below this share of EXECUTE we do not trade; the healthy baseline is 0.30 to 0.50."""

GATE_SHARES = (0.40, 0.60, 0.80)
"""From these shares of all decisions on a gate is worth attention, serious, critical."""


class Severity(IntEnum):
    """How much it matters."""

    NORMAL = 0
    ATTENTION = 1
    SERIOUS = 2
    CRITICAL = 3


_TOO_MANY = {
    SKIP: (0.70, Severity.ATTENTION),
    BLOCKED: (0.40, Severity.SERIOUS),
    ERROR: (0.10, Severity.CRITICAL),
    UNKNOWN: (0.05, Severity.ATTENTION),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sentence (it names a gate as it is in Redis: make it printable) and how bad that is."""

    severity: Severity
    sentence: str


def gate_severity(share: float) -> Severity:
    """How much a gate matters that stops `share` (0 to 1) of all decisions."""
    return Severity(sum(share >= threshold for threshold in GATE_SHARES))


def decision_severity(decision: str, share: float) -> Severity:
    """How much it matters that `share` (0 to 1) of all decisions are `decision`: the limits of the alerts."""
    if decision == EXECUTE:
        return Severity.SERIOUS if share < EXECUTE_LOW else Severity.NORMAL
    limit, severity = _TOO_MANY[decision]
    return severity if share > limit else Severity.NORMAL


def verdict(window: Window, minutes: Minutes | None = None, service: Service | None = None) -> Verdict:
    """What `window` says.

    :arg minutes: single minutes, to tell for how long it has been so, as far back as they were read.
    :arg service: who counted; where nobody counts any more, what was counted says nothing of now.
    """
    if service is not None and service.blind and not (window.total and service.running):
        return Verdict(Severity.SERIOUS, f"Unknown: {service.blind}")
    if not window.total:
        return Verdict(Severity.SERIOUS, "Not trading: no decisions arrive")
    executed = window.share_of(EXECUTE)
    gate = window.gates[0] if window.gates else None
    if executed < EXECUTE_LOW:
        cause = f"{_blocks(window, gate)}{_since(gate, minutes)}" if gate else "most decisions give no reason"
        rest = f", {percent(executed)} executed" if executed else ""
        return Verdict(Severity.SERIOUS, f"Not trading: {cause}{rest}")
    sentence = f"Trading: {percent(executed)} executed"
    if gate and gate_severity(window.share(gate.count)):
        return Verdict(Severity.ATTENTION, f"{sentence}, but {_blocks(window, gate)}{_since(gate, minutes)}")
    return Verdict(Severity.NORMAL, sentence)


def _since(gate: Ranked, minutes: Minutes | None) -> str:
    """For how many minutes on end the gate has been worth attention, where that is more than one."""
    if minutes is None:
        return ""

    def stops(one: Window) -> bool:
        count = next((found.count for found in one.gates if found.name == gate.name), 0)
        return bool(gate_severity(one.share(count)))

    length = minutes.on_end(stops)
    if length <= 1:
        return ""
    return f" for {length} min" + (" or longer" if length >= minutes.depth - 1 else "")


def _blocks(window: Window, gate: Ranked) -> str:
    return f"{gate.name} blocks {percent(window.share(gate.count))} of decisions"
