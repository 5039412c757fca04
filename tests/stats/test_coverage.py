"""Intervals keep their promise in simulated worlds with a known truth; longer runs: benchmarks/simulation.py."""

import numpy as np
import pytest

from benchmarks.simulation import (
    TrendWorld,
    chance_retention,
    cover,
    day_log_estimate,
    km_estimate,
    late_entry_estimate,
    matched_estimate,
    matched_loss_estimate,
    naive_share,
    ratio_estimate,
    ratio_truth,
    trend_coverage,
)


@pytest.mark.parametrize("p", [0.5, 0.67, 0.8])
def test_survival_with_staggered_entry_and_censoring(p):
    got = cover(lambda rng: km_estimate(rng, 300, p), p, seeds=2000)
    assert 0.93 <= got.covered <= 0.97
    assert abs(got.bias) < 0.005
    assert got.missing == 0
    # On the same kind of data the plain ratio of seconds to firsts is far off, and stays so with more data.
    naive = np.mean([naive_share(np.random.default_rng([1, i]), 300, p, 500.0) for i in range(200)])
    assert naive < p - 0.08


@pytest.mark.parametrize("p", [0.5, 0.67, 0.8])
def test_survival_with_late_entry(p):
    right = cover(lambda rng: late_entry_estimate(rng, 400, p), p, seeds=1000)
    assert 0.93 <= right.covered <= 0.97
    assert abs(right.bias) < 0.005
    ignored = cover(lambda rng: late_entry_estimate(rng, 400, p, late=False), p, seeds=300)
    assert ignored.bias < -0.05
    assert ignored.covered < 0.5


@pytest.mark.parametrize("p", [0.2, 0.35])
def test_survival_of_few_rarely_returning_units(p):
    got = cover(lambda rng: km_estimate(rng, 60, p), p, seeds=2000)
    assert 0.92 <= got.covered <= 0.98


@pytest.mark.parametrize(("n", "spread"), [(30, 0.7), (100, 0.7), (100, 1.2), (200, 1.2)])
def test_ratio_of_skewed_sums(n, spread):
    got = cover(lambda rng: ratio_estimate(rng, n, spread, draws=600), ratio_truth(spread), seeds=1000)
    assert 0.92 <= got.covered <= 0.98


@pytest.mark.parametrize("days", [3, 5, 10])
def test_diary_of_a_few_days(days):
    got = cover(lambda rng: day_log_estimate(rng, days), 0.35, seeds=2000)
    assert 0.92 <= got.covered <= 0.98


@pytest.mark.slow
def test_trends_of_units_that_come_and_go():
    for name, got in trend_coverage(TrendWorld(120, months=36), seeds=1000, draws=400).items():
        # No market is taken for quite steady: where this one is, the intervals cover more.
        assert got.covered >= 0.94, name
        assert abs(got.bias) < 0.01, name


@pytest.mark.parametrize("treated", [20, 100, 200])
def test_matched_ratio_of_minus_15_percent(treated):
    got = cover(lambda rng: matched_estimate(rng, treated, draws=500), 0.85, seeds=500)
    assert 0.92 <= got.covered <= 0.98
    # With twenty treated units nothing can be told: half-width far above 15 percentage points.
    assert got.half_width > 0.3 or treated > 20


def test_matched_difference():
    got = cover(lambda rng: matched_loss_estimate(rng, 100, draws=500), 0.1, seeds=500)
    assert 0.92 <= got.covered <= 0.985


def test_chance_retention_of_units_that_do_not_change():
    measured, floor, inside = chance_retention(seeds=120, n=400, draws=100)
    assert floor == pytest.approx(measured, abs=0.01)
    assert inside > 0.88
