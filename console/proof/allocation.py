"""The proof of P3.1 step 1: targets of our own get the proposals that the contract's formula gives them.

Targets, efficiencies and proposals are removed afterwards, also from the stream of proposals, whose newest entries are
taken for real. (The lag of a group that has not read that far is unknown until it has.)
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import redis

from console.proof.checks import KEEP_SECONDS, LOOK_SECONDS, Checks, fields
from console.proof.efficiency import Case, cases, efficiencies, said
from console.queries.fetch import text
from flows.settings.joins import AllocationSettings
from sinks import proofs, proposals

BASE = 1_000.0
"""USD of each target."""

LOOPS = 3
"""How many loops the service may take."""


def seconds(settings: AllocationSettings) -> float:
    """How long the service may take for all of it."""
    return LOOPS * settings.loop_interval_sec + 30


def _settling(settings: AllocationSettings) -> float:
    """Seconds after which any loop that read the targets is over, and the next one has run."""
    return settings.loop_interval_sec + 2


def prove(checks: Checks, client: redis.Redis, settings: AllocationSettings) -> None:
    """The six cases; blocks for as long as `checks` waits."""
    prefix, token = settings.key_prefix, proofs.new_token()
    stream = settings.propose_stream_name or proposals.stream_key(prefix)
    known = cases(settings.p31_stale_sec, settings.p31_min_conf, high=0.9, low=0.2)
    symbols = {case.symbol(token) for case in known}
    targets = {case: f"{proposals.target_prefix(prefix)}{case.symbol(token)}" for case in known}
    written: dict[Any, Any] = {"target_usd": f"{BASE:.0f}", "confidence": "0.9", "timestamp": "0", "mode": "proof"}
    newest: Any = client.xrevrange(stream, count=1)
    after = newest[0][0] if newest else b"0-0"

    newest_of = [proposals.proposal_key(prefix, symbol) for symbol in symbols]

    def clean_up() -> None:
        client.delete(*targets.values(), *newest_of)
        if ids := [entry_id for entry_id, _symbol, _reason in _entries(client, stream, after, symbols)]:
            client.xdel(stream, *ids)

    checks.say(f"      adding {len(known)} targets, {targets[known[0]]} and others; they are removed afterwards")
    with checks.cleaning_up(clean_up), efficiencies(checks, client, prefix, token, known):
        for target in targets.values():
            client.hset(target, mapping=written)
            client.expire(target, KEEP_SECONDS)
        for case in known:
            _proposed(checks, client, settings, case, case.symbol(token))
        for case, target in targets.items():
            checks.becomes(f"{case.name}: its target is as it was", written, partial(fields, client, target))
        wanted = {case.symbol(token): case.reason for case in known}
        checks.becomes("stream: an entry for each", wanted, lambda: _reasons(client, stream, after, symbols))
    # A loop that was under way when the targets went still knew them.
    until = time.monotonic() + _settling(settings)
    while time.monotonic() < until:
        if client.exists(*newest_of):
            clean_up()
        time.sleep(LOOK_SECONDS)
    left = list(_entries(client, stream, after, symbols))
    checks.holds("gone: nothing is proposed any more", not left and not client.exists(*newest_of), f"{len(left)} left")


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


def _entries(client: redis.Redis, stream: str, after: bytes, symbols: set[str]) -> Iterator[tuple[bytes, str, str]]:
    """ID, symbol and reason of the entries of `symbols` behind `after`."""
    rows: Any = client.xrange(stream, b"(" + after)
    for entry_id, entry in rows:
        symbol = text(entry.get(b"symbol", b""))
        if symbol in symbols:
            yield entry_id, symbol, text(entry.get(b"reason", b""))


def _reasons(client: redis.Redis, stream: str, after: bytes, symbols: set[str]) -> dict[str, str]:
    """Symbol -> reason; one that is there with two reasons has the first."""
    found: dict[str, str] = {}
    for _id, symbol, reason in _entries(client, stream, after, symbols):
        found.setdefault(symbol, reason)
    return found
