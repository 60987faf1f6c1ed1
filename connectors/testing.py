"""For tests of your own flow: entries by hand, and a whole run on a Redis (see `private_redis`)."""

from __future__ import annotations

from collections.abc import Mapping

from bytewax.dataflow import Dataflow

from connectors.app import App
from connectors.catching_up import CaughtUp, run_until
from connectors.delivery import Batch, Delivery, Entry, Read
from connectors.group_config import GroupConfig
from connectors.per_entry import Message
from connectors.service import Service


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
    """
    windows = flow.counted_in if isinstance(flow, App) else []
    if isinstance(flow, App):
        service, groups = service or flow.service, groups or tuple(flow.groups)
    assert service is not None, "a flow that is no App needs the service of its sources and sinks"
    if not run_until(flow, service, CaughtUp(groups, windows, bounded=False), seconds):
        raise TimeoutError(f"not all is read and committed after {seconds:g} s")


def _entry(fields: Mapping[str, str], stream_id: bytes) -> Entry:
    return Entry(stream_id, [text.encode() for pair in fields.items() for text in pair])
