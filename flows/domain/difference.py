"""Do two shares differ, or is it chance? Pure."""

from __future__ import annotations

from math import sqrt

FEWEST = 20
"""Of fewer decisions no share is told from another: they come in bursts, and one plan may make several."""

_LEAST = 0.10
"""Shares less than this apart are much the same to an operator."""

_Z = 3.0
"""Standard errors: 99.7 %, as every answer asks anew, and several times."""


def clearly_apart(count: int, total: int, other: int, other_total: int) -> bool:
    """Whether `count` of `total` and `other` of `other_total` are surely 10 points apart or more.

    That is so where the confidence interval of their difference (Newcombe's, from Wilson's interval of each) keeps that
    far from zero: the fewer the decisions, the larger the difference has to be.
    """
    if min(total, other_total) < FEWEST:
        return False
    high, low = sorted(((count / total, total), (other / other_total, other_total)), reverse=True)
    below, above = high[0] - _wilson(*high)[0], _wilson(*low)[1] - low[0]
    return high[0] - low[0] - sqrt(below**2 + above**2) >= _LEAST


def _wilson(share: float, total: int) -> tuple[float, float]:
    """Wilson's score interval."""
    squared = _Z * _Z / total
    centre = (share + squared / 2) / (1 + squared)
    half = _Z / (1 + squared) * sqrt(share * (1 - share) / total + squared / (4 * total))
    return centre - half, centre + half
