"""Asking Redis many things in one packet, and large hashes for some of their fields. Never writes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import redis

from connectors.errors import NoGroup, WrongType, translate, translating
from sinks.numbers import number

_SCAN_COUNT = 20_000
"""Fields that Redis looks at in one step of a scan, which takes it a few milliseconds: a bucket whole, as a rule."""

_AT_ONCE = 15
"""Hashes that Redis is asked to look through in one packet. It serves no other client until that is answered."""


def ask_all(client: redis.Redis, questions: Sequence[Sequence[Any]], *, absent: Any = None) -> list[Any]:
    """The raw replies to commands, in their order; `absent` where there is no such stream or group.

    Blocks for one round trip. The second word of a command is taken for its key.

    :raises RedisFailure: Redis does not answer, or refuses any of them; a WrongType names the key.
    """
    pipeline = client.pipeline(transaction=False)
    for question in questions:
        pipeline.execute_command(*question)  # type: ignore[no-untyped-call]
    with translating():
        replies = pipeline.execute(raise_on_error=False)
    return [_reply(question, reply, absent) for question, reply in zip(questions, replies, strict=True)]


def _reply(question: Sequence[Any], reply: Any, absent: Any) -> Any:
    if not isinstance(reply, Exception):
        return reply
    problem = translate(reply)
    if isinstance(problem, NoGroup):
        return absent
    if isinstance(problem, WrongType):
        raise WrongType(f"key {text(question[1])} holds something of another type: delete or rename it")
    raise problem


def scan_fields(client: redis.Redis, keys: Sequence[str], pattern: str) -> list[dict[bytes, bytes]]:
    """For each of `keys`, the fields that match `pattern` (of Redis), and their values; Redis does the choosing.

    Blocks for a round trip each 15 hashes, and more where one is very large. Raises as `ask_all` does.
    """
    found: list[dict[bytes, bytes]] = [{} for _ in keys]
    left = [(at, 0) for at in range(len(keys))]
    while left:
        asked, left = left[:_AT_ONCE], left[_AT_ONCE:]
        questions = [("HSCAN", keys[at], cursor, "MATCH", pattern, "COUNT", _SCAN_COUNT) for at, cursor in asked]
        for (at, _), (cursor, fields) in zip(asked, ask_all(client, questions), strict=True):
            found[at].update(fields)
            if cursor:
                left.append((at, cursor))
    return found


def literally(name: str) -> str:
    """A pattern of Redis that only `name` matches."""
    return re.sub(r"([*?\[\]\\^-])", r"\\\1", name)


def in_any_case(name: str) -> str:
    """A pattern of Redis that matches `name`, however its ASCII letters are written."""
    return "".join(
        f"[{one.lower()}{one.upper()}]" if one.isascii() and one.isalpha() else literally(one) for one in name
    )


def text(value: object) -> str:
    """What came from Redis, as text; it may hold control characters."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def texts(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """A hash, or an entry of a stream, as text."""
    return {text(name): text(value) for name, value in fields.items()}


def count_of(value: object) -> int:
    """A count, or 0 where `value` is none."""
    try:
        count = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return 0
    return count if count > 0 else 0


def number_of(value: object) -> float | None:
    """A finite number, or None where `value` is none."""
    return number(text(value))
