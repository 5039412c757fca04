"""Funnel limits: exact binomial tails and few false alarms."""

import numpy as np
import pytest
from scipy import stats

from audit.stats.funnel import INNER, OUTER, funnel, funnel_limits


def test_limits_of_ten_cases_by_hand():
    # Rate ½, n = 10: P(Y ≤ 1) = 11/1024 = 0.0107 < 0.025, P(Y ≤ 2) = 56/1024 = 0.0547: inside from 2 to 8.
    low, high = funnel_limits(10, 0.5)
    assert (low, high) == (0.2, 0.8)
    # 99.8 %: P(Y ≤ 0) = 1/1024 = 0.00098 < 0.001: inside from 1 to 9.
    assert funnel_limits(10, 0.5, OUTER) == (0.1, 0.9)


@pytest.mark.parametrize("rate", [0.03, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("level", [INNER, OUTER])
def test_tails_are_exact(rate, level):
    n = np.array([1, 5, 20, 137, 2000])
    low, high = (np.rint(x * n) for x in funnel_limits(n, rate, level))
    tail = (1 - level) / 2
    assert (stats.binom.cdf(low - 1, n, rate) < tail).all()  # outside below
    assert (stats.binom.cdf(low, n, rate) >= tail).all()  # the limit itself is inside
    assert (stats.binom.sf(high, n, rate) <= tail).all()
    assert (stats.binom.sf(high - 1, n, rate) > tail).all()


def test_positions():
    # Rate given ½, ten cases each: 5 inside, 1 and 9 outside 95 %, 0 and 10 outside 99.8 %.
    got = funnel([5, 1, 9, 0, 10, 2], [10] * 6, rate=0.5)
    assert got.position.tolist() == [0, -1, 1, -2, 2, 0]
    assert got.p_value[:2] == pytest.approx([1.0, 2 * 11 / 1024])
    assert got.share.tolist() == [0.5, 0.1, 0.9, 0.0, 1.0, 0.2]


def test_the_same_share_is_an_outlier_only_with_enough_cases():
    got = funnel([4, 40], [10, 100], rate=0.2)
    assert got.share.tolist() == [0.4, 0.4]
    assert got.position.tolist() == [0, 2]


def test_units_without_cases_are_inside():
    got = funnel([0, 3], [0, 10])
    assert np.isnan(got.share[0]) and np.isnan(got.p_value[0])
    assert (got.position[0], got.inner_low[0], got.inner_high[0]) == (0, 0.0, 1.0)
    assert np.isnan(got.dispersion)
    assert funnel([0, 0], [0, 0]) is None


def test_everybody_or_nobody():
    for k in (0, 10):
        got = funnel([k, k], [10, 10])
        assert got.position.tolist() == [0, 0]
        assert not got.overdispersed


def test_false_alarms_stay_below_their_level():
    rng = np.random.default_rng(1)
    n = rng.integers(20, 200, 40_000)
    k = rng.binomial(n, 0.3)
    got = funnel(k, n)
    assert (np.abs(got.position) >= 1).mean() <= 0.05
    assert (np.abs(got.position) == 2).mean() <= 0.002
    assert got.dispersion == pytest.approx(1.0, abs=0.03)


def test_overdispersion_is_noticed():
    rng = np.random.default_rng(2)
    n = np.full(60, 200)
    assert funnel(rng.binomial(n, rng.beta(6, 14, 60)), n).overdispersed
    assert not funnel(rng.binomial(n, 0.3), n).overdispersed


@pytest.mark.parametrize(("k", "n"), [([3], [2]), ([-1], [2]), ([1, 2], [3])])
def test_impossible_counts_are_refused(k, n):
    with pytest.raises(ValueError, match="0 ≤ k ≤ n"):
        funnel(k, n)
    with pytest.raises(ValueError, match="between 0 and 1"):
        funnel_limits(10, 1.5)
