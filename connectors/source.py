"""A consumer-group source: entries of a Redis stream as `Batch` values, for a `commit.CommitSink` to acknowledge.

The order of work is: what is pending for us from before, what dead consumers left, then what is new. Behind a backlog,
several reads are under way: while one is worked on, and while Redis is at a commit, there are answers to go on with.
Once it has caught up, the source may linger between reads instead. How much may be in flight is bounded by what Redis
has pending for the consumer, whatever number of workers and processes the parts travel through.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from bytewax.inputs import DynamicSource, StatelessSourcePartition

from connectors import graph
from connectors.connection import Wire
from connectors.consumer_names import failures_of
from connectors.delivery import Batch, RawEntry
from connectors.errors import GroupHeld, NoGroup, RedisFailure
from connectors.group import Consumer, default_name
from connectors.group_config import GroupConfig
from connectors.outage import Backoff, is_broken_connection
from connectors.reading import Arrived, Reader
from connectors.retries import FIRST_SECONDS, seconds_after
from connectors.service import Service
from connectors.sizing import BatchSizer
from connectors.standstill import Standstill

_log = structlog.get_logger("source")

DRAIN_SECONDS = 10.0
"""How long a stop waits for what is in flight to be committed."""

TAKEOVER_SECONDS = 5.0
"""How often to look for dead consumers, at the least; twice in the life of a lease if that is shorter."""

SLOW_SECONDS = 0.1
"""Who takes longer for a batch needs no reads ahead, and would keep from others of the group what they could do."""

FULL_PAUSE_SECONDS = 0.005
"""How long to pause when enough is in flight."""


HELD_PAUSE_SECONDS = 0.1
"""How often to look whether a rebuild has taken the place of the group."""


class ConsumerGroupSource(DynamicSource[Batch]):
    """Reads a stream as a consumer group; each worker is a consumer.

    :arg max_batch: the most entries in a batch. Fewer are read when they are large.
    :arg max_in_flight: the most entries read and not yet committed, a worker (one batch more at the moment of a check).
    :arg linger: seconds from a read that took all there was to the next one. What comes meanwhile waits that long and
        is read in one batch: a hundred entries a second that each cost a commit of their own are dear. What comes
        after a longer silence is read at once. 0 reads on at once.
    :arg announce: whether a batch says that `more` follow, for a step that puts them together. Then the last of them
        may have no entries.
    """

    def __init__(
        self,
        service: Service,
        config: GroupConfig,
        max_batch: int = 1_000,
        max_in_flight: int = 32_000,
        linger: float = 0.0,
        announce: bool = False,
    ) -> None:
        self.service = service
        self.config = config
        self.announce = announce
        self.max_batch = max_batch
        self.max_in_flight = max_in_flight
        self.linger = linger
        self._warned = False

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSourcePartition[Batch]:
        """Does not connect: a Redis that is away is waited for by `next_batch`."""
        if not self._warned:
            self._warned = True
            graph.warn_of_state(step_id)
        return _ConsumerPartition(self, default_name(worker_index, worker_count))


class _ConsumerPartition(StatelessSourcePartition[Batch]):
    """`next_batch` blocks for up to `reading.BLOCK_MS` when idle, and for the socket timeout when Redis hangs."""

    def __init__(self, source: ConsumerGroupSource, name: str) -> None:
        self._source = source
        self._service = service = source.service
        self._client = service.connect()
        wire = Wire(self._client)
        self._reader = Reader(wire)
        self._consumer = Consumer(self._client, wire, source.config, name, service.settings.redis_place())
        self._sizer = BatchSizer(source.max_batch, service.weight)
        self._backoff = Backoff()
        self._part = f"source {name} of {source.config.stream}"
        service.supervisor.expect(self._part)
        self._called = datetime.now(UTC)
        self._awake: datetime | None = None
        self._drain_until: float | None = None
        self._failed = self._held = False
        self._standstill = Standstill()
        self._forget()

    def _forget(self) -> None:
        """Not registered (any more): what is in flight cannot be committed, and will be read again."""
        self._reader.close()
        self._registered = False
        self._owners: list[bytes] = []
        self._look_at = 0.0
        self._unchecked = self._waiting = 0
        self._read_once = False
        self._read_at = 0.0
        self._owes_a_batch = False

    def next_batch(self) -> list[Batch]:
        self._service.turn()
        if self._awake is not None:
            self._reader.due_at = 0.0  # the pause is over
        self._called, self._awake = datetime.now(UTC), None
        try:
            stopping = self._service.lifecycle.stopping
            if not stopping and self._reader.under_way and self._reader.ready():
                self._service.in_flight.put_off()  # (to be at the next batch while Redis commits)
            else:
                self._service.in_flight.finish()
            if stopping:
                return self._drain()
            batch = self._step()
        except NoGroup as error:
            _log.warning(
                "consumer group is gone; creating it again", stream=self._source.config.stream, cause=str(error)
            )
            self._forget()
            self._pause(self._backoff.next_delay())
            return []
        except GroupHeld as error:
            if not self._held:
                _log.info("waiting for a rebuild", cause=str(error))
            self._held = True
            self._forget()
            self._pause(HELD_PAUSE_SECONDS)
            return []
        except RedisFailure as error:
            # Idle connections broke with the one that failed; without them, the next attempt tells how Redis is now.
            self._client.connection_pool.disconnect(inuse_connections=False)
            if not self._service.outage.hopeless(error) and (self._failed or not is_broken_connection(error)):
                self._service.outage.down(self._part, self._consumer.explain(error))
            # The first time may be no more than a connection that broke: see `outage.once_more`.
            self._failed = True
            self._forget()
            self._pause(self._backoff.next_delay())
            return []
        if self._read_once:
            # Only now: registering may work where reading does not, and an outage must not end with each attempt.
            self._service.outage.up(self._part)
            self._backoff.reset()
            self._failed = False
        return batch

    def next_awake(self) -> datetime | None:
        return self._awake

    def close(self) -> None:
        self._consumer.close()
        self._reader.close()
        self._service.under_way.leave(self._reader)
        self._client.close()

    def _pause(self, seconds: float) -> None:
        # The runtime looks at the clock before it calls `next_batch`, and waits afterwards for as long as this lies
        # behind that: counted from now, a pause would be longer by all the time that this turn was blocked.
        self._awake = self._called + timedelta(seconds=seconds)
        self._reader.due_at = time.monotonic() + seconds

    def _step(self) -> list[Batch]:
        """One piece of work: the first of the phases that has something to do."""
        if not self._registered:
            self._consumer.register()
            self._registered, self._held = True, False
        lease = self._consumer.lease
        if self._service.refused.get(lease.key) == lease.token:
            return self._lost()
        lease.touch()
        if lease.key in self._service.waiting:
            self._service.waiting.discard(lease.key)
            self._look_at = min(self._look_at, time.monotonic() + FIRST_SECONDS)
        if not self._reader.under_way and time.monotonic() >= self._look_at:
            self._look()
        if self._owners and not self._reader.under_way:
            owner = self._owners[-1]
            if self._consumer.is_own(owner) or not self._too_many_in_flight():
                return self._take_over(owner)
        return self._read()

    def _look(self) -> None:
        """For what others, and we before, have left pending, and for what has failed and is due again."""
        again = self._look_at > 0
        owners = self._consumer.owners()
        waits = (seconds_after(failures_of(name)) for name in owners.waiting)
        self._look_at = time.monotonic() + min(TAKEOVER_SECONDS, self._source.config.lease_ttl / 2, *waits)
        if owners.own and again:
            _log.warning("entries were delivered to a broken connection; reading them again")
        self._owners = owners.dead + owners.own + owners.waiting  # (the last comes first)

    def _take_over(self, owner: bytes) -> list[Batch]:
        taken = self._consumer.take(owner, self._sizer.count)
        if taken is None:
            return self._lost()
        if not taken.more:
            self._owners.pop()
        if taken.trimmed:
            _log.warning("entries were deleted while pending; they are lost", entries=taken.trimmed)
            self._service.instrumentation.trimmed(taken.trimmed)
        if taken.entries and not self._consumer.is_own(owner):
            _log.info("took over", entries=len(taken.entries), owner=owner, trimmed=taken.trimmed)
            self._service.instrumentation.claimed(len(taken.entries))
        return self._emit(taken.entries, taken.name, failures=taken.failures)

    def _emit(
        self, entries: list[RawEntry], name: str, go_on: Callable[[], bool] = lambda: False, failures: int = 0
    ) -> list[Batch]:
        """`entries` as a batch; where there are none, only if it was said that a batch would follow.

        :arg name: of their read.
        :arg go_on: called once they have their delivery: whether a batch follows at once.
        """
        if not entries and not self._owes_a_batch:
            return []
        delivery = self._consumer.delivery(entries, name, failures)
        if entries:
            self._sizer.saw(entries)
            self._unchecked += len(entries)
        self._owes_a_batch = go_on()
        # The runtime needs more turns to carry it to its sink: a read that blocked now, of whichever source of this
        # worker, would hold it up.
        self._service.under_way.brought()
        return [Batch(delivery, entries, self._owes_a_batch)]

    def _lost(self) -> list[Batch]:
        _log.warning("lease lost; registering again", consumer=self._consumer.name)
        self._service.instrumentation.fenced()
        self._forget()
        return []

    def _read(self) -> list[Batch]:
        """New entries; behind a backlog, the read after this one is sent before this one's entries are worked on."""
        if not self._reader.under_way:
            if self._too_many_in_flight():
                read = self._unchecked - self._waiting
                if read and self._standstill.look(self._unchecked, time.monotonic()):
                    self._say_what_is_missing()
                self._pause(FULL_PAUSE_SECONDS)
                return []
            if self._service.under_way.lets_pass(self._reader):
                return []
            rest = self._reader.due_at - time.monotonic()
            if rest > 0:
                time.sleep(rest)  # (by `next_awake`, the runtime would look at the clock every millisecond)
            self._send()
        if not self._reader.ready() and self._service.under_way.lets_pass(self._reader):
            return []
        if not self._service.under_way.turn_of(self._reader):
            return []
        arrived = self._receive()
        while arrived.entries == [] and self._reader.prompt:  # (sent before the end of the backlog was seen)
            arrived = self._receive()
        if arrived.entries is None:
            return self._lost()
        return self._emit(arrived.entries, arrived.name, partial(self._read_on, arrived))

    def _read_on(self, arrived: Arrived) -> bool:
        """Send the next reads if this one did not take all there was, or there is no linger.

        :returns: whether the next batch is under way, and comes at once.
        """
        if self._source.linger and arrived.entries and not arrived.whole:
            self._reader.due_at = time.monotonic() + self._source.linger
        elif arrived.entries and time.monotonic() < self._look_at:
            now = time.monotonic()
            slow, self._read_at = now - self._read_at > SLOW_SECONDS, now
            most = self._sizer.ahead if arrived.whole and not slow else 1
            while self._reader.ahead < most and not self._too_many_in_flight():
                self._send()
        return self._reader.prompt and self._source.announce

    def _send(self) -> None:
        self._reader.send(self._consumer, self._sizer.count)
        self._service.under_way.join(self._reader)

    def _receive(self) -> Arrived:
        """What the next read under way brings."""
        arrived = self._reader.receive()
        self._consumer.generation = arrived.generation
        self._read_once = True
        if arrived.entries == []:
            self._consumer.give_back(arrived.name)
        if arrived.lost:
            _log.warning("entries were deleted before they were read; they are lost", entries=arrived.lost)
            self._service.instrumentation.trimmed(arrived.lost)
        return arrived

    def _too_many_in_flight(self) -> bool:
        if self._unchecked + self._reader.asked < self._source.max_in_flight:
            return False
        if self._reader.under_way:
            return True
        in_flight = self._consumer.in_flight()
        self._waiting, self._unchecked = in_flight.waiting, sum(in_flight)
        return self._unchecked >= self._source.max_in_flight

    def _say_what_is_missing(self) -> None:
        """The log gets what keeps the reads in flight from being committed: an entry that is in no part."""
        known = {one for ids in self._service.in_parts for one in ids()}
        oldest = self._consumer.oldest_pending(known)
        said = f"entry {oldest.decode()} is in no part" if oldest else "the parts of a read are at different workers"
        _log.warning("commits have stalled", cause=said, stream=self._source.config.stream, in_flight=self._unchecked)

    def _drain(self) -> list[Batch]:
        """Emit what the read under way brings, wait until all is committed, leave the group, end.

        :raises StopIteration: done, or out of time, or Redis is away: what is not committed stays pending.
        """
        now = time.monotonic()
        self._drain_until = self._drain_until or now + DRAIN_SECONDS
        try:
            while self._reader.under_way and now < self._drain_until:
                arrived = self._receive()
                batch = self._emit(arrived.entries or [], arrived.name)
                if batch:
                    return batch
            if self._reader.under_way:
                self._reader.close()  # (out of time: what they bring is pending)
            if self._registered:
                left = not self._look_at or any(map(self._is_left, self._owners))
                if not left and now < self._drain_until and self._consumer.in_flight().read:
                    self._consumer.lease.touch()
                    self._pause(FULL_PAUSE_SECONDS)
                    return []
                self._consumer.retire()
        except RedisFailure as error:
            _log.info("stopped without Redis; what is pending is read at the next start", cause=str(error))
        raise StopIteration

    def _is_left(self, owner: bytes) -> bool:
        return self._consumer.is_own(owner) and not self._consumer.is_waiting(owner)
