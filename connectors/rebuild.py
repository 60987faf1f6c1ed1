"""Rebuilding what an App has written, beside the running flow, and swapping it in in one step.

    python -m connectors.rebuild orders:app [--from 2026-11-24T10:00] [--drop]

The App runs with groups of its own and writes under keys of its own (see `shadow`). Once it has caught up with the
running flow it asks that to hold still for a moment, reads what is left, and swaps (see `swap.lua`). Running instances
come back by themselves, and go on behind what the rebuild has read.

It may be killed at any moment: there is what the flow had written, or what was rebuilt, and never some of each.
Killed before the swap, the same command goes on. `--drop` throws away what was begun.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import redis
import structlog

from connectors.app import App
from connectors.catching_up import CaughtUp, run_until
from connectors.connection import Script
from connectors.consumer_names import consumer_of
from connectors.errors import CannotRebuild, GroupHeld, translating
from connectors.group_config import GroupConfig
from connectors.group_creation import ensure_group
from connectors.lease import Lease
from connectors.progress import read_places
from connectors.replay import begin, command, run
from connectors.settings import AppSettings
from connectors.shadow import notes_key, shadow_group, shadow_of
from connectors.stream_id import before, parse

_log = structlog.get_logger("rebuild")
_swap = Script.load("stream_id", "swap")

HOLD_SECONDS = 20
"""For so long the running flow holds still at the most; `create_group.lua` bounds it, too."""

SWAP_SECONDS = 120.0
"""For so long Redis may be busy with a swap, before its reply is given up: enough for millions of keys."""

LONGEST_WAIT_SECONDS = 5.0
"""To read what the running flow had committed when it was asked to; then it is let go on for a while."""


_LOCK_GONE = "the lock of this rebuild is gone: it stalled past its TTL, or was dropped"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a swap has put in place."""

    replaced: int
    """Keys that now hold what was rebuilt."""
    deleted: int
    """Keys for which nothing was."""
    pending: int
    """Entries that failed, and go on waiting for their next attempt, by the running flow."""
    letters_gone: int
    """Dead letters whose entries were processed again, and that were deleted."""
    letters_new: int
    """Dead letters of the rebuild, which were added."""


def rebuild(app: App, settings: AppSettings, since: datetime | None = None) -> Rebuilt | None:
    """Rebuild what `app` has written, and put it in place. Call it from the main thread.

    :arg since: from the first entry on that was added then or later. None: from where the flow itself began.
    :returns: None when the process is to stop before that; the next call goes on.
    :raises CannotRebuild: nothing was put in place; what was begun is still there.
    :raises FlowFailed: the flow ended by itself, likewise.
    :raises RedisFailure: Redis did not answer at the start or at the end, likewise, unless it was the reply to the swap
        that was lost.
    """
    groups = _groups_of(app, settings)
    if app.counted_in:
        key = app.counted_in[0].key
        raise CannotRebuild(f"App {app.flow_id} counts in windows {key!r}: their results were published")
    app.bind(settings, since=since, rebuild=True)
    try:
        with _alone(app, groups[0]) as (client, lock):
            for group in groups:
                _begin(client, group, since)
            try:
                while run_until(app, app.service, _CaughtUp(groups, lock)):
                    done = _put_in_place(client, lock, groups, app.dead_letters)
                    if done is not None:
                        return done
                    app.bind(settings, since=since, rebuild=True)
                return None
            finally:
                with suppress(redis.RedisError, OSError):  # (it ends by itself)
                    _let_go(client, groups)
    finally:
        app.bind(settings)


def drop(app: App, settings: AppSettings) -> int:
    """Throw away what a rebuild of `app` has computed and did not put in place; how many keys that were.

    :raises CannotRebuild: a rebuild is running.
    :raises RedisFailure: not known whether it is thrown away: call again.
    """
    groups = _groups_of(app, settings)
    with _alone(app, groups[0]) as (client, lock):
        return int(_call_swap(client, lock, "DROP", groups, app.dead_letters)[2])


