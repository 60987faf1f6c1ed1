"""What a flow says of the consumer group that it reads through. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_START = re.compile(r"\$|[0-9]{1,20}(-[0-9]{1,20})?")


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """Which stream is read by which group, and the keys beside it. Durations are seconds.

    :raises ValueError: a value that no group can have.
    """

    stream: str
    group: str
    counters: str = ""
    """HASH: the group's `claimed_total`, `fenced_total`, `trimmed_total`, `group_generation` (how often it was created
    by us), `group_start` (where it began) and `last_id`, the newest entry committed, which each commit raises. While a
    rebuild takes its place, `held_until`, see `create_group.lua`.
    It belongs to this group alone, and names it in `group_stream` and `group_name`. Empty for a key of the group's own,
    `STREAM:group:GROUP`, which lies in the same slot of a cluster as the stream if that has a hash tag."""
    lease_prefix: str = ""
    """The lease of a consumer is the key with this prefix and its name. Empty for `COUNTERS:lease:`."""
    start: str = "0"
    """Where a group begins that never committed anything: `0`, the oldest entry, `$`, only what comes, or behind an
    ID."""
    lease_ttl: float = 30.0
    """How long a consumer that died keeps others from its entries; at least 0.1."""
    stall: float = 300.0
    """How long a worker may make no progress before it counts as dead."""

    def __post_init__(self) -> None:
        for name in ("stream", "group"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise ValueError(f"{name} of a group must be its name, not {value!r}")
        if not _START.fullmatch(self.start):
            raise ValueError(
                f"start of group {self.group!r} must be '0', '$' or an ID such as '5-0', not {self.start!r}"
            )
        for name, least in (("lease_ttl", 0.1), ("stall", 0.1)):
            if not least <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name} of group {self.group!r} must be {least:g} s or more, not {getattr(self, name)}"
                )
        if not self.counters:
            object.__setattr__(self, "counters", f"{self.stream}:group:{self.group}")
        if not self.lease_prefix:
            object.__setattr__(self, "lease_prefix", f"{self.counters}:lease:")
