"""The proof of history: decisions of our own are in their hour and their day, and gone from both once taken back.

They are published in the real stream, so `flows.p35` has to run, too; what is taken back, and how, is said at
`console.proof.taking_back`.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import redis

from console.proof.checks import Checks
from console.proof.p35 import lives
from console.proof.taking_back import Published, counted, taken_back
from flows.settings.history import HistorySettings
from flows.settings.p35 import P35Settings
from sinks import decisions, history, proofs
from sinks.values.counts import BLOCKED, EXECUTE
from sinks.values.history import DAY, HOUR, RollUp

PUBLISHED = {EXECUTE: 1, BLOCKED: 2}
"""Decision -> how many are published."""

_NAMES = {HOUR: "hour", DAY: "day"}


def seconds(settings: HistorySettings) -> float:
    """How long the services may take for all of it: counts are in the roll-ups within two passes, twice."""
    return 4 * settings.history_interval_sec + 60


def prove(checks: Checks, client: redis.Redis, settings: HistorySettings, counting: P35Settings) -> None:
    """The steps, in order; blocks for as long as `checks` waits.

    :arg counting: the settings of `flows.p35`.
    """
    prefix, token = settings.key_prefix, proofs.new_token()
    symbol, gate = proofs.symbol(token), proofs.gate(token)
    # Without a consumer, the next one would count what is published now, with no proof running to take it back.
    if not checks.becomes("service: flows.p35 counts", True, lambda: lives(client, prefix)):
        return
    names, noted = (symbol, gate), Counter[Published]()
    now, interval = int(time.time()), counting.snapshot_interval_sec
    with checks.cleaning_up(lambda: taken_back(checks, client, prefix, names, noted, interval)):
        _count(checks, client, settings, names, now, noted, symbols=counting.enable_symbol_breakdown)
    checks.extend(2 * settings.history_interval_sec + 30)
    for length in (HOUR, DAY):
        checks.becomes(
            f"taken back: the {_NAMES[length]} has none of them any more",
            (0, 0, 0),
            lambda length=length: _of(_read(client, prefix, now, length), symbol, gate),  # type: ignore[misc]
        )


def _count(
    checks: Checks,
    client: redis.Redis,
    settings: HistorySettings,
    names: tuple[str, str],
    now: int,
    noted: Counter[Published],
    *,
    symbols: bool,
) -> None:
    """Publish decisions of symbol and gate `names`, note them in `noted`, and follow them into the roll-ups."""
    prefix, (symbol, gate) = settings.key_prefix, names
    stream, total = decisions.stream_key(prefix), sum(PUBLISHED.values())
    checks.say(f"      adding {total} decisions to {stream}, with symbol {symbol} and gate {gate}")
    for decision, count in PUBLISHED.items():
        entry: dict[Any, Any] = {
            "symbol": symbol,
            "decision": decision,
            "error": f"{gate}:proof",
            "timestamp": str(now),
        }
        for _ in range(count):
            client.xadd(stream, entry)
            noted[Published(now // 60, decision, f"{gate}:proof")] += 1
    checks.becomes(
        "counts: they are in the bucket of their minute",
        {f"{gate}:proof": total},
        lambda: counted(client, prefix, now // 60, gate),
    )
    for length, ttl in ((HOUR, settings.history_hour_ttl_sec), (DAY, settings.history_day_ttl_sec)):
        name = _NAMES[length]
        key = history.key(prefix, _start(now, length), length)
        wanted = (total, total, total) if symbols else (total, 0, 0)
        checks.becomes(
            f"{name}: its gate, its symbol, and the two together have them, once",
            wanted,
            lambda length=length: _of(_read(client, prefix, now, length), symbol, gate),  # type: ignore[misc]
        )
        one = _read(client, prefix, now, length)
        sums = (0, 0) if one is None else (sum(one.decisions.values()), sum(one.gates.values()))
        checks.holds(f"{name}: its gates add up to its decisions", sums[0] == sums[1] > 0, f"{sums[1]} and {sums[0]}")
        checks.holds(f"{name}: it counts its minutes", one is not None and 0 < one.minutes <= length)
        left: Any = client.ttl(key)
        checks.holds(f"{name}: it expires", 0 < left <= ttl, f"in {left} s")


def _start(now: int, length: int) -> int:
    return now // 60 // length * length


def _read(client: redis.Redis, prefix: str, now: int, length: int) -> RollUp | None:
    start = _start(now, length)
    return history.read(client, prefix, [start], length).get(start)


def _of(one: RollUp | None, symbol: str, gate: str) -> tuple[int, int, int]:
    """How often the gate was counted, the symbol, and the two together."""
    if one is None:
        return 0, 0, 0
    of_symbol = sum(count for (name, _decision), count in one.symbol_decisions.items() if name == symbol)
    return one.gates.get(gate, 0), of_symbol, one.symbol_gates.get((symbol, gate), 0)
