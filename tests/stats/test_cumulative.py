"""Mean cumulative amount by hand, against a direct mean, and with a known truth under censoring."""

import numpy as np
import pytest

from audit.stats.cumulative import mean_cumulative


def test_by_hand():
    # Unit 0 watched 10 days: 5 on day 0, 4 on day 8. Unit 1 watched 4 days: 7 on day 0, 2 on day 3.
    # Day 0: 12 ÷ 2, day 3: 2 ÷ 2, day 8: 4 ÷ 1.
    got = mean_cumulative([0, 0, 1, 1], [0, 8, 0, 3], [5, 4, 7, 2], [10, 4], horizon=10, draws=50)
    assert got.value == pytest.approx(6 + 1 + 4)
    assert got.n == 2
    # Up to day 8, which is not in it.
    assert mean_cumulative(
        [0, 0, 1, 1], [0, 8, 0, 3], [5, 4, 7, 2], [10, 4], horizon=8, draws=50
    ).value == pytest.approx(7)
    assert mean_cumulative([0], [0], [5], [10], horizon=11, draws=50).value is None


def test_all_watched_long_enough_is_the_plain_mean():
    rng = np.random.default_rng(1)
    unit, time, amount = rng.integers(0, 50, 400), rng.integers(0, 300, 400), rng.lognormal(size=400)
    got = mean_cumulative(unit, time, amount, np.full(50, 400), horizon=365)
    assert got.value == pytest.approx(amount.sum() / 50)
    own = np.bincount(unit, weights=amount, minlength=50)
    assert got.draws.std() == pytest.approx(own.std() / np.sqrt(50), rel=0.1)
    assert got.draws.mean() == pytest.approx(got.value, rel=0.03)


def test_order_of_units_and_rows_is_irrelevant():
    rng = np.random.default_rng(2)
    unit, time, amount = rng.integers(0, 30, 200), rng.integers(0, 90, 200), rng.lognormal(size=200)
    follow = rng.integers(90, 500, 30)
    names, rows = rng.permutation(30), rng.permutation(200)
    a = mean_cumulative(unit, time, amount, follow, horizon=365, draws=100)
    moved = np.empty(30, dtype=int)
    moved[names] = follow
    b = mean_cumulative(names[unit][rows], time[rows], amount[rows], moved, horizon=365, draws=100)
    assert a.value == pytest.approx(b.value)
    assert a.draws == pytest.approx(b.draws, nan_ok=True)


def test_truth_under_censoring_lies_in_eight_of_ten_intervals():
    inside, values = 0, []
    for i in range(150):
        rng = np.random.default_rng([701, i])
        n = 60
        follow = rng.integers(1, 900, n)
        stays = rng.exponential(600, n)
        acts = rng.poisson(12, n)
        unit = np.repeat(np.arange(n), acts)
        time = np.floor(rng.uniform(0, 365, len(unit))).astype(int)
        kept = (time < follow[unit]) & (time < stays[unit])
        amount = rng.lognormal(0, 0.8, n)[unit]
        got = mean_cumulative(unit[kept], time[kept], amount[kept], follow, horizon=365, draws=400)
        # 12 acts a year at e^0.32 each while there: the mean of min(stay, 365) days.
        truth = 12 * np.exp(0.32) * 600 * (1 - np.exp(-365 / 600)) / 365
        low, high = np.nanquantile(got.draws, [0.1, 0.9])
        inside += low <= truth <= high
        values.append(got.value / truth)
    assert 0.72 <= inside / 150 <= 0.88
    assert np.mean(values) == pytest.approx(1, abs=0.03)


def test_acts_outside_the_watch_are_refused():
    with pytest.raises(ValueError, match="watched"):
        mean_cumulative([0], [9], [1.0], [5], horizon=365)
