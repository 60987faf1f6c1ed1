"""What the entries of `quantum:stream:apply.plan` say: which plans may be carried out. Pure.

Fields may be missing, empty, huge or not UTF-8; one that is repeated counts with its last value. Nothing in here raises
for any input.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.delivery import Batch, Delivery
from sinks.values.joins import Plan

EXECUTE = b"EXECUTE"


@dataclass(frozen=True, slots=True)
class Plans:
    """The entries of one read."""

    delivery: Delivery
    ids: tuple[bytes, ...]
    """Of all entries, in stream order."""
    executed: tuple[tuple[bytes, Plan], ...]
    """The plans that get a permit, and the IDs of their entries."""
    not_execute: int
    """How many have another decision, or none."""
    incomplete: int
    """How many are to be carried out, and lack their plan_id or symbol."""


def read(batch: Batch) -> Plans:
    """The plans in `batch`."""
    executed: list[tuple[bytes, Plan]] = []
    not_execute = incomplete = 0
    for entry_id, pairs in batch.entries:
        fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
        if fields.get(b"decision", b"").strip().upper() != EXECUTE:
            not_execute += 1
            continue
        plan = Plan(*(_text(fields.get(name, b"")) for name in (b"plan_id", b"symbol", b"action")))
        if not plan.plan_id.strip() or not plan.symbol.strip():
            incomplete += 1
        else:
            executed.append((entry_id, plan))
    return Plans(batch.delivery, tuple(entry.id for entry in batch.entries), tuple(executed), not_execute, incomplete)


def _text(value: bytes) -> str:
    """`value` as text that can be turned into these bytes again."""
    return value.decode("utf-8", "surrogateescape")
