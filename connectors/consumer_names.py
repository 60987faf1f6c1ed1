"""Names of consumers in a group: one for the process, and beneath it a fresh one for each read. Pure.

    host-17                    the consumer: holds a lease, and is a member of the group while it lives
    host-17:5f0c9a3e.1b        what one of its reads brought; gone from the group with the commit

No name of a read is used twice. So what is pending for one is what that read brought, as long as nobody interferes: the
commit compares a number, where it would have to compare a list.
"""

from __future__ import annotations

import re

_READ = re.compile(rb"(?s)(.+):[0-9a-f]{8}\.[0-9a-f]+")


def read_name(consumer: str, token: str, number: int) -> str:
    """The name of a read.

    :arg token: of the consumer's lease; at least 8 hexadecimal digits.
    :arg number: of the read, under that lease.
    """
    return f"{consumer}:{token[:8]}.{number:x}"


def consumer_of(name: bytes) -> bytes:
    """The consumer that `name` belongs to: the beginning of the name of a read, or all of any other name."""
    read = _READ.fullmatch(name)
    return read[1] if read else name
