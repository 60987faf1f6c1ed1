"""Targets, efficiencies and plans for tests, and what the contract makes of them, by exact arithmetic."""

from __future__ import annotations

import json
import time
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import redis

SAMPLED_AT = 1_769_929_020
"""The time that the samples are relative to, epoch seconds."""

FOLDER = Path(__file__).parent

Row = dict[str, str]


def allocation_sample(now: int) -> dict[str, Row]:
    """Key -> hash, of targets and efficiencies, as if they had been sampled at `now`."""
    found = {}
    for line in (FOLDER / "allocation.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        times = {
            name: str(int(entry["fields"][name]) - SAMPLED_AT + now)
            for name in ("ts", "timestamp")
            if name in entry["fields"]
        }
        found[entry["key"]] = {**entry["fields"], **times}
    return found


def plan_sample() -> list[Row]:
    """The sampled plans."""
    return [json.loads(line) for line in (FOLDER / "apply_plan.jsonl").read_text("utf-8").splitlines()]


def put(client: redis.Redis, rows: dict[str, Row]) -> None:
    """Write `rows`."""
    for key, fields in rows.items():
        client.hset(key, mapping=fields)  # type: ignore[arg-type]


def efficiency(score: object = "0.8", confidence: object = "0.9", ts: object = None) -> Row:
    """A row of the efficiency table, by default one that counts."""
    return {
        "efficiency_score": str(score),
        "confidence": str(confidence),
        "ts": str(int(time.time()) if ts is None else ts),
    }


def reason_of(row: Row | None, now: int, stale_after: int = 600) -> str:
    """What the contract says of a row that is there or not, and holds numbers."""
    if row is None:
        return "missing_eff"
    if abs(now - Decimal(row["ts"])) > stale_after:
        return "stale_eff"
    return "low_conf" if Decimal(row["confidence"]) < Decimal("0.65") else "ok"


def places(value: Decimal, count: int) -> str:
    """`value` with `count` decimals."""
    return str(value.quantize(Decimal(1).scaleb(-count), ROUND_HALF_EVEN))


def expected_proposal(symbol: str, target: Row, row: Row | None, now: int) -> Row:
    """The entry of the stream that the contract demands, but for its time."""
    reason = reason_of(row, now)
    times = Decimal(1)
    if reason == "ok":
        assert row is not None
        times = min(max(Decimal("0.5") + Decimal(row["efficiency_score"]), Decimal("0.5")), Decimal("1.5"))
    return {
        "symbol": symbol,
        "base_target": places(Decimal(target["target_usd"]), 2),
        "proposed_target": places(Decimal(target["target_usd"]) * times, 2),
        "multiplier": places(times, 4),
        "eff_score": places(Decimal(row["efficiency_score"]), 4) if row else "",
        "eff_confidence": places(Decimal(row["confidence"]), 3) if row else "",
        "eff_stale": str(int(reason == "stale_eff")),
        "reason": reason,
        "mode": "shadow",
    }


def expected_hint(row: Row | None, now: int) -> Row:
    """The fields of a permit that the contract demands for a plan of a symbol with this efficiency."""
    reason = reason_of(row, now)
    action, factor, cooldown = "NONE", Decimal(1), Decimal(0)
    if reason == "ok" and row is not None and Decimal(row["efficiency_score"]) < Decimal("0.45"):
        score = Decimal(row["efficiency_score"])
        action, factor, cooldown = "DOWNSIZE", max(Decimal("0.25"), score / Decimal("0.45")), (1 - score) * 120
    return {
        "eff_score": places(Decimal(row["efficiency_score"]), 4) if row else "",
        "eff_confidence": places(Decimal(row["confidence"]), 3) if row else "",
        "eff_stale": str(int(reason == "stale_eff")),
        "eff_factor": places(factor, 4),
        "eff_action": action,
        "eff_reason": reason,
        "downsize_factor": places(factor, 4),
        "extra_cooldown_sec": places(cooldown, 0),
    }
