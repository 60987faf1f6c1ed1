"""What was published of alerts, put together by alert: when each began to fire and when it was resolved. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sinks.values.alerts import FIRING


class Publication(Protocol):
    """One entry of the stream of alerts, whatever else is known of it."""

    @property
    def state(self) -> str:
        """FIRING, or anything else: it is over."""

    @property
    def timestamp(self) -> float:
        """When it was published, epoch seconds."""


K = TypeVar("K", bound=Hashable)
P = TypeVar("P", bound=Publication)


@dataclass(frozen=True, slots=True)
class Episode(Generic[P]):
    """An alert from firing to resolved."""

    published: tuple[P, ...]
    """Oldest first; never empty."""

    @property
    def last(self) -> P:
        """What was published last."""
        return self.published[-1]

    @property
    def last_firing(self) -> P | None:
        """What was published last as firing, which has the worst severity; None: that is kept no longer."""
        return next((one for one in reversed(self.published) if one.state == FIRING), None)

    @property
    def since(self) -> float | None:
        """When it began to fire, epoch seconds; None: the entry that would tell is kept no longer."""
        first = self.published[0]
        return first.timestamp if first.state == FIRING else None

    @property
    def ended(self) -> float | None:
        """When it was resolved, epoch seconds; None while it fires."""
        return None if self.last.state == FIRING else self.last.timestamp


def episodes(published: Iterable[P], identity: Callable[[P], K]) -> dict[K, Episode[P]]:
    """The alerts that were `published` (oldest first), by `identity`, in the order of their first publications.

    :arg identity: the same for all publications of one alert, and for those of no other.
    """
    found: dict[K, list[P]] = {}
    for one in published:
        found.setdefault(identity(one), []).append(one)
    return {key: Episode(tuple(group)) for key, group in found.items()}