def _groups_of(app: App, settings: AppSettings) -> list[GroupConfig]:
    app.bind(settings)
    if not app.groups:
        raise CannotRebuild(f"App {app.flow_id} reads no stream")
    return app.groups


@contextmanager
def _alone(app: App, group: GroupConfig) -> Iterator[tuple[redis.Redis, Lease]]:
    """A client, and the lock that no other rebuild of `app` holds; waits for that of one that was killed.

    :raises CannotRebuild: another is running.
    """
    ttl, key = app.settings.lease_ttl_sec, f"{shadow_of(group.counters)}:lock"
    with app.service.connect(SWAP_SECONDS) as client:
        lock = Lease(client, key, group.counters, ttl, math.inf)
        until = time.monotonic() + ttl + 1
        while not lock.acquire():
            if time.monotonic() > until:
                raise CannotRebuild(f"another rebuild of App {app.flow_id} is running")
            time.sleep(0.1)
        try:
            yield client, lock
        finally:
            lock.release()


def _begin(client: redis.Redis, group: GroupConfig, since: datetime | None) -> None:
    """Let the shadow of `group` begin, unless it has.

    :raises CannotRebuild: it began elsewhere, or what it should begin with is gone.
    """
    shadow = shadow_group(group)
    with suppress(GroupHeld):  # (for a rebuild that was killed; it is there)
        ensure_group(client, group if since is None else replace(group, start=before(since)))
    with translating():
        known: Any = client.hget(group.counters, "group_start")
        begun = client.hexists(shadow.counters, "group_start")
        facts: Any = client.xinfo_stream(group.stream)
    start = before(since) if since is not None else (known or group.start.encode()).decode()
    if start == "$":
        raise CannotRebuild(f"where group {group.group} of stream {group.stream} began is not known: pass --from")
    if since is None and not begun:
        _check_whole(group.stream, facts, start)
    begin(client, replace(shadow, start=start))


def _check_whole(stream: str, facts: dict[str, Any], start: str) -> None:
    """That nothing behind `start` is gone from `stream`, as far as Redis knows.

    :raises CannotRebuild: something may be.
    """
    first = facts["first-entry"]
    if start != "0" and first and parse(first[0]) <= parse(start.encode()):
        return  # (streams are trimmed from their beginning)
    if "entries-added" not in facts:
        _log.warning("this Redis cannot tell whether entries were trimmed; what is gone is not computed", stream=stream)
    elif gone := facts["entries-added"] - facts["length"]:
        raise CannotRebuild(f"{gone} entries are gone from stream {stream}; pass --from to say where to begin")


class _CaughtUp:
    """Whether the rebuild has read all that the running flow has committed, and that holds still.

    It is asked to hold still once the rebuild is as far as it is, and has done all that there was at the first look.
    See `catching_up.Condition`.

    :raises CannotRebuild: another rebuild took the lock.
    """

    def __init__(self, groups: Sequence[GroupConfig], lock: Lease) -> None:
        self._groups = groups
        self._shadows = [shadow_group(group) for group in groups]
        self._lock = lock
        self._was_there = CaughtUp(self._shadows)
        self._is_done = False
        self._held: float | None = None

    def __call__(self, client: redis.Redis) -> bool:
        if client.get(self._lock.key) != self._lock.token.encode():
            raise CannotRebuild(_LOCK_GONE)
        self._is_done = self._is_done or self._was_there(client)
        if not self._is_done or not self._has_read_all(client):
            if self._held is not None and time.monotonic() > self._held + LONGEST_WAIT_SECONDS:
                self._held = None
                _let_go(client, self._groups)
                _log.info("could not catch up in time; resuming the running flow")
            return False
        if self._held is not None:
            return True
        self._hold(client)
        return False

    def _has_read_all(self, client: redis.Redis) -> bool:
        # (First what was committed: it is read by then.)
        committed: list[Any] = [client.hget(group.counters, "last_id") for group in self._groups]
        places = read_places(client, self._shadows)
        return all(
            place is not None and (last is None or parse(place.read) >= parse(last))
            for last, place in zip(committed, places, strict=True)
        )

    def _hold(self, client: redis.Redis) -> None:
        """Let nobody register in the running groups for a while, and take their leases from those who have."""
        until = int(client.time()[0]) + HOLD_SECONDS
        leases: list[bytes] = []
        for group in self._groups:
            client.hset(group.counters, "held_until", until)
            rows: Any = client.xinfo_consumers(group.stream, group.group)
            leases += {group.lease_prefix.encode() + consumer_of(row["name"]) for row in rows}
        if leases:
            client.delete(*leases)
        self._held = time.monotonic()
        _log.info("caught up; pausing the running flow")


