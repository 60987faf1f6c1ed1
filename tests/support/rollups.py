"""Hours and days planted in Redis, as docs/redis-schema.md says they lie there, by hand."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import redis

from sinks.packed import pack

HOUR, DAY, WEEK = 3_600, 86_400, 604_800
"""Seconds."""


def plant(
    client: redis.Redis,
    seconds: float,
    decisions: Mapping[str, int],
    gates: Mapping[str, int],
    *,
    length: int = HOUR,
    symbols: Mapping[str, Mapping[str, int]] | None = None,
    pairs: Mapping[tuple[str, str], int] | None = None,
    parts: int = 1,
) -> None:
    """The roll-up of `length` (HOUR or DAY) that holds an instant. What is missing from `gates` has no reason."""
    name = time.strftime("hour:%Y%m%d%H" if length == HOUR else "day:%Y%m%d", time.gmtime(seconds))
    fields: dict[Any, Any] = {f"decision:{one}": str(count) for one, count in decisions.items()}
    gates = {**gates, "none": sum(decisions.values()) - sum(gates.values())}
    fields |= {f"gate:{one}": str(count) for one, count in gates.items()}
    for symbol, counts in (symbols or {}).items():
        fields |= {f"symbol_decision:{symbol}:{one}": str(count) for one, count in counts.items()}
    fields |= {
        "minutes": str(length // 60),
        "updated_ts": f"{time.time():.3f}",
        "symbol_gates": pack(pairs or {}, parts),
    }
    client.hset(f"quantum:p35:{name}", mapping=fields)
