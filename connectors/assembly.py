"""Putting the parts of what was read together again, whatever steps they took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.delivery import Delivery, Part

MAX_PARTS = 64
"""The most parts in one commit: bounds how long one script keeps Redis from other work."""


class Assembly:
    """Puts the parts of a delivery together again."""

    def __init__(self) -> None:
        self._waiting: dict[Delivery, list[Part]] = {}
        self._missing: dict[Delivery, int] = {}
        """How many entries of a delivery that waits are in none of its parts yet."""

    def ids(self) -> set[bytes]:
        """Of all parts that wait. May be called from another thread."""
        return {one_id for parts in list(self._waiting.values()) for part in list(parts) for one_id in part.ids}

    def whole(self, parts: Iterable[Part]) -> Iterator[list[Part]]:
        """Commits of whole deliveries, of `MAX_PARTS` where one delivery has no more; what is not whole is kept."""
        chunk: list[Part] = []
        for part in parts:
            delivery = part.delivery
            together = self._waiting.setdefault(delivery, [])
            together.append(part)
            missing = self._missing.pop(delivery, delivery.entries) - len(part.ids)
            if missing > 0:
                self._missing[delivery] = missing
                continue
            del self._waiting[delivery]
            _check_apart(together)
            if chunk and len(chunk) + len(together) > MAX_PARTS:
                yield chunk
                chunk = []
            chunk += together
        if chunk:
            yield chunk


def _check_apart(parts: list[Part]) -> None:
    """That no entry is in two parts, as far as a look at their first and last ones tells.

    There are as many as were read: for one that is there twice, another is in no part, and would be acknowledged with
    nothing done about it.
    """
    for place in (0, -1):
        ends = [part.ids[place] for part in parts]
        if len(set(ends)) < len(ends):
            twice = next(one for one in ends if ends.count(one) > 1)
            raise ValueError(f"entry {twice.decode()} of {parts[0].delivery.stream} is in two parts; it belongs in one")