def _let_go(client: redis.Redis, groups: Sequence[GroupConfig]) -> None:
    """Let the running flow go on."""
    for group in groups:
        client.hdel(group.counters, "held_until")


def _put_in_place(
    client: redis.Redis, lock: Lease, groups: Sequence[GroupConfig], dead_letters: frozenset[str]
) -> Rebuilt | None:
    """Swap; None where the running flow is ahead again.

    :raises CannotRebuild: it cannot be put in place, ever.
    """
    verdict, *facts = _call_swap(client, lock, "SWAP", groups, dead_letters)
    if verdict == b"OK":
        done = Rebuilt(*map(int, facts))
        _log.info("rebuilt keys swapped in", **{name: getattr(done, name) for name in Rebuilt.__slots__})
        return done
    if verdict == b"LOST":
        raise CannotRebuild(_LOCK_GONE)
    if verdict == b"TRIMMED":
        stream, gone = (fact.decode("utf-8", "replace") for fact in facts)
        raise CannotRebuild(
            f"{gone} entries were gone from stream {stream} before they could be read: what was computed lacks them. "
            "Drop it, and begin later"
        )
    _log.info("the running flow is ahead; trying again", reason=verdict.decode().lower())
    return None


def _call_swap(
    client: redis.Redis, lock: Lease, what: str, groups: Sequence[GroupConfig], dead_letters: frozenset[str]
) -> list[Any]:
    """What `swap.lua` replies; blocks for as long as it renames, and for a round trip for each group."""
    keys: list[str | bytes] = [lock.key]
    args: list[Any] = []
    lives: dict[bytes, bytes] = {}
    noted = 0
    for group in groups:
        shadow = shadow_group(group)
        notes = notes_key(shadow.counters)
        keys += (group.stream, group.counters, shadow.counters, notes)
        args += (group.group, shadow.group)
        with translating():
            found: Any = client.hgetall(notes)
        noted += len(found)
        lives |= {key: life for key, life in found.items() if life != b"0" or key not in lives}
    args += (len(dead_letters), len(lives))
    for letters in sorted(dead_letters):
        keys += (letters, shadow_of(letters))
    for key, life in lives.items():
        keys += (key, key + shadow_of("").encode())
        args.append(life)
    reply: list[Any] = _swap(client, keys, [lock.token, what, noted, len(groups), *args])
    return reply


def main(arguments: Sequence[str] | None = None) -> int:
    """What `python -m connectors.rebuild` does; the status to end with."""
    parser = command("rebuild", "Rebuild what an App has written, and swap it in in one step.")
    parser.add_argument("--drop", action="store_true", help="throw away what a rebuild has begun")
    given = parser.parse_args(arguments)

    def work(app: App, settings: AppSettings) -> bool:
        if not given.drop:
            return rebuild(app, settings, given.since) is not None
        _log.info("dropped", keys=drop(app, settings))
        return True

    return run(given.app, work)


if __name__ == "__main__":
    sys.exit(main())
