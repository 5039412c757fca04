"""Resampling: the same whatever the order of the rows, and distributed as it should be."""

import numpy as np
import pytest

from audit.stats import resample
from audit.stats.resample import (
    MANY,
    bundles,
    canonical_order,
    effective_units,
    percentile_interval,
    poisson_weights,
    resampled_totals,
    sparse_canonical_order,
)


def test_canonical_order_depends_on_values_only():
    values = np.array([[3.0, 1.0], [1.0, 2.0], [1.0, 1.0]])
    assert canonical_order(values).tolist() == [2, 1, 0]
    assert canonical_order(values[::-1]).tolist() == [0, 1, 2]


def test_minus_zero_is_zero():
    assert canonical_order([0.0, -0.0, -1.0]).tolist() == [2, 0, 1]


@pytest.mark.parametrize("bad", [[np.nan, 1.0], [np.inf, 1.0]])
def test_missing_values_are_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        canonical_order(bad)


def test_totals_do_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(1)
    values = rng.lognormal(size=(300, 3))
    shuffled = values[rng.permutation(300)]
    assert np.array_equal(resampled_totals(values, 200, 5), resampled_totals(shuffled, 200, 5))
    assert not np.array_equal(resampled_totals(values, 200, 5), resampled_totals(values, 200, 6))


def test_totals_do_not_depend_on_the_size_of_the_blocks(monkeypatch):
    values = np.random.default_rng(2).lognormal(size=(50, 2))
    whole = resampled_totals(values, 40, 3)
    monkeypatch.setattr(resample, "_CELLS", 75)  # one draw at a time
    assert np.array_equal(whole, resampled_totals(values, 40, 3))


def test_totals_have_the_mean_and_the_spread_of_a_resampled_sum():
    values = np.array([1.0, 2.0, 3.0, 10.0])  # sum 16, population variance 12.5; a sum of four draws: 4 × 12.5
    totals = resampled_totals(values, 40_000, 1)[:, 0]
    assert totals.mean() == pytest.approx(16, abs=0.15)
    assert totals.var() == pytest.approx(50, rel=0.03)


def test_no_units_give_zero_totals():
    assert resampled_totals(np.zeros((0, 2)), 5).tolist() == [[0.0, 0.0]] * 5


def test_sparse_order_ignores_numbering_and_order_of_cells():
    rows = np.array([0, 0, 1, 2, 2])
    month = np.array([1.0, 2.0, 1.0, 1.0, 3.0])
    value = np.array([5.0, 6.0, 5.0, 5.0, 6.0])
    order = sparse_canonical_order(rows, [month, value], 3)
    renamed = np.array([2, 0, 1])  # unit 0 is now called 2, 1 → 0, 2 → 1
    shuffle = np.array([4, 2, 0, 3, 1])
    again = sparse_canonical_order(renamed[rows][shuffle], [month[shuffle], value[shuffle]], 3)
    assert renamed[order].tolist() == again.tolist()


def test_sparse_order_tells_which_month_holds_which_value():
    # Same values in swapped months must not be mistaken for equal units: their scrambled sums differ.
    rows = np.array([0, 0, 1, 1])
    month = np.array([1.0, 2.0, 1.0, 2.0])
    a = sparse_canonical_order(rows, [month, np.array([5.0, 6.0, 6.0, 5.0])], 2)
    b = sparse_canonical_order(rows, [month, np.array([6.0, 5.0, 5.0, 6.0])], 2)
    assert a.tolist() == b.tolist()[::-1]


def test_poisson_weights_have_mean_one_exactly_and_variance_one():
    table = resample._POISSON
    assert len(table) == 65_536
    assert table.mean() == 1.0
    assert table.var() == pytest.approx(1.0, abs=5e-4)
    share = np.bincount(table.astype(int)) / 65_536
    assert share[:4] == pytest.approx([np.exp(-1), np.exp(-1), np.exp(-1) / 2, np.exp(-1) / 6], abs=1e-4)
    drawn = poisson_weights(np.random.default_rng(1), (400, 500))
    assert drawn.mean() == pytest.approx(1.0, abs=0.01)


def test_percentile_interval_is_wider_for_few_units_and_plain_for_many():
    drawn = np.linspace(0, 1, 10_001)
    many = percentile_interval(drawn, 1_000_000)
    few = percentile_interval(drawn, 10)
    assert many == pytest.approx((0.025, 0.975), abs=1e-4)
    # t(0.975, 9) = 2.2622; × √(10/9) = 2.3846; Φ(−2.3846) = 0.00855
    assert few == pytest.approx((0.00855, 0.99145), abs=1e-4)


def test_percentile_interval_refuses_when_a_figure_is_often_missing():
    drawn = np.where(np.arange(100) < 6, np.nan, 1.0)
    assert percentile_interval(drawn, 50) is None
    assert percentile_interval(np.where(np.arange(100) < 5, np.nan, 1.0), 50) == (1.0, 1.0)
    assert percentile_interval([1.0, 2.0], 1) is None


def test_effective_units_fall_when_one_unit_pulls_hard():
    assert effective_units(np.tile([-1.0, 1.0], 10)) == 20  # kurtosis 1
    # d = (−1 × 9, 9): Σd² = 90, Σd⁴ = 6 570; κ = 10 · 6 570 ÷ 8 100 = 8.111; 2 · 10 ÷ 7.111 + 1 = 3.8125
    assert effective_units([-1.0] * 9 + [9.0]) == pytest.approx(3.8125)
    assert effective_units([0.0, 0.0]) == 2
    assert effective_units([]) == 0


def test_bundles_are_of_equal_size_and_only_for_many():
    assert bundles(MANY, 1) is None
    b = bundles(2 * MANY + 5, 1)
    assert sorted(set(np.bincount(b).tolist())) == [2, 3]
    assert (b == bundles(2 * MANY + 5, 1)).all()


def test_a_ratio_spreads_over_bundles_as_over_units():
    n = 3 * MANY
    rng = np.random.default_rng(3)
    size = rng.lognormal(0, 1, n)
    table = np.column_stack([size * rng.uniform(0.2, 0.8, n), size])
    ratio = table[:, 0].sum() / table[:, 1].sum()
    # linearised: the standard error of a ratio of sums
    expected = np.sqrt(((table[:, 0] - ratio * table[:, 1]) ** 2).sum()) / table[:, 1].sum()
    rows = np.column_stack([np.bincount(bundles(n, 1), c, MANY) for c in table.T])
    totals = np.zeros((800, 2))
    for start in range(0, MANY, 2000):
        totals += poisson_weights(rng, (800, 2000)) @ rows[start : start + 2000]
    # 800 draws know a spread to 2.5 %
    assert (totals[:, 0] / totals[:, 1]).std() == pytest.approx(expected, rel=0.08)
