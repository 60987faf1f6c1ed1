"""Taking decisions of a proof back: out of their minutes, where all can see them, into one that no window shows.

They were counted, and what is counted exactly cannot be uncounted: `processed_total` never falls, and is the sum over
all buckets. So the counts are moved, in one step, into the bucket of minute 0, and expire there as they would have.
`quantum verify` knows the gates that lie there, and expects their decisions there and not in their own minutes.
(Deleting the entries would make it blind for all that is older: Redis knows only that something was deleted.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import redis

from connectors.move import Move, move
from console.proof.checks import Checks, fields
from sinks import buckets, snapshots, symbols
from sinks.values.counts import WINDOWS

_WHAT = "taken back: the counts of these decisions"

_LONGEST_WAIT = 60.0
"""Seconds to wait for windows to be computed again; an hour is allowed, and nobody waits for that."""

_OF_SYMBOL = ("symbol_decision:", "symbol_reason:")


@dataclass(frozen=True, slots=True)
class Published:
    """Something that a decision is counted by."""

    minute: int
    decision: str
    reason: str
    raw: str = ""
    """What stood for the decision, where nobody knows it."""


def taken_back(
    checks: Checks,
    client: redis.Redis,
    prefix: str,
    names: tuple[str, str],
    published: Mapping[Published, int],
    snapshot_interval: float,
) -> bool:
    """Take back what was `published`, with the symbol and the gate `names`, and check that nobody sees it any more.

    Where not all of it was counted in time, it stays, and counts when it is. Where nothing was, nothing is checked.

    :arg snapshot_interval: seconds, within which the service computes its windows.
    :raises RedisFailure: not known whether it was taken back.
    """
    if not published:
        return True
    symbol, gate = names
    nowhere: list[str] = []
    wanted: dict[int, Counter[str]] = {}
    for one, count in published.items():
        wanted.setdefault(one.minute, Counter())[one.reason] += count
    if any(counted(client, prefix, minute, gate) != reasons for minute, reasons in wanted.items()):
        return checks.holds(_WHAT, False, "they were not counted as they must be; they stay")
    if not _move(checks, client, prefix, symbol, published):
        return False
    pipeline = client.pipeline(transaction=True)
    pipeline.hdel(symbols.last_execute_key(prefix), symbol)
    pipeline.hdel(symbols.last_seen_key(prefix), symbol)
    pipeline.execute()
    checks.extend(min(snapshot_interval, _LONGEST_WAIT) + 5)
    return checks.becomes("taken back: no window shows them any more", nowhere, lambda: _shown(client, prefix, gate))


def counted(client: redis.Redis, prefix: str, minute: int, gate: str) -> dict[str, int]:
    """Reason -> count, of the reasons of `gate` in the bucket of `minute`. Blocks for a round trip."""
    start = f"reason:{gate}:"
    found = fields(client, buckets.bucket_key(prefix, minute))
    return {name.removeprefix("reason:"): int(count) for name, count in found.items() if name.startswith(start)}


def _move(checks: Checks, client: redis.Redis, prefix: str, symbol: str, published: Mapping[Published, int]) -> bool:
    moves: list[Move] = []
    target = buckets.bucket_key(prefix, buckets.TAKEN_BACK)
    for minute in sorted({one.minute for one in published}):
        counts: Counter[str] = Counter()
        unknown: Counter[str] = Counter()
        for one, count in published.items():
            if one.minute == minute:
                counts[f"decision:{one.decision}"] += count
                counts[f"reason:{one.reason}"] += count
                if one.raw:
                    unknown[one.raw] += count
        key, summary = buckets.bucket_key(prefix, minute), buckets.summary_key(prefix, minute)
        moves += [Move(key, target, field, count) for field, count in counts.items()]
        moves += [Move(summary, None, field, count) for field, count in counts.items()]
        moves += [Move(buckets.unknown_key(prefix, minute), None, raw, count) for raw, count in unknown.items()]
        # As far as they are there: the service may count without them.
        starts = tuple(f"{start}{symbol}:" for start in _OF_SYMBOL)
        found = fields(client, key)
        moves += [Move(key, target, name, int(count)) for name, count in found.items() if name.startswith(starts)]
    short = move(client, moves)
    detail = "" if short is None else f"{short.key} has {short.found or 'nothing'} in {short.field}; they stay"
    return checks.holds(_WHAT, short is None, detail)


def _shown(client: redis.Redis, prefix: str, gate: str) -> list[str]:
    """The windows in which `gate` is still shown."""
    tops = {window: client.zrevrange(snapshots.gates_key(prefix, window), 0, -1) for window in WINDOWS}
    return [window for window, top in tops.items() if gate.encode() in top]
