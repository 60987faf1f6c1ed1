"""What the proofs of both joins need: symbols of their own, each with an efficiency of another kind."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis

from console.proof.checks import KEEP_SECONDS, Checks
from sinks import efficiency, proofs
from sinks.values import joins


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of efficiency, and the reason that a join must give for it."""

    name: str
    """Letters, for the symbol."""
    score: float | None
    confidence: float | None
    age: float
    """Seconds."""
    reason: str

    def symbol(self, token: str) -> str:
        """The symbol of this case in the proof `token`."""
        return proofs.symbol(token, self.name)


def cases(stale_seconds: float, least_confidence: float, high: float, low: float) -> tuple[Case, ...]:
    """The six: two that are used, and one for each reason why one is not.

    :arg high: the score of one that is used. :arg low: of the other.
    """
    return (
        Case("HIGH", high, 0.9, 0, joins.OK),
        Case("LOW", low, 0.9, 0, joins.OK),
        Case("MISSING", None, None, 0, joins.MISSING),
        Case("STALE", low, 0.9, stale_seconds + 60, joins.STALE),
        Case("UNSURE", low, max(0.0, least_confidence - 0.05), 0, joins.LOW_CONFIDENCE),
        Case("WRONGTYPE", None, None, 0, joins.REDIS_ERROR),
    )


@contextmanager
def efficiencies(
    checks: Checks, client: redis.Redis, prefix: str, token: str, known: tuple[Case, ...]
) -> Iterator[None]:
    """Puts the efficiencies of the cases `known` into Redis, and removes them afterwards."""
    keys = {case.name: efficiency.key(prefix, case.symbol(token)) for case in known}
    with checks.cleaning_up(lambda: client.delete(*keys.values())):
        for case in known:
            if case.reason == joins.REDIS_ERROR:
                client.set(keys[case.name], "of another type", ex=KEEP_SECONDS)
            elif case.score is not None:
                stamp = f"{time.time() - case.age:.3f}"
                fields: dict[Any, Any] = {"efficiency_score": case.score, "confidence": case.confidence, "ts": stamp}
                client.hset(keys[case.name], mapping=fields)
                client.expire(keys[case.name], KEEP_SECONDS)
        yield


def said(case: Case) -> Mapping[str, str]:
    """Score, confidence and staleness as a join writes them."""
    return {
        "eff_score": "" if case.score is None else f"{case.score:.4f}",
        "eff_confidence": "" if case.confidence is None else f"{case.confidence:.3f}",
        "eff_stale": str(int(case.reason == joins.STALE)),
    }
