"""The proof of P3.5: decisions of our own are counted, each once, in its minute, and shown in every window.

They are published in the real stream, and taken back: see `console.proof.taking_back`. What stays are the entries,
`processed_total`, `last_id` and `last_ts`, and what Prometheus has scraped meanwhile.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import redis

from connectors.group_info import read_state
from console.proof.checks import Checks, fields, number, pending
from console.proof.taking_back import Published, counted, taken_back
from console.queries.fetch import text
from console.queries.groups import read_groups
from flows.settings.p35 import P35Settings
from sinks import buckets, decisions, p35_status, proofs, snapshots, symbols
from sinks.values.counts import DECISIONS, WINDOWS

SECONDS = 60.0
"""How long the service may take for all of it: windows are computed every SNAPSHOT_INTERVAL_SEC, which is 10."""

TOP = 50
"""How many reasons and gates a window shows."""


def prove(checks: Checks, client: redis.Redis, settings: P35Settings) -> None:
    """The steps, in order; blocks for as long as `checks` waits."""
    prefix, token = settings.key_prefix, proofs.new_token()
    stream, status_key = decisions.stream_key(prefix), p35_status.key(prefix)
    symbol, gate = proofs.symbol(token), proofs.gate(token)

    checks.becomes(
        f"group: {decisions.GROUP} exists",
        True,
        lambda: read_state(client, stream, decisions.GROUP) is not None,
    )
    # Without a consumer, the next one would count what is published now, with no proof running to take it back.
    if not checks.becomes("service: a consumer of the group lives", True, lambda: lives(client, prefix)):
        return
    named = ["consumer_name", "pending_estimate", "service_start_ts", "trimmed_total", "version"]
    checks.becomes(
        "status: the service says who it is", named, lambda: sorted({*named} & fields(client, status_key).keys())
    )
    names, published, interval = (symbol, gate), Counter[Published](), settings.snapshot_interval_sec
    with checks.cleaning_up(lambda: taken_back(checks, client, prefix, names, published, interval)):
        _count(checks, client, settings, names, published)


def _count(
    checks: Checks,
    client: redis.Redis,
    settings: P35Settings,
    names: tuple[str, str],
    noted: Counter[Published],
) -> None:
    """Publish decisions of symbol and gate `names`, note in `noted` those that are published, and follow them."""
    prefix, (symbol, gate) = settings.key_prefix, names
    stream, status_key = decisions.stream_key(prefix), p35_status.key(prefix)
    in_windows = {window: _window(client, prefix, window) for window in WINDOWS}
    processed = number(client, status_key, "processed_total")
    now = int(time.time())
    published = _decisions(symbol, gate, now)
    checks.say(f"      adding {len(published)} decisions to {stream}, with symbol {symbol} and gate {gate}")
    ids = []
    for entry in published:
        ids.append(client.xadd(stream, entry))
        noted[_meaning(entry, gate)] += 1

    wanted = _wanted(published, gate)
    minutes = {minute: wanted_in for minute, wanted_in in wanted.items() if wanted_in}
    checks.becomes(
        "counts: each decision is in the bucket of its minute, once",
        minutes,
        lambda: {minute: counted(client, prefix, minute, gate) for minute in minutes},
    )
    if settings.enable_symbol_breakdown:
        wanted_symbol = Counter(_meaning(entry, gate).decision for entry in published)
        checks.becomes(
            "counts: the symbol has them, too",
            dict(wanted_symbol),
            lambda: _of_symbol(client, prefix, list(minutes), symbol),
        )
    checks.reaches(
        "status: processed_total has grown by as many",
        processed + len(published),
        lambda: number(client, status_key, "processed_total"),
    )
    checks.becomes(
        "pending: none of them waits to be acknowledged", 0, lambda: pending(client, stream, decisions.GROUP, ids)
    )
    for window in WINDOWS:
        checks.becomes(
            f"windows: {window} shows them",
            True,
            lambda window=window: _shows(client, prefix, window, gate, in_windows, len(published)),  # type: ignore[misc]
        )
    reasons = {reason for wanted_in in wanted.values() for reason in wanted_in}
    checks.becomes(
        "top reasons: 1h has each of them, or so many that are as frequent",
        True,
        lambda: _is_full(top := _top(client, snapshots.reasons_key(prefix, "1h")), 1) or reasons <= set(top),
    )
    checks.becomes("symbols: last_execute is the newest EXECUTE", now - 60, lambda: _seen(client, prefix, symbol)[0])
    checks.becomes("symbols: last_seen is the newest decision", now, lambda: _seen(client, prefix, symbol)[1])


def _decisions(symbol: str, gate: str, now: int) -> list[dict[Any, Any]]:
    """Both publishers' shapes, each decision, this minute and the one before."""
    details = f'{{"error": "{gate}:details", "symbol": "{symbol}", "executed": false}}'
    return [
        {"symbol": symbol, "decision": "EXECUTE", "reason": f"{gate}:executed", "timestamp": str(now - 60)},
        {"symbol": symbol, "decision": " skipped ", "error": f"{gate}:skipped", "timestamp": str(now)},
        {"symbol": symbol, "decision": "BLOCKED", "error": f"{gate}:blocked", "timestamp": f"{now}.25"},
        {"symbol": symbol, "decision": "failed", "error": f"{gate}:failed", "timestamp": f"{now}000"},
        {"symbol": symbol, "decision": f"proof {gate}", "error": f"{gate}:unknown", "timestamp": str(now)},
        {"symbol": symbol, "executed": "false", "details": details, "timestamp": str(now - 60)},
    ]


