"""Funnel limits: exact binomial tails and few false alarms."""

import numpy as np
import pytest
from scipy import special, stats
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

from audit.stats.funnel import INNER, OUTER, funnel, funnel_limits, outliers


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


def test_outliers_by_hand():
    # Four alike units of 100 at 20 and one of 100 at 50: the others spread less than the least spread, τ = 0.05.
    got = outliers([20, 20, 20, 20, 50], [100] * 5)
    level, mine = (np.arcsin(np.sqrt((k + 3 / 8) / 100.75)) for k in (20, 50))
    s2 = 1 / 402
    z = (mine - level) / np.sqrt(s2 + 0.05**2 + (s2 + 0.05**2) / 4)
    assert got.z[4] == pytest.approx(z)
    assert got.p_value[4] == pytest.approx(stats.t.sf(z, 10))
    assert got.expected[4] == pytest.approx(np.sin(level) ** 2)
    # The best of five p-values counts five times.
    assert got.q_value[4] == pytest.approx(5 * got.p_value[4])
    assert (got.q_value[:4] > 0.5).all()


def test_outliers_equal_statsmodels():
    rng = np.random.default_rng(3)
    n = rng.integers(20, 90, 9)
    k = rng.binomial(n, rng.beta(3, 8, 9))
    got = outliers(k, n)
    y, v = np.arcsin(np.sqrt((k + 3 / 8) / (n + 3 / 4))), 1 / (4 * n + 2)
    for i in range(9):
        rest = combine_effects(np.delete(y, i), np.delete(v, i), method_re="dl")
        spread = max(rest.tau2, 0.05**2)
        w = 1 / (np.delete(v, i) + spread)
        level = (w * np.delete(y, i)).sum() / w.sum()
        assert got.z[i] == pytest.approx((y[i] - level) / np.sqrt(v[i] + spread + 1 / w.sum()))
    assert got.q_value == pytest.approx(multipletests(stats.t.sf(got.z, 18), method="fdr_bh")[1])


def test_what_the_cases_let_expect_is_taken_off():
    # The fifth has the hard cases: 50 of 100 are what they let expect.
    plain = outliers([20, 20, 20, 20, 50], [100] * 5)
    mixed = outliers([20, 20, 20, 20, 50], [100] * 5, expected=[20, 20, 20, 20, 50])
    assert plain.q_value[4] < 0.01 < 0.4 < mixed.q_value[4]
    assert mixed.z == pytest.approx(np.zeros(5), abs=1e-9)


def test_few_units_and_units_without_cases():
    got = outliers([5, 0, 1], [10, 0, 10])
    assert np.isnan(got.p_value).all()
    assert np.isnan(got.share[1])
    assert outliers([], []).p_value.size == 0
    three = outliers([9, 1, 1, 0], [10, 10, 10, 0])
    assert np.isfinite(three.q_value).tolist() == [True, True, True, False]


def test_limits_hold_a_share_by_its_size():
    got = outliers([20, 22, 18, 21, 19], [100] * 5)
    low, high = got.limit([20, 100, 0])
    assert low[0] < low[1] < 0.2 < high[1] < high[0]
    assert high[2] == pytest.approx(
        np.sin(min(np.pi / 2, got.centre + stats.t.ppf(0.975, 10) * np.sqrt(0.0025 + 0.5))) ** 2
    )


def found_any(units, spread, seeds, bad=1.0, low=20, high=80):
    """Share of seeds in which anybody is found, and in which the first unit is."""
    anybody = first = 0
    for i in range(seeds):
        rng = np.random.default_rng([301, i])
        n = rng.integers(low, high + 1, units)
        own = special.expit(special.logit(0.2) + spread * rng.normal(size=units))
        own[0] *= bad
        found = outliers(rng.binomial(n, own), n).q_value < 0.01
        anybody += found.any()
        first += found[0]
    return anybody / seeds, first / seeds


@pytest.mark.parametrize("units", [8, 20])
def test_units_that_differ_by_their_cases_only_are_not_found(units):
    assert found_any(units, 0.5, 300)[0] <= 0.05


def test_three_times_the_rate_is_found():
    assert found_any(8, 0.0, 200, bad=3.0, low=50, high=50)[1] >= 0.7
