"""Shares whose sampling unit is not what was counted: by hand, against statsmodels, and in worlds of known truth."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from audit.stats.intervals import proportion
from audit.stats.shares import clustered_share, intraclass, kish, weighted_share
from benchmarks.intervals import late_coverage, revenue_coverage


def test_intraclass_by_hand():
    # Units 2 of 2 and 0 of 2: p = ½, between 2·¼ + 2·¼ = 1 (1 df), within 0: wholly alike.
    assert intraclass([2, 0], [2, 2]) == 1.0
    # Units 1 of 2 twice: between 0, within 2·¼ + 2·¼ = 1 over 2 df: negative, so 0.
    assert intraclass([1, 1], [2, 2]) == 0.0
    # 3 of 4, 1 of 4: between 4·(1/16)·2 = ½; within (4·3/16)·2 ÷ 6 = ¼; size 4: (½ − ¼) ÷ (½ + 3·¼) = 0.2.
    assert intraclass([3, 1], [4, 4]) == pytest.approx(0.2)


def test_intraclass_equals_the_analysis_of_variance():
    rng = np.random.default_rng(1)
    n = rng.integers(1, 12, 40)
    k = rng.binomial(n, rng.beta(2, 5, 40))
    rows = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(40), n),
            "mark": np.concatenate([[1] * a + [0] * (b - a) for a, b in zip(k, n, strict=True)]),
        }
    )
    table = sm.stats.anova_lm(smf.ols("mark ~ C(unit)", rows).fit())
    between, within = table["mean_sq"]
    size = (n.sum() - (n**2).sum() / n.sum()) / 39
    assert intraclass(k, n) == pytest.approx((between - within) / (between + (size - 1) * within))


def test_intraclass_edges():
    assert intraclass([], []) == 0.0
    assert intraclass([3], [7]) == 1.0
    assert intraclass([1, 0, 1], [1, 1, 1]) == 0.0
    assert intraclass([0, 0], [4, 5]) == 0.0


def test_clustered_share_by_hand():
    # 3 of 4 and 1 of 4: ρ = 0.2, N = 8, Σn² ÷ N = 4: worth 8 ÷ (1 + 3·0.2) = 5 cases, half of them marked.
    got, five = clustered_share([3, 1, 0], [4, 4, 0]), proportion(2.5, 5)
    assert (got.value, got.low, got.high, got.n) == (0.5, pytest.approx(five.low), pytest.approx(five.high), 2)
    # Nothing repeats: Wilson as ever.
    plain = clustered_share([1, 0, 0, 0], [1, 1, 1, 1])
    assert (plain.low, plain.high) == pytest.approx((proportion(1, 4).low, proportion(1, 4).high))
    # One unit is worth one case, however often it acts.
    assert clustered_share([200], [400]).low == pytest.approx(proportion(0.5, 1).low)
    assert clustered_share([], []).reason == "no_units"


def test_kish_by_hand():
    assert kish([3, 3, 3]) == pytest.approx(3)
    assert kish([1, 3]) == pytest.approx(16 / 10)
    assert kish([]) == 0.0


def test_weighted_share_by_hand():
    # 30 of 100 in amounts 10, 20, 70: worth 10 000 ÷ 5 400 = 1.852 units.
    got = weighted_share([10, 20, 0], [10, 20, 70])
    worth = 10_000 / 5_400
    plain = proportion(0.3 * worth, worth)
    assert (got.value, got.low, got.high, got.n) == (
        pytest.approx(0.3),
        pytest.approx(plain.low),
        pytest.approx(plain.high),
        3,
    )
    assert weighted_share([5, 0], [5, 0]).n == 1
    assert weighted_share([], []).reason == "no_units"
    assert weighted_share([1, 1], [1, -1]).reason == "zero_denominator"


def test_returns_may_take_a_share_beyond_one():
    got = weighted_share([12, 0], [12, -2])
    assert got.value == got.high == pytest.approx(1.2)
    assert 0 < got.low < 1


@pytest.mark.parametrize("wrong", [([2], [1]), ([-1], [2]), ([1, 2], [3])])
def test_impossible_counts_are_refused(wrong):
    with pytest.raises(ValueError, match="0 ≤ k ≤ n"):
        clustered_share(*wrong)


def test_amounts_must_be_numbers():
    with pytest.raises(ValueError, match="finite"):
        weighted_share([1.0, np.nan], [1.0, 2.0])


@pytest.mark.parametrize(("clients", "share", "concentration"), [(60, 0.1, 5.0), (150, 0.3, 8.0)])
def test_shares_of_orders_cover_the_truth(clients, share, concentration):
    assert 0.92 <= late_coverage(clients, share, concentration, seeds=800, seed=101).covered <= 0.98


@pytest.mark.parametrize(("clients", "spread", "share"), [(60, 0.8, 0.3), (150, 2.0, 0.3), (250, 1.2, 0.12)])
def test_shares_of_revenue_cover_the_truth(clients, spread, share):
    got = revenue_coverage(clients, spread, share, seeds=800, seed=102)
    assert 0.92 <= got.whole.covered <= 0.985
    assert got.above <= 0.04
