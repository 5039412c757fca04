"""Intervals against arithmetic, statsmodels and each other."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from audit.stats.intervals import (
    Estimate,
    bootstrap_ratio,
    clopper_pearson,
    dominant_unit,
    mean_t,
    proportion,
    ratio_t,
    wilson,
    wilson_bounds,
)
from audit.stats.resample import canonical_order, effective_units, percentile_interval, resample_indices


def test_wilson_by_hand():
    # 3 of 10, z = 1.959964, z² = 3.841459: centre (0.3 + 0.192073) ÷ 1.384146 = 0.355507,
    # half 1.959964 ÷ 1.384146 · √(0.021 + 0.00960365) = 0.247714 (sum of 0.021 and 3.841459/400)
    low, high = wilson(3, 10)
    assert (low, high) == pytest.approx((0.355507 - 0.247714, 0.355507 + 0.247714), abs=2e-6)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.998])
def test_wilson_equals_statsmodels(level):
    n = np.repeat([1, 2, 7, 40, 1000, 10**7], 5)
    k = np.floor(n * np.tile([0.0, 0.1, 0.5, 0.93, 1.0], 6))
    low, high = wilson_bounds(k, n, level)
    expected = proportion_confint(k, n, alpha=1 - level, method="wilson")
    assert low == pytest.approx(expected[0], abs=1e-12)
    assert high == pytest.approx(expected[1], abs=1e-12)


def test_wilson_edges_are_exact():
    assert wilson(0, 5)[0] == 0.0
    assert wilson(5, 5)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (np.nan, 5)])
def test_impossible_counts_are_refused(k, n):
    with pytest.raises(ValueError, match="successes"):
        wilson(k, n)


def test_proportion_without_trials_has_a_reason():
    assert proportion(0, 0) == Estimate(None, None, None, 0, 0.95, "no_units")
    assert proportion(1, 4).value == 0.25


@pytest.mark.parametrize(("k", "n"), [(0, 9), (3, 9), (9, 9), (0, 1)])
def test_clopper_pearson_equals_scipy(k, n):
    expected = stats.binomtest(k, n).proportion_ci(0.95, "exact")
    assert clopper_pearson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_mean_t_by_hand():
    # Days 0.2, 0.3, 0.4: mean 0.3, s = 0.1, t(0.975, 2) = 4.302653; half 4.302653 · 0.1 ÷ √3 = 0.248414
    got = mean_t([0.2, 0.3, 0.4])
    assert (got.value, got.low, got.high) == pytest.approx((0.3, 0.051586, 0.548414), abs=1e-6)
    assert got.half_width == pytest.approx(0.248414, abs=1e-6)


def test_mean_t_equals_scipy():
    x = np.random.default_rng(1).normal(size=9)
    expected = stats.ttest_1samp(x, 0).confidence_interval(0.9)
    got = mean_t(x, level=0.9)
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high))


def test_ratio_t_weighs_long_days_and_uses_residuals():
    # Hours on the task 2, 6 of 8, 12: ratio 8/20 = 0.4; residuals 2 − 3.2 = −1.2 and 6 − 4.8 = 1.2;
    # error √(2/1 · 2.88) ÷ 20 = 0.12; t(0.975, 1) = 12.7062; half 1.524744
    got = ratio_t([2, 6], [8, 12])
    assert got.value == pytest.approx(0.4)
    assert got.half_width == pytest.approx(1.524744, abs=1e-5)
    cut = ratio_t([2, 6], [8, 12], bounds=(0, 1))
    assert (cut.low, cut.high) == (0.0, 1.0)


def test_three_days_without_the_task_do_not_prove_that_it_never_happens():
    got = ratio_t([0, 0, 0], [8, 7, 9], bounds=(0, 1))
    assert (got.value, got.low) == (0.0, 0.0)
    assert got.high == pytest.approx(1 - 0.025 ** (1 / 3))  # exact binomial, 0 of 3 days
    always = ratio_t([8, 8, 8, 8], [8, 8, 8, 8], bounds=(0, 1))
    assert (always.low, always.high) == (pytest.approx(0.025 ** (1 / 4)), 1.0)


def test_too_little_for_a_t_interval():
    assert mean_t([]).reason == "no_units"
    assert ratio_t([0, 0], [0, 0]).reason == "zero_denominator"
    one = mean_t([0.4])
    assert (one.value, one.low, one.reason) == (0.4, None, "too_few_units")
    assert one.half_width is None


def test_estimate_map_keeps_low_below_high():
    flipped = Estimate(0.3, 0.2, 0.5, 10).map(lambda x: 1 - x)
    assert (flipped.value, flipped.low, flipped.high) == pytest.approx((0.7, 0.5, 0.8))
    bare = Estimate(0.3, None, None, 1, reason="too_few_units").map(lambda x: 2 * x)
    assert (bare.value, bare.low, bare.reason) == (0.6, None, "too_few_units")


def test_fast_ratio_equals_the_slow_bootstrap():
    rng = np.random.default_rng(4)
    x, y = rng.lognormal(size=60), rng.lognormal(size=60)
    fast = bootstrap_ratio(x, y, draws=500, seed=9)
    table = np.column_stack([x, y])
    table = table[canonical_order(table)]
    rows = np.concatenate(list(resample_indices(60, 500, 9)))
    worth = effective_units(x - x.sum() / y.sum() * y)
    slow = percentile_interval([table[r, 0].sum() / table[r, 1].sum() for r in rows], worth)
    assert slow is not None
    assert (fast.value, fast.low, fast.high) == pytest.approx((x.sum() / y.sum(), *slow), rel=1e-12)


def test_bootstrap_does_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(5)
    x, y = rng.lognormal(size=200), rng.lognormal(size=200)
    p = rng.permutation(200)
    assert bootstrap_ratio(x, y, draws=300) == bootstrap_ratio(x[p], y[p], draws=300)


def test_bootstrap_of_a_mean_is_near_the_t_interval():
    x = np.random.default_rng(6).normal(10, 2, 25)
    boot, t = bootstrap_ratio(x, np.ones(25), draws=20_000), mean_t(x)
    assert boot.half_width == pytest.approx(t.half_width, rel=0.04)


def test_a_share_of_nothing_is_not_certain():
    # 20 equal units, none with the mark: as Wilson 0 of 20.
    got = bootstrap_ratio(np.zeros(20), np.ones(20))
    assert (got.value, got.low, got.high) == pytest.approx((0.0, *wilson(0, 20)))
    # Sizes 1, 1, 2: worth 4² ÷ 6 = 2.667 equal units.
    everyone = bootstrap_ratio([1, 1, 2], [1, 1, 2])
    assert (everyone.low, everyone.high) == pytest.approx(wilson(16 / 6, 16 / 6))


def test_bootstrap_says_why_there_is_no_interval():
    assert bootstrap_ratio([], []).reason == "no_units"
    assert bootstrap_ratio([1, 2], [0, 0]).reason == "zero_denominator"
    assert bootstrap_ratio([1], [4]) == Estimate(0.25, None, None, 1, 0.95, "too_few_units")
    # One unit in three carries the denominator: it is missing from (2/3)³ = 30 % of the draws.
    assert bootstrap_ratio([1, 2, 3], [5, 0, 0]).reason == "too_few_units"


def test_dominant_unit_of_a_sum():
    # 50 of 100 is over a fifth, 20 of 100 is not.
    got = dominant_unit([20, 50, 15, 15])
    assert (got.index, got.share, got.figure, got.without) == (1, 0.5, 100, 50)
    none = dominant_unit([20, 20, 20, 20, 20])
    assert (none.index, none.share, none.without) == (None, 0.2, 100)


def test_dominant_unit_of_a_ratio_is_the_one_that_moves_it_most():
    # Lost ÷ all: (30 + 0 + 10) ÷ (30 + 60 + 10) = 0.4. Without the first 10/70, without the second 40/40.
    got = dominant_unit([30, 0, 10], [30, 60, 10])
    assert got.figure == pytest.approx(0.4)
    assert (got.index, got.share, got.without) == (1, 0.6, 1.0)


def test_dominant_unit_may_be_the_whole_denominator():
    got = dominant_unit([1, 1], [8, 0])
    assert (got.index, got.figure, got.without) == (0, 0.25, None)


def test_mismatched_or_missing_columns_are_refused():
    with pytest.raises(ValueError, match="one length"):
        bootstrap_ratio([1, 2], [1])
    with pytest.raises(ValueError, match="one length"):
        dominant_unit([1, 2], [1])
    with pytest.raises(ValueError, match="finite"):
        dominant_unit([1, np.nan])
    with pytest.raises(ValueError, match="level"):
        wilson(1, 2, level=1.0)
