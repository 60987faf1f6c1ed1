"""Proposed allocation targets, in the shadow of the real ones: read beside them, never written over them.

    {prefix}:allocation:target:{symbol}              HASH, written by others, only read here: target_usd and more
    {prefix}:stream:allocation.target.proposed       STREAM, about 10,000 kept: one entry a symbol and loop
    {prefix}:allocation:target:proposed:{symbol}     HASH, TTL PROPOSE_KEY_TTL: the newest of them
        ts_epoch                time of the loop, epoch seconds
        symbol
        base_target             the target as it is, USD, 2 decimals
        proposed_target         base_target * multiplier, USD, 2 decimals
        multiplier              4 decimals; 1.0000 unless the reason is ok
        eff_score               0 to 1, 4 decimals; empty when missing
        eff_confidence          3 decimals; empty when missing
        eff_stale               1 when the reason is stale_eff, else 0
        reason                  ok redis_error missing_eff stale_eff low_conf
        mode                    shadow
        last_update_ts_epoch    (hash only) as ts_epoch: a symbol is proposed for once in each loop, by this field

Entry and hash of a symbol are written in one step, hundreds of symbols at a time. A crash may leave the rest of a loop
unwritten; the next loop computes all of it again. Nothing is written twice in a loop, whatever is repeated and however
many instances there are.
"""

from __future__ import annotations

from connectors.publish import Outlet
from sinks.values.joins import Proposal

TARGET_FIELDS = (b"target_usd",)
"""Those of a target that are looked at."""

PROPOSED = "proposed:"
"""What the names behind `target_prefix` begin with that are proposals."""

MAX_LENGTH = 10_000
"""About so many entries are kept."""

FIELDS = (
    "ts_epoch",
    "symbol",
    "base_target",
    "proposed_target",
    "multiplier",
    "eff_score",
    "eff_confidence",
    "eff_stale",
    "reason",
    "mode",
)


def target_prefix(prefix: str) -> str:
    """What the keys of targets begin with; proposals lie there, too, under names that begin with PROPOSED."""
    return f"{prefix}:allocation:target:"


def proposal_key(prefix: str, symbol: str) -> str:
    """The newest proposal for `symbol`."""
    return f"{target_prefix(prefix)}{PROPOSED}{symbol}"


def stream_key(prefix: str) -> str:
    """The stream of proposals, where no other is asked for."""
    return f"{prefix}:stream:allocation.target.proposed"


def outlet(stream: str, key_ttl: int) -> Outlet:
    """Where proposals go.

    :arg key_ttl: seconds.
    """
    return Outlet(stream, MAX_LENGTH, key_ttl, FIELDS, "last_update_ts_epoch")


def row(proposal: Proposal, at: str) -> tuple[str, ...]:
    """The values of FIELDS."""
    efficiency = proposal.efficiency
    return (
        at,
        proposal.symbol,
        f"{proposal.base_target:.2f}",
        f"{proposal.proposed_target:.2f}",
        f"{proposal.multiplier:.4f}",
        "" if efficiency.score is None else f"{efficiency.score:.4f}",
        "" if efficiency.confidence is None else f"{efficiency.confidence:.3f}",
        str(int(efficiency.stale)),
        efficiency.reason,
        "shadow",
    )
