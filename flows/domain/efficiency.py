"""Whether an efficiency counts, and what it does to a target and to a plan. Pure.

Fail-open: whatever is wrong with an efficiency, it has a reason, and then changes nothing. No input raises.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.lookup_result import Failed, LookupResult, Missing
from sinks.values.joins import LOW_CONFIDENCE, MISSING, OK, REDIS_ERROR, STALE, Efficiency


def judge(found: LookupResult, now: float, stale_after: float, min_confidence: float) -> Efficiency:
    """What is known of an efficiency, by what was `found`; of several reasons against it, the first of the contract.

    :arg now: epoch seconds.
    :arg stale_after: seconds; just so old is not stale, and just so far in the future is not, either.
    """
    if isinstance(found, Failed):
        return Efficiency(None, None, REDIS_ERROR)
    fields: Mapping[bytes, bytes] = {} if isinstance(found, Missing) else found.fields
    score, confidence = finite(fields.get(b"efficiency_score")), finite(fields.get(b"confidence"))
    if score is not None:
        score = clamp(0.0, 1.0, score)
    since = finite(fields.get(b"ts"))
    if score is None or confidence is None or since is None:
        return Efficiency(score, confidence, MISSING)
    if 1e12 <= since < 1e13:  # 13 digits are milliseconds
        since /= 1000
    if abs(now - since) > stale_after:
        return Efficiency(score, confidence, STALE)
    return Efficiency(score, confidence, LOW_CONFIDENCE if confidence < min_confidence else OK)


def finite(value: bytes | None) -> float | None:
    """`value` as a finite number, or None."""
    if value is None or b"_" in value:  # Python alone takes 1_000 for a number
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def clamp(low: float, high: float, value: float) -> float:
    """`value`, or the bound that it is beyond."""
    return max(low, min(high, value))


@dataclass(frozen=True, slots=True)
class Scale:
    """How a score becomes a multiplier: it is `base` at a score of 0.5, and grows by `slope` for each 1.0 of score."""

    low: float = 0.5
    high: float = 1.5
    base: float = 1.0
    slope: float = 1.0


def multiplier(efficiency: Efficiency, scale: Scale) -> float:
    """What a target is multiplied by: from `scale.low` to `scale.high`; 1.0 where the efficiency does not count."""
    if efficiency.reason != OK or efficiency.score is None:
        return 1.0
    return clamp(scale.low, scale.high, scale.base + scale.slope * (efficiency.score - 0.5))


NONE, DOWNSIZE = "NONE", "DOWNSIZE"


@dataclass(frozen=True, slots=True)
class DownsizeLimits:
    """From which score on a plan is left alone, and how far it is downsized below that."""

    threshold: float = 0.45
    min_factor: float = 0.25
    max_extra_cooldown: float = 120
    """Seconds, at a score of 0."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What an efficiency suggests for a plan. It never blocks one."""

    action: str
    """NONE or DOWNSIZE."""
    factor: float
    """What the size is to be multiplied by, from `DownsizeLimits.min_factor` to 1."""
    extra_cooldown: int
    """Seconds."""


def hint(efficiency: Efficiency, limits: DownsizeLimits) -> Hint:
    """What `efficiency` suggests; nothing where it does not count, or is good enough."""
    score = efficiency.score
    if efficiency.reason != OK or score is None or score >= limits.threshold:
        return Hint(NONE, 1.0, 0)
    factor = max(limits.min_factor, score / limits.threshold)
    return Hint(DOWNSIZE, factor, round((1 - score) * limits.max_extra_cooldown))
