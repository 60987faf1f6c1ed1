"""Simulated decisions of both publishers, as a pure function of seed, rate and time.

Time goes in ticks of `TICK` seconds. Phases form a cycle of two minutes: quiet and busy ones, and a gate explosion, in
which one gate stops nearly everything. The rate is an average over a cycle.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass
from enum import Enum

from flows.domain.decisions import NO_REASON, gate_of
from sinks.values.counts import BLOCKED, EXECUTE, SKIP, UNKNOWN

TICK = 0.05
"""Seconds."""

Fields = dict[str, str]


class Phase(Enum):
    """A phase of the market: its name, and its rate as a multiple of the average."""

    QUIET = ("quiet", 0.5)
    BUSY = ("busy", 1.25)
    EXPLOSION = ("gate explosion", 1.5)

    def __init__(self, label: str, factor: float) -> None:
        self.label = label
        self.factor = factor


CYCLE = (
    (Phase.QUIET, 4),
    (Phase.BUSY, 4),
    (Phase.EXPLOSION, 24),
    (Phase.QUIET, 14),
    (Phase.BUSY, 14),
    (Phase.QUIET, 16),
    (Phase.BUSY, 14),
    (Phase.QUIET, 14),
    (Phase.BUSY, 16),
)
"""Phases and their seconds. The first explosion brings the share of EXECUTE below a fifth before the 20th second, and
keeps it there for more than 20: time to see it, and to ask about it."""

CYCLE_SECONDS = sum(seconds for _phase, seconds in CYCLE)

EXPLOSIONS = ("p33_permit_denied:stale", "leverage_ratio_exceeded", "kill_score_critical", "symbol_not_in_allowlist")
"""Reasons that explode: the first in the first cycle, later any."""

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT", "TRXUSDT", "1000PEPEUSDT")

_APPLY = (
    (38, "EXECUTE", ""),
    (20, "SKIP", "no_position"),
    (15, "SKIP", "duplicate_plan"),
    (12, "SKIP", "action_hold"),
    (3, "BLOCKED", "p33_permit_denied:stale"),
    (3, "BLOCKED", "not_in_allowlist"),
    (2, "BLOCKED", "kill_score_critical"),
    (2, "BLOCKED", "leverage_ratio_exceeded"),
    (2, "BLOCKED", "insufficient_confidence"),
    (2, "ERROR", "reconciliation_mismatch"),
    (1, "ERROR", "exception:HTTPSConnectionPool read timed out"),
)
"""Weight, decision and error of what the apply layer publishes."""

_INTENT = (
    (65, ""),
    (8, "close_no_position"),
    (6, "p33_permit_missing_or_denied"),
    (5, "mark_price_unavailable"),
    (6, "binance_error:-2019 Margin is insufficient."),
    (5, "min_notional_check_failed:4.2<5.0"),
    (5, "symbol_not_in_allowlist"),
)
"""Weight and error of what the intent executor publishes; no error means executed."""


_BROKEN_PART, _APPLY_PART = 0.01, 0.69
"""How much of all is broken, and comes from the apply layer; the rest from the intent executor."""


def usual_mix() -> dict[tuple[str, str], float]:
    """(decision, gate) -> the share of entries that are counted so, outside of explosions."""
    intents = [(weight, BLOCKED if error else EXECUTE, error) for weight, error in _INTENT]
    broken = [(2, UNKNOWN, ""), (1, SKIP, "no_position"), (1, SKIP, "")]
    mix: dict[tuple[str, str], float] = {}
    for part, rows in ((_APPLY_PART, _APPLY), (1 - _APPLY_PART - _BROKEN_PART, intents), (_BROKEN_PART, broken)):
        total = sum(weight for weight, _decision, _error in rows)
        for weight, decision, error in rows:
            kind = decision, gate_of(error or NO_REASON)
            mix[kind] = mix.get(kind, 0.0) + part * weight / total
    return mix


@dataclass(frozen=True, slots=True)
class Simulator:
    """Entries for `quantum:stream:apply.result`; equal simulators give equal entries."""

    seed: int
    rate: float
    """Entries a second, on average over a cycle."""

    def phase(self, elapsed: float) -> Phase:
        """The phase `elapsed` seconds after the start."""
        into = elapsed % CYCLE_SECONDS
        for phase, seconds in CYCLE:
            if into < seconds:
                return phase
            into -= seconds
        return CYCLE[-1][0]

    def due(self, elapsed: float) -> int:
        """How many entries there are in the first `elapsed` seconds."""
        cycles, left = divmod(elapsed, CYCLE_SECONDS)
        total = cycles * sum(phase.factor * seconds for phase, seconds in CYCLE)
        for phase, seconds in CYCLE:
            total += phase.factor * min(seconds, left)
            left -= min(seconds, left)
        return math.floor(self.rate * total)

    def entries(self, tick: int, started: float) -> list[Fields]:
        """The entries of `tick` (0 is the first).

        :arg started: epoch seconds of the start, which the timestamps count from.
        """
        elapsed = tick * TICK
        phase = self.phase(elapsed)
        count = self.due((tick + 1) * TICK) - self.due(elapsed)
        chance = random.Random(f"{self.seed}:{tick}")
        explodes = self.exploding(elapsed) if phase is Phase.EXPLOSION else None
        return [_entry(chance, int(started + elapsed), explodes) for _ in range(count)]

    def exploding(self, elapsed: float) -> str:
        """The reason that explodes in the cycle at `elapsed` seconds."""
        cycle = int(elapsed // CYCLE_SECONDS)
        return random.Random(f"{self.seed}:cycle:{cycle}").choice(EXPLOSIONS) if cycle else EXPLOSIONS[0]


def _entry(chance: random.Random, timestamp: int, explodes: str | None) -> Fields:
    plan_id = f"{chance.getrandbits(64):016x}"
    symbol = chance.choice(SYMBOLS)
    kind = chance.random()
    if kind < _BROKEN_PART:
        return _broken(chance, plan_id, symbol, timestamp)
    if explodes and chance.random() >= 0.92:
        explodes = None
    if kind < _BROKEN_PART + _APPLY_PART:
        return _apply_layer(chance, plan_id, symbol, timestamp, explodes)
    return _intent_executor(chance, plan_id, symbol, timestamp, explodes)


def _apply_layer(chance: random.Random, plan_id: str, symbol: str, timestamp: int, explodes: str | None) -> Fields:
    decision, error = "BLOCKED", explodes or ""
    if not explodes:
        _weight, decision, error = chance.choices(_APPLY, [row[0] for row in _APPLY])[0]
    return {
        "plan_id": plan_id,
        "symbol": symbol,
        "decision": decision,
        "executed": str(decision == "EXECUTE"),
        "would_execute": "False",
        "steps_results": "[]",
        "error": error,
        "timestamp": str(timestamp),
    }


def _intent_executor(chance: random.Random, plan_id: str, symbol: str, timestamp: int, explodes: str | None) -> Fields:
    error = explodes or chance.choices(_INTENT, [row[0] for row in _INTENT])[0][1]
    details: dict[str, object] = {
        "plan_id": plan_id,
        "symbol": symbol,
        "executed": not error,
        "source": "intent_executor",
        "timestamp": timestamp,
    }
    if error:
        details["error"] = f"{error}:{symbol}" if error == "symbol_not_in_allowlist" else error
    else:
        order = {"side": chance.choice(("BUY", "SELL")), "qty": round(chance.uniform(0.01, 1), 3)}
        details |= order | {"order_status": "FILLED"}
    return {
        "event_type": "apply.result",
        "plan_id": plan_id,
        "symbol": symbol,
        "executed": "false" if error else "true",
        "source": "intent_executor",
        "details": json.dumps(details),
        "timestamp": str(timestamp),
    }


def _broken(chance: random.Random, plan_id: str, symbol: str, timestamp: int) -> Fields:
    """What publishers get wrong: no decision, an unknown one, no time, no JSON."""
    at = str(timestamp)
    broken: tuple[Fields, ...] = (
        {"plan_id": plan_id, "symbol": symbol, "decision": "", "executed": "", "timestamp": at},
        {"plan_id": plan_id, "symbol": symbol, "decision": "MAYBE", "timestamp": at},
        {"symbol": "", "decision": "SKIP", "error": "no_position", "timestamp": ""},
        {"plan_id": plan_id, "symbol": symbol, "executed": "false", "details": "{broken", "timestamp": "not-a-time"},
    )
    return chance.choice(broken)
