"""Names of consumers in a group: one for the process, and beneath it a fresh one for each read. Pure.

    host-17                    the consumer: holds a lease, and is a member of the group while it lives
    host-17:5f0c9a3e.1b        what one of its reads brought; gone from the group with the commit
    host-17:5f0c9a3e.1b.2      the same, of entries that have failed twice before
    host-17:5f0c9a3e.-.2       no read: entries that have failed twice and wait for their next attempt

No name of a read is used twice. So what is pending for one is what that read brought, as long as nobody interferes: the
commit compares a number, where it would have to compare a list.
"""

from __future__ import annotations

import re

_BENEATH = re.compile(rb"(?s)(.+):[0-9a-f]{8}\.(?:[0-9a-f]+(?:\.([0-9]{1,9}))?|-\.([0-9]{1,9}))")


def read_name(consumer: str, token: str, number: int, failures: int = 0) -> str:
    """The name of a read.

    :arg token: of the consumer's lease; at least 8 hexadecimal digits.
    :arg number: of the read, under that lease.
    :arg failures: how often each of its entries has failed before.
    """
    name = f"{consumer}:{token[:8]}.{number:x}"
    return f"{name}.{failures}" if failures else name


def waiting_name(consumer: str, token: str, failures: int) -> str:
    """The name for entries that have failed so often, at least once, and wait."""
    return f"{consumer}:{token[:8]}.-.{failures}"


def consumer_of(name: bytes) -> bytes:
    """The consumer that `name` belongs to: the beginning of a name beneath it, or all of any other name."""
    beneath = _BENEATH.fullmatch(name)
    return beneath[1] if beneath else name


def failures_of(name: bytes) -> int:
    """How often the entries that are pending for `name` have failed."""
    beneath = _BENEATH.fullmatch(name)
    return int(beneath[2] or beneath[3] or 0) if beneath else 0
