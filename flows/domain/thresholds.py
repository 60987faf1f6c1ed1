"""Thresholds: from where on something is worth attention, and how bad it is. Pure.

One value, filled from settings, that rules, verdicts, headlines and every screen judge by.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sinks.values.alerts import CRITICAL, HIGH, MEDIUM
from sinks.values.counts import BLOCKED, ERROR, EXECUTE, SKIP, UNKNOWN


class Severity(IntEnum):
    """How much something matters."""

    NORMAL = 0
    ATTENTION = 1
    SERIOUS = 2
    CRITICAL = 3


OF_ALERTS = {MEDIUM: Severity.ATTENTION, HIGH: Severity.SERIOUS, CRITICAL: Severity.CRITICAL}
"""The severity of an alert -> how much it matters."""

CLEAR = 0.02
"""A comparison with the weeks before reports a row where q is below this: of what is reported at most so much is false,
if all that is assumed holds; it is less than the 5 % that are promised, because not all does."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Shares are parts of all decisions in a window, 0 to 1. The defaults are those of the contract."""

    min_total: int = 100
    """Decisions in a window, below which its shares raise no alert."""
    gate_medium: float = 0.40
    """A gate from this share on is an alert,"""
    gate_high: float = 0.60
    """from this one on HIGH,"""
    gate_critical: float = 0.80
    """and from this one on CRITICAL."""
    execute_low: float = 0.20
    """Below this share of EXECUTE we do not trade; the healthy baseline is 0.30 to 0.50."""
    skip_high: float = 0.70
    """Above this share of SKIP there is too much of it,"""
    skip_severe: float = 0.80
    """and above this one sooner, and as HIGH."""
    blocked_high: float = 0.40
    """Likewise of BLOCKED,"""
    error_high: float = 0.10
    """and of ERROR."""
    unknown_high: float = 0.05
    """And of UNKNOWN, which raises no alert; the healthy baseline is below it."""
    hysteresis: float = 0.05
    """How far a share must fall back behind its threshold for an alert to end."""
    shift: float = 0.10
    """A share of a gate that rose by more than this against the weeks before is an alert,"""
    shift_q: float = 0.01
    """where its q is below this."""
    max_lag: int = 1_000
    """Entries unread or uncounted, above which a consumer is behind."""

    @property
    def gates(self) -> tuple[float, float, float]:
        """The shares from which on a gate is worth attention, serious, critical."""
        return self.gate_medium, self.gate_high, self.gate_critical

    def gate_severity(self, share: float) -> Severity:
        """How much a gate matters that stops `share` of all decisions."""
        return Severity(sum(share >= threshold for threshold in self.gates))

    def decision_severity(self, decision: str, share: float) -> Severity:
        """How much it matters that `share` of all decisions are `decision`: by the limits of the alerts."""
        if decision == EXECUTE:
            return Severity.SERIOUS if share < self.execute_low else Severity.NORMAL
        limit, severity = {
            SKIP: (self.skip_high, Severity.ATTENTION),
            BLOCKED: (self.blocked_high, Severity.SERIOUS),
            ERROR: (self.error_high, Severity.CRITICAL),
            UNKNOWN: (self.unknown_high, Severity.ATTENTION),
        }[decision]
        return severity if share > limit else Severity.NORMAL
