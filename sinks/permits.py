"""Permits: what the governor says about a plan that may be carried out, and the stream of plans that it reads.

    {prefix}:stream:apply.plan     STREAM, written by others: plan_id symbol decision action and more
    {prefix}:permit:{plan_id}      HASH or STRING (a JSON object), TTL 60 s when made here
        eff_score             0 to 1, 4 decimals; empty (JSON: null) when missing
        eff_confidence        3 decimals; empty (JSON: null) when missing
        eff_stale             1 when the reason is stale_eff, else 0
        eff_factor            as downsize_factor
        eff_action            DOWNSIZE or NONE
        eff_reason            ok redis_error missing_eff stale_eff low_conf
        downsize_factor       what the size is to be multiplied by, 4 decimals; 1.0000 unless the action is DOWNSIZE
        extra_cooldown_sec    whole seconds; 0 unless the action is DOWNSIZE
    and, in a permit that is made here:
        plan_id symbol action decision    of the plan; the decision is EXECUTE
        granted               1 (JSON: true): the governor never blocks
        created_at            when its efficiency was looked up, epoch seconds, 3 decimals
        consumed              0 (JSON: false): for whoever carries the plan out

A permit that another governor made keeps its other fields and its TTL, whichever of the two forms it has. In JSON,
numbers are numbers with these same digits. A key that is neither a hash nor a JSON object is left as it is.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from connectors.effects import Merge, Scalar
from sinks.values.joins import Efficiency

TTL = 60
"""Seconds, of a permit that is made here."""


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


def stream_key(prefix: str) -> str:
    """The stream of plans."""
    return f"{prefix}:stream:apply.plan"


def key(prefix: str, plan_id: str) -> str:
    """The permit of a plan."""
    return f"{prefix}:permit:{plan_id}"


def effect(prefix: str, permit: Permit, *, json: bool) -> Merge:
    """What `permit` does to Redis.

    :arg json: the form of a permit that has to be made.
    """
    plan, efficiency = permit.plan, permit.efficiency
    factor = _decimals(permit.factor, 4)
    fields: dict[str, Scalar] = {
        "eff_score": _decimals(efficiency.score, 4),
        "eff_confidence": _decimals(efficiency.confidence, 3),
        "eff_stale": int(efficiency.stale),
        "eff_factor": factor,
        "eff_action": permit.action,
        "eff_reason": efficiency.reason,
        "downsize_factor": factor,
        "extra_cooldown_sec": permit.extra_cooldown,
    }
    beside: dict[str, Scalar] = {
        "plan_id": plan.plan_id,
        "symbol": plan.symbol,
        "action": plan.action,
        "decision": "EXECUTE",
        "granted": True,
        "created_at": _decimals(permit.created_at, 3),
        "consumed": False,
    }
    return Merge(key(prefix, plan.plan_id), fields, beside, TTL, json)


def _decimals(value: float | None, places: int) -> Decimal | None:
    return None if value is None else Decimal(f"{value:.{places}f}")
