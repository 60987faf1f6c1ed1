"""Do two shares differ, or is it chance? Pure."""

from __future__ import annotations

from math import sqrt

FEWEST = 20
"""Of fewer decisions no share is told from another: they come in bursts, and one plan may make several."""

_LEAST = 0.10
"""Shares less than this apart are much the same to an operator."""

_Z = 3.0
"""Standard errors: 99.7 %, as every answer asks again, and several times."""


def clearly_apart(count: int, total: int, other: int, other_total: int) -> bool:
    """Whether `count` of `total` and `other` of `other_total` are surely 10 points apart or more.

    That is so where the confidence interval of their difference keeps that far from zero: the fewer the decisions, the
    larger the difference has to be.
    """
    if min(total, other_total) < FEWEST:
        return False
    low, high = interval(count / total, total, other / other_total, other_total, _Z)
    return low >= _LEAST or high <= -_LEAST


def interval(share: float, total: float, other: float, other_total: float, z: float) -> tuple[float, float]:
    """Between what `share` - `other` lies: Newcombe's interval, from Wilson's of each, which fits rare ones, too.

    :arg total: of how many the share is, above 0; a fraction where not all of them count in full.
    :arg z: standard errors.
    """
    (low, high), (other_low, other_high) = _wilson(share, total, z), _wilson(other, other_total, z)
    below = sqrt((share - low) ** 2 + (other_high - other) ** 2)
    above = sqrt((high - share) ** 2 + (other - other_low) ** 2)
    return share - other - below, share - other + above


def _wilson(share: float, total: float, z: float) -> tuple[float, float]:
    """Wilson's score interval."""
    squared = z * z / total
    centre = (share + squared / 2) / (1 + squared)
    half = z / (1 + squared) * sqrt(share * (1 - share) / total + squared / (4 * total))
    return centre - half, centre + half
