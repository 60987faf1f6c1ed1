"""Who wants to know what the connectors do: metrics, tests. The default does nothing."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.delivery import Part


class Instrumentation:
    """Called from the worker threads; methods must be quick and must not raise."""

    def committed(self, parts: Sequence[Part], seconds: float, overflow: int) -> None:
        """`parts` were applied by one commit, which took `seconds`; `overflow` counts were folded."""

    def unmerged(self, keys: int) -> None:
        """So many keys of a commit were left as they are, because Merge found no record; `committed` follows."""

    def dropped(self, fields: int) -> None:
        """So many fields of a commit's Raise were dropped, because a hash was full; `committed` follows."""

    def unmet(self, conditions: int) -> None:
        """So many PutIf of a commit found something else than they expected; `committed` follows."""

    def claimed(self, entries: int) -> None:
        """So many entries were taken over from a dead consumer."""

    def fenced(self) -> None:
        """A consumer of this process lost its lease, or its commit was refused."""

    def trimmed(self, entries: int) -> None:
        """So many entries were lost: deleted from the stream before they were counted."""
