"""Running a dataflow in this process until a condition holds: it then stops in good order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import redis
from bytewax.dataflow import Dataflow
from bytewax.errors import BytewaxRuntimeError
from bytewax.testing import run_main

from connectors import epochs
from connectors.closing import are_due, event_time
from connectors.errors import TRANSIENT, ConnectorError, NoGroup, RedisFailure, translate
from connectors.group_config import GroupConfig
from connectors.progress import are_done, read_places
from connectors.service import Service
from connectors.windows import Windows

_LOOK_SECONDS = 0.02

Condition = Callable[[redis.Redis], bool]
"""Looks once, through a client whose replies are bytes; may block for a few round trips, and raise errors of redis-py.
It is asked again after those that pass by themselves, and while there is no such group."""


class FlowFailed(ConnectorError, RuntimeError):
    """The flow ended by itself; its log says why."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the flow ended with status {status}")
        self.status = status


def run_until(flow: Dataflow, service: Service, done: Condition, seconds: float = float("inf")) -> bool:
    """Run `flow`, and stop it once `done`, or after so many seconds, or when the process is to stop.

    Blocks meanwhile; call it from the main thread. What is not committed stays pending. An exception that a step or
    `done` raises passes.

    :arg service: that of its sources and sinks.
    :returns: whether it was stopped because it was done.
    :raises FlowFailed: it ended by itself, with a status other than 0.
    """
    lifecycle, ended = service.lifecycle, threading.Event()
    was_done, broken = threading.Event(), list[Exception]()

    def watch() -> None:
        deadline = time.monotonic() + seconds
        with service.connect() as client:
            while not ended.wait(_LOOK_SECONDS):
                try:
                    if done(client):
                        was_done.set()
                except (redis.RedisError, OSError, RedisFailure) as error:
                    problem = translate(error)
                    if not isinstance(problem, (*TRANSIENT, NoGroup)):  # (of those the flow tells)
                        broken.append(problem)
                except Exception as error:
                    broken.append(error)
                if was_done.is_set() or broken or time.monotonic() > deadline:
                    reason = "all is read" if was_done.is_set() else "it cannot go on" if broken else "time is up"
                    lifecycle.stop(reason)
                    return

    watcher = threading.Thread(target=watch, name="until done", daemon=True)
    watcher.start()
    try:
        run_main(flow, epoch_interval=epochs.FOR_GOOD)  # type: ignore[no-untyped-call]
    except BytewaxRuntimeError as error:
        raise _first_cause(error) from None
    finally:
        ended.set()
        watcher.join()
        status = lifecycle.exit_status
        lifecycle.reset()
    if status:
        raise FlowFailed(status)
    if broken:
        raise broken[0]
    return was_done.is_set()


class CaughtUp:
    """Whether `groups` have committed, and `windows` published, all that there was at the first look.

    :arg bounded: False: all that there is at this very look. For flows that read what they write.
    """

    def __init__(self, groups: Sequence[GroupConfig], windows: Sequence[Windows] = (), *, bounded: bool = True) -> None:
        self._groups = groups
        self._windows = windows
        self._bounded = bounded
        self._until: dict[tuple[str, str], bytes] | None = None
        self._times: list[float | None] | None = None

    def __call__(self, client: redis.Redis) -> bool:
        """See `Condition`."""
        places = read_places(client, self._groups)
        if self._until is None and self._bounded and None not in places:
            self._until = {place.group: place.newest for place in places if place is not None}
        if not are_done(places, self._until):
            return False
        if self._times is None or not self._bounded:
            self._times = [event_time(client, one) for one in self._windows]
        return not any(are_due(client, one, at) for one, at in zip(self._windows, self._times, strict=True))


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error
