"""Effects carried out on dicts: what the transactional commit does in Redis, without bounds and without Redis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from connectors.delivery import Part
from connectors.effects import Count, Effect, Raise


class Ledger:
    """The hashes that effects make, and the IDs that would be acknowledged, in order."""

    def __init__(self, parts: Iterable[Part] = ()) -> None:
        self.hashes: dict[str, dict[str, str]] = defaultdict(dict)
        self.ttls: dict[str, int | None] = {}
        self.acknowledged: list[bytes] = []
        for part in parts:
            self.acknowledged += part.ids
            self.apply(part.effects)

    def apply(self, effects: Iterable[Effect]) -> None:
        """Carry out `effects`; one of another kind than `flows.p35` uses fails."""
        for effect in effects:
            target = self.hashes[effect.key]
            assert isinstance(effect, Count | Raise)
            self.ttls[effect.key] = effect.ttl
            if isinstance(effect, Raise):
                for name, value in effect.values.items():
                    target[name] = max(value, target.get(name, value), key=float)
                continue
            for name, count in effect.counts.items():
                self._add(effect.key, name, count)
                if effect.mirror is not None:
                    self._add(effect.mirror.key, name, count)
                    self.ttls[effect.mirror.key] = effect.mirror.ttl

    def _add(self, key: str, name: str, count: int) -> None:
        self.hashes[key][name] = str(int(self.hashes[key].get(name, "0")) + count)

    def counts(self, start: str) -> dict[str, dict[str, int]]:
        """The hashes of integers whose keys begin with `start`, by the rest of their keys."""
        return {
            key.removeprefix(start): {name: int(value) for name, value in fields.items()}
            for key, fields in self.hashes.items()
            if key.startswith(start)
        }
