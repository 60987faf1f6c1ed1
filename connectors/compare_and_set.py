"""A shared state that several instances advance, and a stream of what follows from it: one step, done by one of them.

The state is a hash with a version. An instance reads it, works out the next one and what is to be published, and asks
for both; when another was faster, nothing happens. So nothing is published twice, and nothing that
the state does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from connectors.connection import Script
from connectors.errors import WrongType
from connectors.text import one_line

_script = Script.load("ask", "compare_and_set")


@dataclass(frozen=True, slots=True)
class Transition:
    """From one version of a state to the next."""

    version_field: str
    """The field of the hash that holds the version."""
    expected: str
    """The version that the step was built upon; empty where there was none."""
    version: str
    """The version that it makes: one that nobody else makes, ever."""
    put: Mapping[str, str]
    """Fields to set."""
    remove: Collection[str]
    """Fields to remove."""
    entries: Sequence[Mapping[str, str]]
    """To be appended to the stream, in this order."""


def compare_and_set(client: redis.Redis, state_key: str, stream_key: str, step: Transition, max_length: int) -> bool:
    """Take `step`; whether it is done. False: the state has another version, and nothing was done.

    Blocks for a round trip. Safe to repeat when the reply was lost: a step that is done already is not done again.

    :arg max_length: about how many entries the stream keeps.
    :raises WrongType: a key holds another type; nothing was done.
    :raises RedisFailure: with an error for a reply nothing was done; without any reply, that is not known.
    """
    args: list[Any] = [step.version_field, step.expected, step.version, max_length, len(step.remove), *step.remove]
    args.append(len(step.put))
    for pair in step.put.items():
        args.extend(pair)
    args.append(len(step.entries))
    for entry in step.entries:
        args.append(len(entry))
        for pair in entry.items():
            args.extend(pair)
    reply = _script(client, [state_key, stream_key], args)
    if reply[0] == b"WRONGTYPE":
        key, found, wanted = (one_line(value.decode("utf-8", "replace")) for value in reply[1:])
        raise WrongType.of(key, found, wanted)
    return bool(reply[0] == b"APPLIED")
