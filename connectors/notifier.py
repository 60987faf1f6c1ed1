"""Sends what is published on a stream to receivers, beside a dataflow: each receiver has a thread and a queue.

A receiver gets a message at least once: HTTP cannot promise more, since an answer may be lost. One that is down or
hangs delays its own messages and nothing else. It is tried again, ever less often, with the oldest message first; after
so many attempts a message goes to the dead letters, with the reason. What comes while a receiver has to wait is sent
together, as one message.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from connectors.errors import RedisFailure
from connectors.outage import Backoff
from connectors.receiver import SEND_SECONDS, Message, NotSentError, Receiver
from connectors.receiver_queue import ReceiverQueue, ReceiverQueueConfig, Waiting
from connectors.service import Service

_log = structlog.get_logger("notifier")

BATCH = 20
"""The most entries that one message tells of."""

OLDEST_SECONDS = 86_400.0
"""What waited longer is not sent any more: after weeks without receivers nobody wants the alarms of then."""

_CLOSE_SECONDS = 2.0


@dataclass(frozen=True)
class Policy:
    """How to send. Durations are seconds."""

    wanted: Callable[[Mapping[str, str]], bool]
    """Whether an entry with these fields is to be sent; the others are passed over."""
    message: Callable[[Sequence[Mapping[str, str]]], Message]
    """What tells of these entries, oldest first; at most `BATCH`."""
    spacing: float = 10.0
    """Between two messages to one receiver, at the least."""
    attempts: int = 20
    """Of one message, before it is given up."""
    first_delay: float = 1.0
    """Before the second attempt; it doubles with each."""
    longest_delay: float = 300.0
    send_seconds: float = SEND_SECONDS
    """For an answer, after which an attempt has failed."""
    poll: float = 1.0
    """Between looks whether there is something to send."""


class Watcher:
    """Who wants to know what becomes of messages. Called from the threads; must be quick and must not raise."""

    def notified(self, outcome: str) -> None:
        """An attempt ended: `sent`, `failed` (to be tried again) or `dead` (given up)."""

    def waiting(self, receiver: str, entries: int) -> None:
        """So many entries wait for the receiver with this number."""


class Notifier:
    """All receivers of a process. `start` and `close` do not block, or only for a moment.

    :arg receivers: numbered from 1 in this order. The number is what logs and keys call a receiver by.
    :arg config: the keys of the receiver with a number.
    """

    def __init__(
        self,
        service: Service,
        receivers: Sequence[Receiver],
        config: Callable[[str], ReceiverQueueConfig],
        policy: Policy,
        watcher: Watcher | None = None,
    ) -> None:
        self._closed = threading.Event()
        self._deliveries: list[tuple[_Delivery, threading.Thread]] = []
        for number, receiver in enumerate(receivers, 1):
            name = str(number)
            delivery = _Delivery(service, receiver, name, config(name), policy, watcher or Watcher(), self._closed)
            thread = threading.Thread(target=delivery.run, name=f"notifier {name}", daemon=True)
            self._deliveries.append((delivery, thread))

    def start(self) -> None:
        """Begin to send."""
        for _delivery, thread in self._deliveries:
            thread.start()

    def close(self) -> None:
        """End. What is being sent has a moment left; what is not acknowledged then will be sent again."""
        self._closed.set()
        deadline = time.monotonic() + _CLOSE_SECONDS
        for delivery, thread in self._deliveries:
            if thread.is_alive():
                thread.join(max(deadline - time.monotonic(), 0.0))
                if thread.is_alive():
                    delivery.release()


class _Delivery:
    """The thread of one receiver."""

    def __init__(
        self,
        service: Service,
        receiver: Receiver,
        name: str,
        config: ReceiverQueueConfig,
        policy: Policy,
        watcher: Watcher,
        closed: threading.Event,
    ) -> None:
        self._service = service
        self._receiver = receiver
        self._name = name
        self._policy = policy
        self._watcher = watcher
        self._closed = closed
        self._client = service.connect()
        self._queue = ReceiverQueue(self._client, config)
        self._part = f"notifier {name}"
        self._failures = 0
        self._introduced = False

    def run(self) -> None:
        """Until the process stops."""
        backoff = Backoff()
        while not self._stopping():
            try:
                pause = self._step()
            except RedisFailure as error:
                self._service.outage.down(self._part, error, beside=True)
                self._wait(backoff.next_delay())
                continue
            self._service.outage.up(self._part)
            backoff.reset()
            self._wait(pause)
        self.release()
        self._client.close()

    def release(self) -> None:
        """Let the next process begin at once, as far as Redis answers. From any thread."""
        if self._service.outage.redis_up:
            with contextlib.suppress(RedisFailure):  # (the lease ends by itself)
                self._queue.release()

    def _stopping(self) -> bool:
        return self._closed.is_set() or self._service.lifecycle.stopping

    def _wait(self, seconds: float) -> None:
        """Wait, and keep the lease meanwhile."""
        deadline = time.monotonic() + seconds
        while not self._stopping() and (left := deadline - time.monotonic()) > 0:
            self._service.lifecycle.wait(min(left, self._policy.poll))
            if deadline - time.monotonic() > 0:
                with contextlib.suppress(RedisFailure):  # (the next step meets the same Redis, and says so)
                    self._queue.hold()

    def _step(self) -> float:
        """Send one message, if there is any; how many seconds to wait then."""
        if not self._queue.hold():
            self._introduced = False  # (whoever holds it may have another receiver under this number)
            return self._policy.poll
        if not self._introduced:
            self._queue.introduce(self._receiver.name)
            self._introduced = True
        entries = self._queue.take(BATCH)
        self._watcher.waiting(self._name, self._queue.waiting())
        unwanted = [one for one in entries if not self._policy.wanted(one.fields)]
        self._queue.done(unwanted)
        entries = self._without_hopeless([one for one in entries if one not in unwanted])
        if not entries:
            return 0.0 if unwanted else self._policy.poll
        try:
            self._receiver.send(self._policy.message([one.fields for one in entries]), self._policy.send_seconds)
        except NotSentError as error:
            return self._failed(entries, str(error))
        self._queue.sent(entries, self._name)
        self._watcher.notified("sent")
        if self._failures:
            _log.info("receiver takes messages again", receiver=self._name, failures=self._failures)
        self._failures = 0
        return self._policy.spacing

    def _without_hopeless(self, entries: list[Waiting]) -> list[Waiting]:
        """`entries` without those that are too old, or whose last attempt was cut off; they are given up."""
        if not entries:
            return []
        now = self._queue.now()
        old = [one for one in entries if now - one.seconds > OLDEST_SECONDS]
        cut_off = [one for one in entries if one not in old and one.attempts > self._policy.attempts]
        self._give_up(old, f"older than {OLDEST_SECONDS / 3600:g} h")
        self._give_up(cut_off, "the process ended during the last attempt")
        return [one for one in entries if one not in old and one not in cut_off]

    def _failed(self, entries: list[Waiting], reason: str) -> float:
        self._failures += 1
        self._watcher.notified("failed")
        if self._failures == 1:
            _log.warning("receiver does not take messages; trying again", receiver=self._name, cause=reason)
        self._queue.failed(reason, self._failures)
        self._give_up([one for one in entries if one.attempts >= self._policy.attempts], reason)
        delay = min(self._policy.longest_delay, self._policy.first_delay * 2.0 ** min(self._failures - 1, 30))
        return delay * random.uniform(0.75, 1.0)  # noqa: S311 (spreads attempts; guards nothing)

    def _give_up(self, entries: list[Waiting], reason: str) -> None:
        if entries:
            self._queue.give_up(entries, self._name, reason)
            _log.error(
                "gave up; moved to the dead letters",
                receiver=self._name,
                entries=len(entries),
                cause=reason,
                stream=self._queue.config.dead_letters,
            )
            for _one in entries:
                self._watcher.notified("dead")
