"""For tests of a flow of one's own: entries by hand, and a whole run on a Redis (see `private_redis`)."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import redis
from bytewax.dataflow import Dataflow
from bytewax.errors import BytewaxRuntimeError
from bytewax.testing import run_main

from connectors.app import App
from connectors.closing import are_due
from connectors.delivery import Batch, Delivery, Entry, Read
from connectors.errors import RedisDenied, RedisFailure, translate
from connectors.group_config import GroupConfig
from connectors.per_entry import Message
from connectors.service import Service
from connectors.stream_id import parse
from connectors.windows import Windows

_LOOK_SECONDS = 0.02


def message(fields: Mapping[str, str], stream_id: bytes = b"1-0", stream: str = "stream") -> Message:
    """An entry as a function of `each` sees it."""
    return Message(stream, _entry(fields, stream_id))


def batch(*entries: Mapping[str, str], stream: str = "stream", group: str = "group") -> Batch:
    """Entries `1-0`, `2-0` ... as a step behind the source sees them."""
    rows = [_entry(fields, f"{number}-0".encode()) for number, fields in enumerate(entries, 1)]
    reads = (Read("test:0", len(rows), rows[-1].id),) if rows else ()
    return Batch(Delivery(stream, group, "test", "lease", "token", reads=reads), rows)


def run_until_caught_up(
    flow: Dataflow, service: Service | None = None, *groups: GroupConfig, seconds: float = 60.0
) -> None:
    """Run `flow` until each of `groups` has read and committed all that its stream holds, and stop it.

    An `App` has then published all windows that its entries close, too.

    Blocks meanwhile; call it from the main thread. An exception that a step raises passes.

    :arg service: that of its sources and sinks. An `App` knows it, and its groups: `bind` it to a Redis first.
    :raises TimeoutError: they had not after so many seconds. What they have committed stays.
    :raises RuntimeError: the flow ended by itself, with a status other than 0; its log says why.
    :raises RedisDenied: this user of Redis may not look at how far it is (XINFO GROUPS, XREVRANGE).
    """
    windows = flow.counted_in if isinstance(flow, App) else []
    if isinstance(flow, App):
        service, groups = service or flow.service, groups or tuple(flow.groups)
    assert service is not None, "a flow that is no App needs the service of its sources and sinks"
    lifecycle, ended, caught_up = service.lifecycle, threading.Event(), threading.Event()
    denied: list[RedisDenied] = []

    def watch() -> None:
        deadline = time.monotonic() + seconds
        with service.connect() as client:
            while not ended.wait(_LOOK_SECONDS):
                try:
                    if all(_is_caught_up(client, group) for group in groups) and not _is_due(client, windows):
                        caught_up.set()
                except RedisDenied as error:
                    denied.append(error)
                    lifecycle.stop("it cannot be seen whether all is read")
                    return
                if caught_up.is_set() or time.monotonic() > deadline:
                    lifecycle.stop("all is read" if caught_up.is_set() else "time is up")
                    return

    watcher = threading.Thread(target=watch, name="until caught up", daemon=True)
    watcher.start()
    try:
        run_main(flow)  # type: ignore[no-untyped-call]
    except BytewaxRuntimeError as error:
        raise _first_cause(error) from None
    finally:
        ended.set()
        watcher.join()
        status = lifecycle.exit_status
        lifecycle.reset()
    if status:
        raise RuntimeError(f"the flow ended with status {status}")
    if denied:
        raise denied[0]
    if not caught_up.is_set():
        raise TimeoutError(f"not all is read and committed after {seconds:g} s")


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _entry(fields: Mapping[str, str], stream_id: bytes) -> Entry:
    return Entry(stream_id, [text.encode() for pair in fields.items() for text in pair])


def _is_due(client: redis.Redis, windows: Sequence[Windows]) -> bool:
    try:
        return any(are_due(client, one) for one in windows)
    except RedisDenied:
        raise
    except RedisFailure:
        return True  # (Redis is away)


def _is_caught_up(client: redis.Redis, group: GroupConfig) -> bool:
    try:
        rows: list[dict[str, Any]] = client.xinfo_groups(group.stream)
        newest: Any = client.xrevrange(group.stream, count=1)
    except redis.RedisError as error:
        problem = translate(error)
        if isinstance(problem, RedisDenied):
            raise problem from error
        return False  # (not made yet, or Redis is away)
    for row in rows:
        if row["name"] == group.group.encode():
            behind = newest and parse(newest[0][0]) > parse(row["last-delivered-id"])
            return not behind and not row["pending"]
    return False
