"""Redis stream IDs: `<milliseconds>-<sequence>`, two unsigned 64-bit numbers, ordered by the first, then the second."""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.times import EPOCH

ZERO = b"0-0"
"""Before every entry."""


def parse(stream_id: bytes) -> tuple[int, int]:
    """`(milliseconds, sequence)`; tuples order as the IDs do.

    :raises ValueError: not a stream ID.
    """
    milliseconds, _, sequence = stream_id.partition(b"-")
    return int(milliseconds), int(sequence or 0)


def milliseconds(stream_id: bytes) -> int:
    """The time part of an ID, in milliseconds since the epoch."""
    return int(stream_id[: stream_id.index(b"-")])


def before(moment: datetime) -> str:
    """What a group begins behind whose first entry is the first that was added at `moment` or later; `0` for all."""
    past = round((moment - EPOCH) / timedelta(milliseconds=1)) - 1
    return f"{past}-{2**64 - 1}" if past >= 0 else "0"
