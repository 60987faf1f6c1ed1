r"""Dead letters: entries that could not be processed, kept whole in a stream of their own, and put back from there.

A dead letter is an entry with the fields

    stream, id   where the entry was, and its ID
    group        the consumer group for which it failed
    error        the last cause, one line
    failed_at    when, in epoch seconds
    attempts     how often it was tried
    fields       its fields: a JSON list of name, value, name, value ..., where a byte xx that is no UTF-8 is `\udcxx`
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import redis

from connectors.connection import Script
from connectors.delivery import Delivery, Entry
from connectors.effects import Append
from connectors.errors import WrongType
from connectors.text import one_line

_replay = Script.load("replay")


MOST_FIELDS = 3_500
"""Of an entry that is put back: Lua takes some 8,000 values at once."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as it was found."""

    key: bytes
    """Its own ID, in the stream of dead letters."""
    stream: str
    id: str
    group: str
    error: str
    failed_at: float | None
    attempts: int | None
    fields: tuple[bytes, ...]
    """Of the entry: name, value, name, value ..."""


def letter(key: str, kept: int, delivery: Delivery, entry: Entry, error: str, now: float) -> Append:
    """What puts `entry`, which failed for the last time, into the stream `key`, which keeps about `kept`. Pure.

    :arg now: epoch seconds.
    """
    fields = {
        "stream": delivery.stream,
        "id": entry.id.decode(),
        "group": delivery.group,
        "error": error,
        "failed_at": f"{now:.3f}",
        "attempts": str(delivery.failures + 1),
        "fields": json.dumps([field.decode("utf-8", "surrogateescape") for field in entry.fields]),
    }
    return Append(key, fields, kept)


def parse(entry_id: bytes, fields: Mapping[bytes, bytes]) -> DeadLetter | None:
    """The dead letter that an entry is; None where it is none, or not whole. Pure."""
    texts = {name: value.decode("utf-8", "surrogateescape") for name, value in fields.items()}
    try:
        kept = json.loads(texts[b"fields"])
        raw = tuple(text.encode("utf-8", "surrogateescape") for text in kept)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(kept, list) or not raw or len(raw) % 2 or not texts.get(b"stream"):
        return None
    attempts = texts.get(b"attempts", "")
    return DeadLetter(
        entry_id,
        texts[b"stream"],
        texts.get(b"id", ""),
        texts.get(b"group", ""),
        texts.get(b"error", ""),
        _seconds(texts.get(b"failed_at", "")),
        int(attempts) if attempts.isascii() and attempts.isdecimal() and len(attempts) < 10 else None,
        raw,
    )


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def replay(client: redis.Redis, key: str, dead: DeadLetter) -> bytes | None:
    """Append the entry to the stream that it came from, and delete the dead letter, in one step.

    Blocks for a round trip. A dead letter is put back once, whoever does it and however often it is tried.

    :raises ValueError: it has more than `MOST_FIELDS` fields.
    :returns: the entry's new ID; None where there is no such dead letter any more.
    :raises WrongType: its stream is none; nothing was done.
    :raises RedisFailure: with an error for a reply nothing was done; without any reply, that is not known: try again.
    """
    if len(dead.fields) > 2 * MOST_FIELDS:
        raise ValueError(f"an entry of {len(dead.fields) // 2} fields cannot be put back: {MOST_FIELDS} at the most")
    stream = dead.stream.encode("utf-8", "surrogateescape")
    reply = _replay(client, [key.encode("utf-8", "surrogateescape"), stream], [dead.key, *dead.fields])
    if reply and reply[0] == b"WRONGTYPE":
        found, wanted = (word.decode() for word in reply[1:])
        raise WrongType.of(one_line(dead.stream), found, wanted)
    return bytes(reply[0]) if reply else None
