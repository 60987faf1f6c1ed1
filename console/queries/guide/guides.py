"""The guide: the causes of each gate, how to find out more, what to do, and how long that takes. Pure data.

`docs/action-guide.md` is made from it. What a gate means in a line is in `flows.domain.gates`, for the alerts, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from console.queries.guide import limits, permits, positions, venue
from console.queries.guide.entry import Action, Guide, KeyCheck
from console.queries.nearest import nearest as nearest_of
from flows.domain.decisions import gate_of

GUIDES: Mapping[str, Guide] = MappingProxyType(
    {guide.gate: guide for module in (permits, positions, limits, venue) for guide in module.GUIDES}
)
"""Gate -> its entry."""

GENERIC = Guide(
    "",
    ("a new gate, or one that nobody has described yet", "a publisher that spells a gate in another way"),
    (KeyCheck("stream:apply.result", "stream", "who publishes it (`source`), and what else it says (`details`)"),),
    ("quantum tail --reason {G}", "quantum symbols", "quantum share --full"),
    (
        Action("see since when, and for which symbols: all of them point at a service, one at its own data", "2"),
        Action("compare with what was deployed or changed at that time; roll it back if it fits", "10"),
        Action("search the publisher's source for the name, and add it to the guide", "30"),
    ),
)
"""What to do about a gate that is not in the guide."""


def find(reason: str) -> Guide | None:
    """The entry for a gate, or for a reason that begins with it; spaces and case do not matter."""
    return GUIDES.get(gate_of(reason.strip()).lower())


def nearest(reason: str) -> list[str]:
    """Gates of the guide whose names are like that of `reason`, the nearest first."""
    return nearest_of(gate_of(reason.strip()), GUIDES)
