"""A simulated market: targets, changing efficiencies, and plans, by seed and time. Pure.

Sometimes an efficiency is stale, missing or of low confidence, so that every reason of the joins occurs.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from console.demo.simulator import SYMBOLS, Fields

PLANS_A_SECOND = 5

_BLOCK = 15
"""Seconds for which one symbol has a stale efficiency and another none; then both are fine for as long."""

_STALE, _MISSING, _UNSURE = "TRXUSDT", "1000PEPEUSDT", "DOGEUSDT"

_STALE_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Market:
    """Equal markets give equal values."""

    seed: int

    def target(self, symbol: str, now: float) -> Fields:
        """What is allocated to `symbol`, at `now` (epoch seconds)."""
        chance = random.Random(f"{self.seed}:target:{symbol}")
        usd = round(chance.uniform(50, 2_000), 1)
        return {"target_usd": str(usd), "confidence": "0.8", "timestamp": str(int(now)), "mode": "enforce"}

    def efficiency(self, symbol: str, elapsed: float, now: float) -> Fields | None:
        """The efficiency of `symbol`, `elapsed` seconds after the start, at `now` (epoch seconds); None: no data."""
        bad = int(elapsed // _BLOCK) % 2 == 0
        if symbol == _MISSING and bad:
            return None
        score = 0.5 + 0.45 * self._wave(symbol, elapsed)
        confidence = 0.65 + 0.2 * self._wave(f"{symbol} confidence", elapsed) if symbol == _UNSURE else 0.9
        ts = now - _STALE_SECONDS if symbol == _STALE and bad else now
        return {
            "efficiency_score": f"{score:.4f}",
            "confidence": f"{confidence:.3f}",
            "ts": str(int(ts)),
            "mode": "enforce",
            "version": "p31_v1",
        }

    def plans(self, second: int, started: float) -> list[Fields]:
        """The plans of one second (0 is the first) after `started` (epoch seconds)."""
        chance = random.Random(f"{self.seed}:plans:{second}")
        return [
            {
                "plan_id": f"{chance.getrandbits(64):016x}",
                "symbol": chance.choice(SYMBOLS),
                "action": chance.choice(("ENTRY_PROPOSED", "PARTIAL_CLOSE_PROPOSED", "FULL_CLOSE_PROPOSED")),
                "decision": chance.choices(("EXECUTE", "SKIP", "BLOCKED"), (6, 3, 1))[0],
                "kill_score": f"{chance.random():.3f}",
                "source": chance.choice(("apply_layer", "intent_bridge")),
                "timestamp": str(int(started + second)),
            }
            for _ in range(PLANS_A_SECOND)
        ]

    def _wave(self, name: str, elapsed: float) -> float:
        """From -1 to 1, with a period and a phase of its own."""
        chance = random.Random(f"{self.seed}:wave:{name}")
        period, phase = chance.uniform(20, 60), chance.uniform(0, math.tau)
        return math.sin(math.tau * elapsed / period + phase)
