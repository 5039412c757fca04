"""Funnel with random effects: by hand, against statsmodels, few false alarms and enough power."""

import numpy as np
import pytest
from scipy import special, stats
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

from audit.stats.funnel import limits_of_size, outliers


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
    low, high = limits_of_size([20, 100, 0], got.centre, got.spread, 5, 0.95)
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


@pytest.mark.parametrize(("k", "n"), [([3], [2]), ([-1], [2]), ([1, 2], [3])])
def test_impossible_counts_are_refused(k, n):
    with pytest.raises(ValueError, match="0 ≤ k ≤ n"):
        outliers(k, n)
