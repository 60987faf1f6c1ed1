"""Writing proposals: see `sinks.proposals`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import redis

from connectors.key_problems import KeyProblems
from connectors.publish import MAX_ROWS, PUBLISHED, WRONG_TYPE, Outlet, publish
from sinks.proposals import proposal_key, row
from sinks.times import seconds_text
from sinks.values.joins import Proposal, Proposals


class ProposalWriter:
    """Writes loops; of keys that hold another type it tells once. Not thread-safe.

    :arg published: told of proposals that were written, by this writer and by no other; must not raise.
    """

    def __init__(
        self, prefix: str, outlet: Outlet, published: Callable[[Sequence[Proposal]], None] = lambda _proposals: None
    ) -> None:
        self._prefix = prefix
        self._outlet = outlet
        self._published = published
        self._problems = KeyProblems("proposals")

    def __call__(self, client: redis.Redis, loop: Proposals) -> None:
        """Write `loop`. Blocks for a round trip for every MAX_ROWS proposals. Safe to repeat.

        :raises RedisFailure: some may have been written; the next loop writes them all again.
        """
        at = seconds_text(loop.at)
        wrong: dict[str, str] = {}
        for start in range(0, len(loop.proposals), MAX_ROWS):
            chunk = loop.proposals[start : start + MAX_ROWS]
            rows = [(proposal_key(self._prefix, one.symbol), row(one, at)) for one in chunk]
            verdicts = publish(client, self._outlet, rows, at, loop.turn)
            self._published([one for one, verdict in zip(chunk, verdicts, strict=True) if verdict == PUBLISHED])
            for (key, _row), verdict in zip(rows, verdicts, strict=True):
                if verdict == WRONG_TYPE:
                    wrong[key] = "it must be a hash"
        self._problems.report(wrong)
