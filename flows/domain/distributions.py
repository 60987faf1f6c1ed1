"""The distributions that tests and intervals need: beta and Student's t, and the correction for many tests. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import exp, lgamma, log, log1p, pi
from statistics import NormalDist

_TINY = 1e-300
_PRECISION = 1e-14
_NORMAL = NormalDist()


def beta_below(x: float, a: float, b: float) -> float:
    """How likely a beta variable with the parameters `a`, `b` > 0 is to lie below `x`, 0 to 1.

    The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22), which converges fast below the
    mean; above, the other tail is worked out. Relative error about 1e-11 for parameters below 1e6.
    """
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_below(1.0 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    # (Lentz's way to work a continued fraction out from its beginning.)
    fraction, upper, lower = 1.0, 1.0, 0.0
    for step in range(20_000):
        half = step // 2
        if step == 0:
            term = 1.0
        elif step % 2 == 0:
            term = half * (b - half) * x / ((a + step - 1.0) * (a + step))
        else:
            term = -(a + half) * (a + b + half) * x / ((a + step - 1.0) * (a + step))
        lower = 1.0 / (1.0 + term * lower or _TINY)
        upper = 1.0 + term / upper or _TINY
        fraction *= upper * lower
        if abs(upper * lower - 1.0) < _PRECISION:
            break
    return front * (fraction - 1.0)


def t_above(t: float, freedom: float) -> float:
    """How likely Student's t with `freedom` > 0 degrees of freedom is to lie above `t`, 0 to 1."""
    square = t * t
    if square < 1.0:  # (the other way, what a small t takes from 1 would be rounded away)
        tail = 0.5 - 0.5 * beta_below(square / (freedom + square), 0.5, freedom / 2.0)
    else:
        tail = 0.5 * beta_below(freedom / (freedom + square), freedom / 2.0, 0.5)
    return tail if t >= 0.0 else 1.0 - tail


@lru_cache(maxsize=1_024)
def t_quantile(tail: float, freedom: float) -> float:
    """The value above which Student's t with `freedom` degrees of freedom lies with the probability `tail` <= 0.5.

    By Newton's method, from the first terms of the expansion around the normal quantile (Abramowitz and Stegun 26.7.5).
    """
    scale = lgamma((freedom + 1.0) / 2.0) - lgamma(freedom / 2.0) - log(pi * freedom) / 2.0
    z = _NORMAL.inv_cdf(1.0 - tail)
    t = z + (z**3 + z) / (4.0 * freedom) + (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / (96.0 * freedom**2)
    for _ in range(100):
        density = exp(scale - (freedom + 1.0) / 2.0 * log1p(t * t / freedom))
        step = (t_above(t, freedom) - tail) / density
        t += step
        if abs(step) <= 1e-9 * t:
            break
    return t


def binomial_tail(count: float, other: float, part: float) -> float:
    """How likely it is that of `count` + `other` events, each ours with the probability `part`, `count` are ours.

    Or more; of exactly `count` half the probability (mid-p). Counts may be fractions.
    """
    if count <= 0.0:
        return 1.0
    more = beta_below(part, count + 1.0, other) if other > 1e-9 else 0.0
    return (beta_below(part, count, other + 1.0) + more) / 2.0


def corrected(values: Sequence[float]) -> list[float]:
    """The p-`values` corrected for their number, in their order: of those up to a q, at most q are false on average.

    By the procedure of Benjamini and Hochberg (1995).
    """
    order = sorted(range(len(values)), key=values.__getitem__, reverse=True)
    found, least = [0.0] * len(values), 1.0
    for place, index in enumerate(order):
        least = min(least, values[index] * len(values) / (len(values) - place))
        found[index] = least
    return found
