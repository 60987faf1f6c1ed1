"""Intervals of differences are Newcombe's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.domain.difference import interval

COUNTS = st.integers(1, 2_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@given(COUNTS, COUNTS, st.floats(0.5, 4))
def test_interval(one: tuple[int, int], other: tuple[int, int], z: float) -> None:
    found = interval(one[0] / one[1], one[1], other[0] / other[1], other[1], z)
    from scipy import stats
    from statsmodels.stats.proportion import confint_proportions_2indep

    wanted = confint_proportions_2indep(*one, *other, method="newcomb", compare="diff", alpha=2 * stats.norm.sf(z))
    assert found == pytest.approx(wanted, abs=1e-9)
