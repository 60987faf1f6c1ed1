"""The proof of P3.1 step 1: targets of our own get the proposals that the contract's formula gives them.

The targets, efficiencies and newest proposals are removed afterwards (and expire by themselves). Entries stay in the
stream of proposals, which is kept short anyway: if they vanished, its readers' lag would become unknown.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import redis

from console.proof.checks import KEEP_SECONDS, Checks, fields, new_token
from console.proof.efficiency import Case, cases, efficiencies, said
from flows.settings.joins import AllocationSettings
from sinks import proposals

BASE = 1_000.0
"""USD of each target."""

LOOPS = 3
"""How many loops the service may take."""


def seconds(settings: AllocationSettings) -> float:
    """How long the service may take for all of it."""
    return LOOPS * settings.loop_interval_sec + 5


def prove(checks: Checks, client: redis.Redis, settings: AllocationSettings) -> None:
    """The six cases; blocks for as long as `checks` waits."""
    prefix, token = settings.key_prefix, new_token()
    stream = settings.propose_stream_name or proposals.stream_key(prefix)
    known = cases(settings.p31_stale_sec, settings.p31_min_conf, high=0.9, low=0.2)
    targets = {case: f"{proposals.target_prefix(prefix)}{case.symbol(token)}" for case in known}
    written: dict[Any, Any] = {"target_usd": f"{BASE:.0f}", "confidence": "0.9", "timestamp": "0", "mode": "proof"}
    newest: Any = client.xrevrange(stream, count=1)
    after = newest[0][0] if newest else b"0-0"
    checks.say(f"      adding {len(known)} targets, {targets[known[0]]} and others; they are removed afterwards")
    try:
        with efficiencies(client, prefix, token, known):
            for target in targets.values():
                client.hset(target, mapping=written)
                client.expire(target, KEEP_SECONDS)
            for case in known:
                _proposed(checks, client, settings, case, case.symbol(token))
            for case, target in targets.items():
                checks.becomes(f"{case.name}: its target is as it was", written, partial(fields, client, target))
            wanted = {case.symbol(token): case.reason for case in known}
            checks.becomes("stream: an entry for each", wanted, lambda: _entries(client, stream, after, set(wanted)))
    finally:
        client.delete(*targets.values())
        client.delete(*(proposals.proposal_key(prefix, case.symbol(token)) for case in known))


def _proposed(checks: Checks, client: redis.Redis, settings: AllocationSettings, case: Case, symbol: str) -> None:
    key = proposals.proposal_key(settings.key_prefix, symbol)
    times = 1.0
    if case.reason == "ok" and case.score is not None:
        times = settings.p31_base + settings.p31_scale * (case.score - 0.5)
        times = min(settings.p31_max_mult, max(settings.p31_min_mult, times))
    wanted = {
        "symbol": symbol,
        "base_target": f"{BASE:.2f}",
        "proposed_target": f"{BASE * times:.2f}",
        "multiplier": f"{times:.4f}",
        "reason": case.reason,
        "mode": "shadow",
        **said(case),
    }

    def look() -> dict[str, str]:
        found = fields(client, key)
        return {name: found.get(name, "(missing)") for name in wanted}

    checks.becomes(f"{case.name}: {case.reason}, multiplier {times:.4f}", wanted, look)
    left: Any = client.ttl(key)
    checks.holds(f"{case.name}: it expires", 0 < left <= settings.propose_key_ttl, f"in {left} s")


def _entries(client: redis.Redis, stream: str, after: bytes, symbols: set[str]) -> dict[str, str]:
    """Symbol -> reason, of the entries behind `after`; one that is there with two reasons has the first."""
    found: dict[str, str] = {}
    rows: Any = client.xrange(stream, b"(" + after)
    for _id, entry in rows:
        symbol = entry.get(b"symbol", b"").decode("utf-8", "replace")
        if symbol in symbols:
            found.setdefault(symbol, entry.get(b"reason", b"").decode("utf-8", "replace"))
    return found