def _meaning(entry: dict[Any, Any], gate: str) -> Published:
    """What one of `_decisions` is counted by, as the contract has it."""
    reason = entry.get("error") or entry.get("reason") or f"{gate}:details"
    kind = reason.partition(":")[2]
    by_kind = {"executed": 0, "skipped": 1, "blocked": 2, "failed": 3, "unknown": 4, "details": 2}
    raw = entry["decision"] if kind == "unknown" else ""
    return Published(int(entry["timestamp"][:10]) // 60, DECISIONS[by_kind[kind]], reason, raw)


def _wanted(published: list[dict[Any, Any]], gate: str) -> dict[int, dict[str, int]]:
    """Minute -> reason -> how many."""
    wanted: dict[int, dict[str, int]] = {}
    for one in (_meaning(entry, gate) for entry in published):
        wanted.setdefault(one.minute, {})[one.reason] = 1
    return wanted


def _of_symbol(client: redis.Redis, prefix: str, minutes: list[int], symbol: str) -> dict[str, int]:
    start, total = f"symbol_decision:{symbol}:", Counter[str]()
    for minute in minutes:
        for name, count in fields(client, buckets.bucket_key(prefix, minute)).items():
            if name.startswith(start):
                total[name.removeprefix(start)] += int(count)
    return dict(total)


def lives(client: redis.Redis, prefix: str) -> bool:
    """Whether a consumer of the group holds a lease. Blocks for three round trips."""
    groups = read_groups(client, {decisions.stream_key(prefix): decisions.lease_prefix(prefix)})
    return any(group.name == decisions.GROUP and group.alive for group in groups)


def _window(client: redis.Redis, prefix: str, window: str) -> int:
    return sum(int(count) for count in fields(client, snapshots.decisions_key(prefix, window)).values())


def _shows(client: redis.Redis, prefix: str, window: str, gate: str, before: dict[str, int], published: int) -> bool:
    """Whether the gate is among the top ones, or they are full with larger ones.

    The shortest window is the running minute only, which a published decision may just have left: there, it is enough
    that it has been computed again. If it was empty and is, the next one tells, which is computed in the same step.
    """
    found = _top(client, snapshots.gates_key(prefix, window))
    if gate in found:
        return window == "1m" or found[gate] == published
    again = window == "1m" and any(_window(client, prefix, one) != before[one] for one in ("1m", "5m"))
    return _is_full(found, published) or again


def _top(client: redis.Redis, key: str) -> dict[str, int]:
    rows: Any = client.zrevrange(key, 0, -1, withscores=True)
    return {text(name): int(score) for name, score in rows}


def _is_full(top: dict[str, int], count: int) -> bool:
    """Whether something that was counted so often need not be in it."""
    return len(top) >= TOP and min(top.values()) >= count


def _seen(client: redis.Redis, prefix: str, symbol: str) -> tuple[int, int]:
    """The newest EXECUTE and the newest decision, whole epoch seconds; 0 when there is none."""
    executed: Any = client.hget(symbols.last_execute_key(prefix), symbol)
    seen: Any = client.hget(symbols.last_seen_key(prefix), symbol)
    return int(float(executed or 0)), int(float(seen or 0))
