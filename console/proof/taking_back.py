"""Taking the decisions of a proof back: their counts move from their minutes into one that no window shows.

`processed_total` never decreases, and is the sum over all buckets, so counts cannot simply be deleted. They are moved,
in one step, into the bucket of minute 0, and expire there as they would have. `quantum verify` finds their gates there,
and expects their decisions there and not in their own minutes. (Without the entries it could not judge anything older:
Redis records only that something was deleted.)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import redis

from console.proof.checks import Checks, fields
from console.queries.fetch import count_of
from sinks import buckets, snapshots, symbols
from sinks.values.counts import WINDOWS

_WHAT = "taken back: the counts of these decisions"

_LONGEST_WAIT = 60.0
"""Most seconds to wait for windows to be computed again (an hour is allowed between two)."""

_SHARED = "decision:"
"""What the fields begin with in which others count, too."""

_OF_SYMBOL = ("symbol_decision:", "symbol_reason:")


@dataclass(frozen=True, slots=True)
class Published:
    """What a decision is counted by."""

    minute: int
    decision: str
    reason: str
    raw: str = ""
    """The raw decision, where it is unknown."""


def taken_back(
    checks: Checks,
    client: redis.Redis,
    prefix: str,
    names: tuple[str, str],
    published: Mapping[Published, int],
    snapshot_interval: float,
) -> bool:
    """Take back what was `published`, with the symbol and the gate `names`, and check that no window shows it.

    Where not all of it was counted in time, it stays. Where nothing was published, nothing is checked.

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
    trouble = _move(client, prefix, symbol, published)
    if not checks.holds(_WHAT, not trouble, trouble):
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


def _move(client: redis.Redis, prefix: str, symbol: str, published: Mapping[Published, int]) -> str:
    """Move the counts, in one step; why not, printable: where one of them is not there, none is moved."""
    target = buckets.bucket_key(prefix, buckets.TAKEN_BACK)
    moved = {buckets.bucket_key(prefix, one.minute): Counter[str]() for one in published}
    taken: defaultdict[str, Counter[str]] = defaultdict(Counter, moved)
    for one, count in published.items():
        for key in (buckets.bucket_key(prefix, one.minute), buckets.summary_key(prefix, one.minute)):
            taken[key].update({f"decision:{one.decision}": count, f"reason:{one.reason}": count})
        if one.raw:
            taken[buckets.unknown_key(prefix, one.minute)][one.raw] += count
    for key, counts in moved.items():
        # As far as they are there: the flow may count without them.
        starts = tuple(f"{start}{symbol}:" for start in _OF_SYMBOL)
        counts.update({name: int(count) for name, count in fields(client, key).items() if name.startswith(starts)})
    # What is looked at here only grows meanwhile: nobody else writes fields of this gate, symbol and raw decision.
    left = {key: _left(client, key, counts) for key, counts in taken.items()}
    for key, fields_left in left.items():
        if short := [name for name, count in fields_left.items() if count < 0]:
            return f"{key} has too little in {short[0]}; they stay"
    lasts: Any = max(client.pttl(key) for key in (*moved, target))
    pipeline = client.pipeline(transaction=True)
    for key, fields_left in left.items():
        for name, count in fields_left.items():
            if key in moved:
                pipeline.hincrby(target, name, taken[key][name])
            if count or name.startswith(_SHARED):
                pipeline.hincrby(key, name, -taken[key][name])
            else:
                pipeline.hdel(key, name)
    if lasts > 0:
        pipeline.pexpire(target, lasts)
    pipeline.execute()
    _remove_zeros(client, list(taken))
    return ""


def _left(client: redis.Redis, key: str, counts: Mapping[str, int]) -> dict[str, int]:
    """What each field of the hash will hold without its count of `counts`."""
    held: Any = client.hmget(key, list(counts))
    return {name: count_of(value) - count for (name, count), value in zip(counts.items(), held, strict=True)}


def _remove_zeros(client: redis.Redis, keys: list[str]) -> None:
    """Remove decisions that came to 0, but not from a hash in which something is counted just now."""
    with client.pipeline() as pipeline:
        for key in keys:
            pipeline.watch(key)  # type: ignore[no-untyped-call]
            found: Any = pipeline.hgetall(key)
            zeros = [name for name, count in found.items() if name.startswith(_SHARED.encode()) and count == b"0"]
            pipeline.multi()
            if zeros:
                pipeline.hdel(key, *zeros)
            with suppress(redis.WatchError):
                pipeline.execute()


def _shown(client: redis.Redis, prefix: str, gate: str) -> list[str]:
    """The windows in which `gate` is still shown."""
    tops = {window: client.zrevrange(snapshots.gates_key(prefix, window), 0, -1) for window in WINDOWS}
    return [window for window, top in tops.items() if gate.encode() in top]
