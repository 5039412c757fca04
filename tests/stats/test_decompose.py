"""Decompositions: arithmetic, and parts that add up exactly."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.decompose import bridge, grr_noise, lmdi, logarithmic_mean

amounts = st.floats(1e-3, 1e6)


def test_logarithmic_mean_by_hand():
    # (4 − 1) ÷ ln 4 = 2.164043; between the geometric mean 2 and the arithmetic 2.5
    assert logarithmic_mean(4, 1) == pytest.approx(3 / math.log(4))
    assert logarithmic_mean([4, 5, 0, 7, 0], [1, 5, 3, 0, 0]).tolist() == pytest.approx([2.164043, 5, 0, 0, 0])
    assert logarithmic_mean(3.7, 3.7) == 3.7


def test_logarithmic_mean_of_nearly_equal_numbers_keeps_its_digits():
    a, b = 1e6, 1e6 * (1 + 1e-14)
    assert logarithmic_mean(a, b) == pytest.approx((a + b) / 2, rel=1e-15)


def test_logarithmic_mean_of_negative_numbers_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        logarithmic_mean(-1, 2)


@given(amounts, amounts)
def test_logarithmic_mean_lies_between_the_others_and_is_symmetric(a, b):
    mean = float(logarithmic_mean(a, b))
    assert math.sqrt(a * b) * (1 - 1e-9) <= mean <= (a + b) / 2 * (1 + 1e-9)
    assert mean == pytest.approx(float(logarithmic_mean(b, a)), rel=1e-12)


def test_two_factors_of_one_unit_by_hand():
    # 10 days × 4 = 40 → 5 days × 10 = 50: bought more seldom, but more each time. L(50, 40) = 10 ÷ ln 1.25 = 44.814
    # days: 44.814 · ln 0.5 = −31.063; value: 44.814 · ln 2.5 = 41.063; together +10
    got = lmdi({"days": [10], "value": [4]}, {"days": [5], "value": [10]})
    assert got.effects == pytest.approx({"days": -31.0628, "value": 41.0628}, abs=1e-3)
    assert sum(got.effects.values()) == pytest.approx(10)
    assert (got.change, got.outside) == (10, 0)


def test_units_with_a_negative_or_empty_year_stand_outside():
    # Second unit: refunds of 6 after sales of 20; third: nothing before, 8 after; fourth: nothing at all.
    got = lmdi({"days": [2, 2, 0, 0], "value": [5, 10, 0, 0]}, {"days": [2, 1, 2, 0], "value": [6, -6, 4, 0]})
    assert got.effects == pytest.approx({"days": 0, "value": 2})
    assert (got.outside, got.change) == (-26 + 8, 2 - 26 + 8)


@given(st.lists(st.tuples(*[amounts] * 6), min_size=1, max_size=20))
def test_three_factors_add_up_to_the_change(rows):
    table = np.array(rows).T
    names = ("days", "items", "value")
    before, after = dict(zip(names, table[:3], strict=True)), dict(zip(names, table[3:], strict=True))
    got = lmdi(before, after)
    scale = float(np.prod(table[:3], axis=0).sum() + np.prod(table[3:], axis=0).sum())
    assert sum(got.effects.values()) + got.outside == pytest.approx(got.change, abs=1e-9 * scale)


def test_factors_must_match():
    with pytest.raises(ValueError, match="same factors"):
        lmdi({"a": [1]}, {"b": [1]})
    with pytest.raises(ValueError, match="finite"):
        lmdi({"a": [np.nan]}, {"a": [1]})


def test_bridge_by_hand():
    #                  new  returned  grown  shrunk  unchanged  lost  refund to one long gone
    r0 = np.array([0.0, 0.0, 10.0, 30.0, 5.0, 20.0, 0.0])
    r1 = np.array([7.0, 4.0, 18.0, 12.0, 5.0, 0.0, -3.0])
    earlier = np.array([0, 1, 1, 1, 1, 0, 1])
    got = bridge(r0, r1, earlier)
    assert got.part.tolist() == ["new", "returned", "grown", "shrunk", "unchanged", "lost", "inactive"]
    assert (got.before, got.after) == (65, 43)
    assert (got.new, got.returned, got.grown, got.shrunk, got.lost, got.inactive) == (7, 4, 8, -18, -20, -3)
    assert got.counts == dict.fromkeys(got.counts, 1)


def test_bridge_with_known_activity():
    # Ordered and sent everything back: active, net zero. By activity it shrank, by the sums alone it was lost.
    assert bridge([10], [0], [1], active_after=[True], active_before=[True]).shrunk == -10
    assert bridge([10], [0], [1]).lost == -10
    # Only a refund in the second period: lost, refund included.
    assert bridge([10], [-2], [1]).lost == -12


@given(st.lists(st.tuples(st.floats(-50, 1e4), st.floats(-50, 1e4), st.booleans()), max_size=30))
def test_bridge_identities(rows):
    table = np.array(rows, dtype=float).reshape(-1, 3)
    r0, r1 = table[:, 0], table[:, 1]
    got = bridge(r0, r1, table[:, 2] > 0)
    steps = got.new + got.returned + got.grown + got.shrunk + got.lost + got.inactive
    assert got.before + steps == pytest.approx(got.after, abs=1e-6)
    assert sum(got.counts.values()) == len(rows)


def test_noise_of_two_equal_orders_by_hand():
    # One unit, two orders of 1: both in the first period (¼): 0 of 2; one each (½): 1 of 1; both later (¼): no base.
    # A figure that is missing from a quarter of the throws is none.
    assert grr_noise([0, 0], [1, 1], draws=400).reason == "too_few_units"
    # Many such units: Σ min ÷ Σ first → (1/2) ÷ 1 = 0.5.
    got = grr_noise(np.repeat(np.arange(4000), 2), np.ones(8000), draws=200)
    assert got.value == pytest.approx(0.5, abs=0.003)
    assert got.low < 0.5 < got.high
    assert got.n == 4000


def test_noise_is_small_for_units_with_many_orders():
    # n orders in all: E min ÷ E first = 1 − E|A − B| ÷ n, about 1 − √(2/(π n)): 0.9202 for n = 100.
    got = grr_noise(np.repeat(np.arange(500), 100), np.ones(50_000), draws=100)
    assert got.value == pytest.approx(1 - math.sqrt(2 / (math.pi * 100)), abs=0.002)


def test_noise_does_not_depend_on_order_or_names():
    rng = np.random.default_rng(2)
    unit, value = rng.integers(0, 80, 600), rng.lognormal(size=600)
    p = rng.permutation(600)
    renamed = rng.permutation(80) + 1000
    assert grr_noise(unit, value, draws=50) == grr_noise(renamed[unit][p], value[p], draws=50)


def test_noise_without_orders():
    assert grr_noise([], []).reason == "no_units"
    assert grr_noise([1, 2], [0, -5]).reason == "no_units"
