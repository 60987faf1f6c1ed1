"""The transactional commit: acknowledge entries and carry out their effects in one atomic step, exactly once.

A commit may be repeated safely when its reply was lost: the script applies a part only while its entries are pending.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from bytewax.outputs import DynamicSink, StatelessSinkPartition

from connectors import graph
from connectors.assembly import Assembly
from connectors.connection import Script, Wire
from connectors.delivery import Part
from connectors.encoding import encode
from connectors.errors import RedisAway, RedisFailure, WrongType
from connectors.outage import Backoff, is_broken_connection
from connectors.service import Service
from connectors.settings import EXIT_SETTINGS
from connectors.text import one_line

_log = structlog.get_logger("commit")
_commit = Script.load("stream_id", "json_merge", "decimal_sum", "ask", "effects", "windows", "commit")

_PART = frozenset([Part])

DROPPED_ARGUMENTS = 10
"""As many arguments take about as long as to make room for a field in a hash that is full."""


@dataclass(frozen=True, slots=True)
class CommitOutcome:
    """What became of the parts of one commit."""

    applied: list[Part]
    gone: list[Part]
    """None of its entries was pending any more."""
    refused: list[Part]
    """The consumer lost its lease, or some entries were taken from it. What is still pending will be read again."""
    overflow: int
    mended: int
    unmerged: list[str]
    """Keys that hold no record for Merge to set fields of, or no HyperLogLog that is whole; printable."""
    dropped: dict[str, int]
    """Key (printable) of a Raise with a limit -> how many fields it was too full to hold."""
    unmet: int
    """How many PutIf found something else than they expected."""
    trimmed: int
    """How many entries were to come again, and are deleted from the stream: they are lost."""


def commit(redis_: redis.Redis | Wire, parts: Sequence[Part], *, repeated: bool = False) -> CommitOutcome:
    """Commit `parts`, which make whole deliveries, in one step; blocks for a round trip.

    :arg repeated: whether an earlier attempt may have applied them.
    :raises WrongType: a target key holds another type; nothing was applied.
    :raises RedisFailure: not known whether it was applied: repeat it, with the same parts.
    """
    keys, args = encode(parts)
    return _outcome(parts, _commit(redis_, keys, [*args, int(repeated)]))


def _outcome(parts: Sequence[Part], reply: list[Any]) -> CommitOutcome:
    if reply[0] == b"WRONGTYPE":
        key, found, wanted = (one_line(value.decode("utf-8", "replace")) for value in reply[1:])
        raise WrongType.of(key, found, wanted)
    sorted_out: dict[bytes, list[Part]] = {b"A": [], b"D": [], b"F": [], b"P": []}
    for part, verdict in zip(parts, reply[1:-6], strict=True):
        sorted_out[verdict].append(part)
    refused = sorted_out[b"F"] + sorted_out[b"P"]
    overflow, mended, keys, counts, unmet, trimmed = reply[-6:]
    unmerged = [one_line(key.decode("utf-8", "replace")) for key in keys]
    pairs = zip(counts[::2], counts[1::2], strict=True)
    dropped = {one_line(key.decode("utf-8", "replace")): int(count) for key, count in pairs}
    applied, gone, numbers = sorted_out[b"A"], sorted_out[b"D"], (int(overflow), int(mended))
    return CommitOutcome(applied, gone, refused, *numbers, unmerged, dropped, int(unmet), int(trimmed))


class _UnderWay:
    """A commit of `parts` that was sent on `wire`, with nothing else on that wire until its outcome is known."""

    def __init__(self, parts: list[Part], wire: Wire) -> None:
        self.parts = parts
        self.started = time.perf_counter()
        """When the last attempt was sent."""
        self.attempts = 0
        self.repeated = False
        """Whether an attempt may have applied it that is not known to have."""
        self._wire = wire
        self._keys, args = encode(parts)
        self._args = [*args, 0]
        self.entries = sum(len(part.ids) for part in parts)
        self.arguments = len(args)
        self._not_sent: RedisFailure | None = None
        try:
            _commit.send(wire, self._keys, self._args)
        except RedisFailure as error:
            self._not_sent = error

    def outcome(self) -> CommitOutcome:
        """What became of it; sent again after the first time. Blocks for a round trip.

        :raises RedisFailure: see `commit`.
        """
        self.attempts += 1
        if self.attempts == 1 and self._not_sent is not None:
            raise self._not_sent
        try:
            if self.attempts == 1:
                return _outcome(self.parts, _commit.receive(self._wire, self._keys, self._args))
            self.started = time.perf_counter()
            return commit(self._wire, self.parts, repeated=self.repeated)
        except RedisAway:
            # (with an error for a reply nothing was applied)
            self.repeated = True
            raise


class CommitSink(DynamicSink[Part]):
    """Commits what was read once all parts of it have come, to the same worker.

    :arg instead: gives the part that is committed in place of one that came, with the same entries; None: that one.
    """

    def __init__(self, service: Service, instead: Callable[[Part], Part] | None = None) -> None:
        self._service = service
        self._instead = instead

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSinkPartition[Part]:
        """Does not connect."""
        return _CommitPartition(self._service, worker_index, step_id, self._instead)


class _CommitPartition(StatelessSinkPartition[Part]):
    """Keeps one commit under way: Redis carries it out while the worker is at the next batch.

    Its reply is read before the next commit is sent, and at the next turn of the worker's source. Until it is committed
    or refused, nothing else is: a Redis that is away is waited for, with backoff. Asked to stop while Redis is away, it
    gives up: the entries stay pending for the next start.
    """

    def __init__(
        self, service: Service, worker_index: int, step_id: str, instead: Callable[[Part], Part] | None
    ) -> None:
        self._service = service
        self._instead = instead
        self._step_id = step_id
        self._client = service.connect()
        self._wire = Wire(self._client)
        self._part = f"commit {worker_index} of {step_id}"
        self._under_way: _UnderWay | None = None
        self._assembly = Assembly()
        self._service.in_parts.append(self._assembly.ids)
        self._told: set[str] = set()
        """Keys that the log has it of that fields are dropped: said once, or each commit would say it."""

    def write_batch(self, items: list[Part]) -> None:
        if not _PART.issuperset(map(type, items)):
            raise TypeError(self._strangers(items))
        if self._instead is not None:
            items = list(map(self._instead, items))
        for parts in self._assembly.whole(items):
            if not self._finish():
                return
            self._under_way = _UnderWay(parts, self._wire)
        # (The source, which would see to it, may have ended already.)
        if self._service.lifecycle.stopping:
            self._finish()
        else:
            self._service.in_flight.add(self._finish)

    def _look_for_another_redis(self, refused: list[Part]) -> None:
        """End the process if `refused` were read from another Redis than this sink's: they always will be refused."""
        ours = self._service.settings.redis_place()
        theirs = {part.delivery.place for part in refused} - {"", ours}
        if theirs:
            self._service.lifecycle.fail(
                f"what was read from Redis at {min(theirs)} cannot be committed to Redis at {ours}: "
                "a source and its sink need the same service",
                EXIT_SETTINGS,
            )

    def _strangers(self, items: Sequence[object]) -> str:
        """What to say of `items`, which are not all parts: it names the functions that they may come from."""
        flow = graph.running()
        makers = graph.functions_before(flow, self._step_id) if flow is not None else []
        stranger = next(item for item in items if type(item) is not Part)
        maker = " or ".join(makers) or "a step"
        hint = ": does it return what it makes?" if stranger is None else ""
        return f"step {self._step_id} commits Part values, and {maker} gave it {stranger!r:.80}{hint}"

    def close(self) -> None:
        self._finish()
        self._service.in_parts.remove(self._assembly.ids)
        self._wire.close()
        self._client.close()

    def _finish(self) -> bool:
        """Wait for the reply to the commit under way; False when a stop was requested first."""
        commit, self._under_way = self._under_way, None
        if commit is None:
            return True
        backoff = Backoff()
        while True:
            try:
                outcome = commit.outcome()
            except RedisFailure as error:
                if commit.attempts == 1 and is_broken_connection(error):
                    continue  # a connection that broke while it was idle is no outage: see `outage.once_more`
                if not self._service.outage.hopeless(error):
                    self._service.outage.down(self._part, error)
                if self._service.lifecycle.wait(backoff.next_delay()):
                    _log.warning("stopped before a commit; the entries stay pending", parts=len(commit.parts))
                    return False
                continue
            self._service.outage.up(self._part)
            self._report(outcome, time.perf_counter() - commit.started, commit.repeated)
            dropped = sum(outcome.dropped.values())
            self._service.weight.saw(commit.entries, commit.arguments + DROPPED_ARGUMENTS * dropped)
            return True

    def _report(self, outcome: CommitOutcome, seconds: float, repeated: bool) -> None:
        applied = outcome.applied
        if outcome.gone and repeated:
            # The reply of an earlier attempt was lost; what it applied was ours.
            applied = applied + outcome.gone
        elif outcome.gone:
            entries = sum(len(part.ids) for part in outcome.gone)
            _log.warning("entries were acknowledged by someone else; they are not counted", entries=entries)
        if outcome.unmerged:
            _log.warning("cannot merge into keys that hold no record; left as they are", keys=outcome.unmerged[:5])
            self._service.instrumentation.unmerged(len(outcome.unmerged))
        if outcome.dropped:
            for key in outcome.dropped.keys() - self._told:
                _log.warning("hash is at its limit: dropping its fields with the lowest values", key=key)
            self._told |= outcome.dropped.keys()
            self._service.instrumentation.dropped(sum(outcome.dropped.values()))
        if outcome.unmet:
            self._service.instrumentation.unmet(outcome.unmet)
        if outcome.trimmed:
            _log.warning("entries were deleted while they waited; they are lost", entries=outcome.trimmed)
            self._service.instrumentation.trimmed(outcome.trimmed)
        self._service.waiting.update(part.delivery.lease_key for part in applied if part.again)
        if applied:
            self._service.instrumentation.committed(applied, seconds, outcome.overflow)
        if outcome.refused:
            entries = sum(len(part.ids) for part in outcome.refused)
            _log.warning("commit refused; the entries will be read again", entries=entries)
            self._look_for_another_redis(outcome.refused)
            # (Its source may be with another server, after a failover, and hold the lease there.)
            self._service.refused.update((part.delivery.lease_key, part.delivery.token) for part in outcome.refused)
        if outcome.mended:
            _log.warning("fields that held no number were replaced", fields=outcome.mended)
