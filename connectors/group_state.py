"""What Redis knows of a consumer group, as a value. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GroupState:
    """A consumer group at one moment."""

    pending: int
    """Entries delivered and not acknowledged."""
    lag: int | None
    """Entries not delivered yet; None: this Redis does not know."""
    consumers: int
