"""Values of the joins, as short as tests want them."""

from __future__ import annotations

import time

from sinks.values.joins import Efficiency, Permit, Plan, Proposal, Proposals

OK = Efficiency(0.2, 0.9, "ok")
STALE = Efficiency(0.2, 0.9, "stale_eff")
NONE = Efficiency(None, None, "missing_eff")


def loop(*made: Proposal, at: float = 20.0, invalid: int = 0) -> Proposals:
    """A loop that made these proposals."""
    return Proposals(at, at, made, invalid, time.monotonic())


def permit(plan_id: str, symbol: str, known: Efficiency, action: str, factor: float, cooldown: int) -> Permit:
    """A permit for a plan to open."""
    return Permit(Plan(plan_id, symbol, "OPEN"), known, action, factor, cooldown, 20.0)
