"""What the joins say, as lines of text: safe for a terminal. Pure."""

from __future__ import annotations

from console.queries.joins import Permitted, Proposed
from console.terminal.cells import fit


def proposed_line(one: Proposed, width: int, *, ascii_only: bool = False) -> str:
    """Base against proposed target with the reason, exactly `width` cells wide (for 40 and more)."""
    arrow = "->" if ascii_only else "→ "
    multiplier = "?" if one.multiplier is None else f"x{one.multiplier:.2f}"
    targets = f"{_usd(one.base_target):>8} {arrow} {_usd(one.proposed_target):>7} {multiplier:>6} "
    reason_width = 11
    return fit(one.symbol, max(width - len(targets) - reason_width, 1)) + targets + fit(one.reason, reason_width)


def permit_line(one: Permitted, width: int) -> str:
    """What a permit says, exactly `width` cells wide (for 20 and more)."""
    factor = "?" if one.factor is None else f"x{one.factor:.2f}"
    if one.action == "DOWNSIZE" and one.extra_cooldown is not None:
        said = f"{factor} +{one.extra_cooldown:.0f} s"
    else:
        said = f"{factor} {one.reason}"
    return fit(one.symbol, max(width - 18, 1)) + " " + fit(said, 17)


def _usd(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}"
