"""Read model: the dead letters in a stream of them, as `connectors.dead_letters` puts them there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import redis

from connectors.dead_letters import DeadLetter, parse
from console.queries.fetch import ask_all, text

MOST_LOOKED_AT = 100_000
"""Entries that one question looks at."""

PAGE = 50
"""Dead letters that are read at once: each has an entry of any size in it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters are asked for; empty: all."""

    stream: str = ""
    """Where the entry was."""
    error: str = ""
    """What its error has in it."""

    def has(self, letter: DeadLetter) -> bool:
        """Whether `letter` is one of them."""
        return self.stream in ("", printed(letter.stream)) and self.error in printed(letter.error)


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """What was found."""

    letters: tuple[DeadLetter, ...]
    """Without the fields of their entries, which `read_some` reads."""
    total: int
    """Entries in the stream."""
    looked_at: int
    """How many of them were looked at, until enough were found."""
    others: int
    """How many of those are no dead letters."""


def read_dead(
    client: redis.Redis, key: str, wanted: Wanted, limit: int, *, oldest_first: bool = False
) -> DeadLetters | None:
    """Up to `limit` dead letters of the stream `key`, the newest first; None where there is no such stream.

    Blocks for a round trip, and one for each `PAGE` entries. Raises `connectors.errors.RedisFailure`.
    """
    exists, total = ask_all(client, [("EXISTS", key), ("XLEN", key)])
    if not exists:
        return None
    found: list[DeadLetter] = []
    looked_at = others = 0
    for entry_id, fields in _entries(client, key, limit, oldest_first):
        looked_at += 1
        letter = parse(entry_id, fields)
        if letter is None:
            others += 1
        elif wanted.has(letter):
            found.append(replace(letter, fields=()))
        if len(found) == limit or looked_at == MOST_LOOKED_AT:
            break
    return DeadLetters(tuple(found), int(total), looked_at, others)


def read_some(client: redis.Redis, key: str, ids: Sequence[str]) -> Iterator[tuple[str, DeadLetter | None]]:
    """The dead letters with these IDs, in this order, each None where there is none when its turn comes.

    Blocks for a round trip for each `PAGE` of them. Raises `connectors.errors.RedisFailure`.
    """
    for at in range(0, len(ids), PAGE):
        page = ids[at : at + PAGE]
        replies = ask_all(client, [("XRANGE", key, one, one) for one in page])
        for one, reply in zip(page, replies, strict=True):
            yield one, parse(*reply[0]) if reply else None


def _entries(
    client: redis.Redis, key: str, limit: int, oldest_first: bool
) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
    command, position, end = ("XRANGE", "-", "+") if oldest_first else ("XREVRANGE", "+", "-")
    count = min(PAGE, limit)  # (at first: when that was not enough, who knows how much is)
    while True:
        (page,) = ask_all(client, [(command, key, position, end, "COUNT", count)])
        yield from page
        if len(page) < count:
            return
        position, count = "(" + text(page[-1][0]), PAGE


def printed(kept: str) -> str:
    """Text of a dead letter as it is shown: what was no UTF-8 is replaced."""
    return kept.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def as_row(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter for a program, without the fields of its entry."""
    return {
        "id": text(letter.key),
        "stream": printed(letter.stream),
        "entry_id": printed(letter.id),
        "group": printed(letter.group),
        "error": printed(letter.error),
        "failed_at": letter.failed_at,
        "attempts": letter.attempts,
    }


def fields_of(letter: DeadLetter) -> list[list[str]]:
    """Name and value of each field of its entry."""
    return [[text(name), text(value)] for name, value in zip(letter.fields[::2], letter.fields[1::2], strict=True)]
