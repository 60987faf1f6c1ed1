"""The values that the flows and the sinks of the efficiency joins exchange, and the fixed names in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

OK, REDIS_ERROR, MISSING, STALE, LOW_CONFIDENCE = REASONS = (
    "ok",
    "redis_error",
    "missing_eff",
    "stale_eff",
    "low_conf",
)
"""Why an efficiency counts, or does not."""


class Efficiency(NamedTuple):
    """What is known of the efficiency of one symbol. It counts only where the reason is OK."""

    score: float | None
    """0 to 1; None where it is missing, or no finite number."""
    confidence: float | None
    """As it was read; None where it is missing, or no finite number."""
    reason: str
    """One of REASONS."""

    @property
    def stale(self) -> bool:
        """Whether its age is what speaks against it."""
        return self.reason == STALE


class Plan(NamedTuple):
    """A plan that may be carried out."""

    plan_id: str
    """Exactly as it was sent (bytes that are not UTF-8 as surrogates): others name the permit by it."""
    symbol: str
    action: str


class Permit(NamedTuple):
    """What is said about a plan."""

    plan: Plan
    efficiency: Efficiency
    action: str
    """DOWNSIZE or NONE."""
    factor: float
    """More than 0, at most 1."""
    extra_cooldown: int
    """Seconds."""
    created_at: float
    """Epoch seconds."""


@dataclass(frozen=True, slots=True)
class PermitNote:
    """What a part of `flows.governor` does: the note for its metrics."""

    permits: tuple[Permit, ...]
    published_at: tuple[float, ...]
    """When the plan of each permit was published, epoch seconds."""
    not_execute: int
    """Plans that are not to be carried out."""
    incomplete: int
    """Plans that lack their plan_id or symbol."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be allocated to a symbol."""

    symbol: str
    base_target: float
    """USD."""
    multiplier: float
    efficiency: Efficiency

    @property
    def proposed_target(self) -> float:
        """USD."""
        return self.base_target * self.multiplier


@dataclass(frozen=True, slots=True)
class Proposals:
    """What one loop proposes."""

    at: float
    """The time of the loop, epoch seconds."""
    turn: float
    """The beginning of the interval that the loop stands for, epoch seconds: at most `at`."""
    proposals: Sequence[Proposal]
    """One a symbol."""
    invalid: int
    """Targets that could not be used."""
    started: float
    """When the loop began, by this machine's monotonic clock, in seconds."""
