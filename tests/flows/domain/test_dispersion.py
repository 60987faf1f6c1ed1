"""Dispersion is that of a quasi-binomial model, and the variance from it that of cluster-robust regression."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.domain.dispersion import Pieces, Scatter, pieces, scatter

COUNTS = st.lists(st.integers(1, 40), min_size=3, max_size=30)


def alone(totals: list[int]) -> Pieces:
    """Each cell is a piece of its own, all in one group."""
    group = pieces([[cell] for cell in range(len(totals))], totals)
    assert group
    return group


@given(COUNTS)
def test_dispersion_is_that_of_a_quasi_binomial_model(counts: list[int]) -> None:
    found = scatter([alone([50] * len(counts))], counts)
    import statsmodels.api as sm

    family, shares = sm.families.Binomial(), np.array(counts) / 50
    fitted = sm.GLM(shares, np.ones(len(counts)), family=family, var_weights=np.full(len(counts), 50)).fit()
    assert found.dispersion == pytest.approx(fitted.pearson_chi2 / fitted.df_resid, rel=1e-6, abs=1e-9)
    assert found.freedom == fitted.df_resid


@given(COUNTS)
def test_the_variance_of_a_share_is_that_of_clusters(counts: list[int]) -> None:
    totals = [50] * len(counts)
    total, share = sum(totals), sum(counts) / sum(totals)
    variance = scatter([alone(totals)], counts).dispersion * share * (1 - share) / total
    import statsmodels.api as sm

    shares = np.array(counts) / 50
    rows = sm.WLS(shares, np.ones(len(counts)), weights=totals).fit(
        cov_type="cluster", cov_kwds={"groups": np.arange(len(counts)), "use_correction": True}
    )
    assert variance == pytest.approx(float(rows.cov_params()[0, 0]), rel=1e-6, abs=1e-12)


def test_pieces_of_unequal_size_each_lie_from_the_share_of_their_group() -> None:
    # 10 of 40 and 20 of 60 are 0.3 together: 2 too few, 2 too many. Of 0.3 * 0.7 * (40 * 0.6 + 60 * 0.4) = 10.08.
    found = scatter([alone([40, 60])], [10, 20])
    assert found.squares == pytest.approx(8.0)
    assert found.expected == pytest.approx(10.08)
    assert found.distances == pytest.approx([-2 / 24**0.5, 2 / 24**0.5])
    assert found.levels == pytest.approx(0.6 * (40 * 0.21) ** 2 + 0.4 * (60 * 0.21) ** 2)


def test_groups_differ_from_each_other_at_no_cost() -> None:
    totals = [100] * 4
    groups = [pieces([[0], [1]], totals), pieces([[2], [3]], totals)]
    found = scatter([group for group in groups if group], [10, 10, 90, 90])
    assert (found.dispersion, found.freedom) == (0.0, 2.0)


def test_a_piece_is_the_sum_of_its_cells() -> None:
    totals = [30, 20, 50, 7]
    (whole, alike) = pieces([[0, 1], [2]], totals), alone([50, 50])
    assert whole
    assert scatter([whole], [5, 4, 12, 3]) == scatter([alike], [9, 12])


def test_pieces_without_decisions_are_none() -> None:
    assert pieces([[0], [1]], [10, 0]) is None
    assert pieces([], []) is None


@pytest.mark.parametrize("counts", [[0, 0, 0], [10, 10, 10]])
def test_what_never_varies_tells_nothing(counts: list[int]) -> None:
    assert scatter([alone([10] * 3)], counts) == Scatter()
    assert Scatter().dispersion == 0.0


def test_one_burst_makes_nobody_sure() -> None:
    quiet, loud = [10] * 20, [10] * 19 + [400]
    even = [8, 12] * 10
    assert scatter([alone([1_000] * 20)], even).sureness == 19.0
    assert scatter([alone([1_000] * 20)], loud).sureness == pytest.approx(2.0, abs=0.3)
    assert scatter([alone([1_000] * 20)], quiet).sureness == 19.0


@given(st.integers(0, 1_000))
def test_normal_distances_are_as_sure_as_they_are_many(seed: int) -> None:
    counts = np.random.default_rng(seed).normal(500, 20, 400).round().astype(int).tolist()
    assert scatter([alone([10_000] * 400)], counts).sureness == pytest.approx(399, rel=0.45)
