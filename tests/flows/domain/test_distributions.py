"""Distributions and corrections are those of SciPy and statsmodels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.domain.distributions import beta_below, binomial_tail, corrected, t_above, t_quantile

PARAMETERS = st.floats(0.01, 5_000)


@given(st.floats(0, 1, allow_subnormal=False), PARAMETERS, PARAMETERS)  # (SciPy is off by a seventh below 2.2e-308)
def test_beta(x: float, a: float, b: float) -> None:
    from scipy import special

    assert beta_below(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-9, abs=1e-280)


@given(st.floats(-40, 40), st.floats(0.5, 1_000))
def test_t(t: float, freedom: float) -> None:
    from scipy import stats

    assert t_above(t, freedom) == pytest.approx(stats.t.sf(t, freedom), rel=1e-8, abs=1e-200)


@given(st.floats(1e-6, 0.5), st.floats(1.0, 1_000))
def test_quantile_of_t(tail: float, freedom: float) -> None:
    from scipy import stats

    assert t_quantile(tail, freedom) == pytest.approx(stats.t.isf(tail, freedom), rel=1e-7, abs=1e-7)


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.01, 0.99))
def test_binomial_tail_of_whole_counts(count: int, other: int, part: float) -> None:
    from scipy import stats

    exactly = stats.binom.pmf(count, count + other, part) if count else 0.0
    wanted = stats.binom.sf(count - 1, count + other, part) - exactly / 2
    assert binomial_tail(count, other, part) == pytest.approx(wanted, rel=1e-8, abs=1e-14)


@given(st.floats(0.1, 50), st.floats(0, 50), st.floats(0.05, 0.95))
def test_between_whole_counts_the_tail_falls_steadily(count: float, other: float, part: float) -> None:
    assert binomial_tail(count + 0.1, other, part) <= binomial_tail(count, other, part)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_correction_for_many_tests(values: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    assert corrected(values) == pytest.approx(list(multipletests(values, method="fdr_bh")[1]))


def test_nothing_needs_no_correction() -> None:
    assert corrected([]) == []
