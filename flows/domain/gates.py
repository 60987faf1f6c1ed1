"""What the gates mean, a line each. Pure data, for whoever tells an operator about one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "p33_permit_denied": "P3.3 gave no valid permit: it is stale, or denied for leverage, risk or a hold",
        "no_position": "the plan acts on a position that is not there: closed meanwhile, or not reconciled yet",
        "not_in_allowlist": "the symbol is not on the allowlist: the list is too narrow, or the proposal wrong",
        "symbol_not_in_allowlist": "the symbol is not on the allowlist: the list is too narrow, or the proposal wrong",
        "leverage_ratio_exceeded": "the order would take the symbol's leverage over its limit",
        "insufficient_confidence": "the model is less sure of its signal than the threshold demands",
        "action_hold": "somebody or something has put trading, or this symbol, on hold",
        "reconciliation_mismatch": "our book and the exchange disagree; nothing is traded until they are reconciled",
        "duplicate_plan": "the plan has been dealt with already; something publishes or reads it twice",
        "kill_score_critical": "the kill score is critical: risk control wants exposure reduced, not opened",
        "binance_error": "the exchange refused the order or did not answer",
        "close_no_position": "there is no position left to close: closed meanwhile, or not reconciled yet",
        "p33_permit_missing_or_denied": "P3.3 gave no valid permit in time, or denied it",
        "mark_price_unavailable": "no current mark price: market data is late or gone",
        "min_notional_check_failed": "the order is smaller than the exchange accepts",
        "exception": "the publisher of the decision failed with an error of its own",
    }
)
"""Gate -> what it means, in one line of printable ASCII."""

NO_REASON = "the publisher of the decision gave no reason"
UNKNOWN_GATE = "this gate is not in the guide: ask whoever publishes it"


def meaning(gate: str) -> str:
    """What `gate` means; one line, also for a gate that nobody has described."""
    return NO_REASON if gate == "none" else MEANINGS.get(gate, UNKNOWN_GATE)
