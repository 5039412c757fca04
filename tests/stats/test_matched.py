"""Matched comparisons: arithmetic on tiny strata, and what must not matter."""

import numpy as np
import pytest

from audit.stats.matched import matched_difference, matched_ratio

# Two strata. In "a" one treated, two controls (weight ½ each); in "b" two treated, one control (weight 2).
TREATED = np.array([1, 0, 0, 1, 1, 0])
STRATUM = np.array(["a", "a", "a", "b", "b", "b"])
BEFORE = np.array([100.0, 80.0, 120.0, 50.0, 50.0, 200.0])
AFTER = np.array([60.0, 80.0, 100.0, 40.0, 60.0, 180.0])


def test_ratio_by_hand():
    # Treated: (60 + 40 + 60) ÷ (100 + 50 + 50) = 0.8
    # Controls: (½·80 + ½·100 + 2·180) ÷ (½·80 + ½·120 + 2·200) = 450 ÷ 500 = 0.9; ratio 0.8889
    got = matched_ratio(TREATED, STRATUM, BEFORE, AFTER, draws=200)
    assert (got.treated_figure, got.control_figure) == pytest.approx((0.8, 0.9))
    assert got.effect.value == pytest.approx(8 / 9)
    assert (got.treated, got.controls, got.unmatched, got.strata, got.effect.n) == (3, 3, 0, 2, 3)


def test_difference_by_hand():
    # Lost: treated 1, 0, 1 → 2/3; controls 0, 1 at ½ and 0 at 2 → 0.5 ÷ 3 = 1/6; difference ½
    got = matched_difference(TREATED, STRATUM, [1, 0, 1, 0, 1, 0], draws=200)
    assert (got.treated_figure, got.control_figure) == pytest.approx((2 / 3, 1 / 6))
    assert got.effect.value == pytest.approx(0.5)


def test_treated_without_controls_are_left_out_and_counted():
    got = matched_ratio(
        np.r_[TREATED, 1, 0], np.append(STRATUM, ["c", "d"]), np.r_[BEFORE, 1e6, 1e6], np.r_[AFTER, 0, 1e6], draws=50
    )
    assert got.effect.value == pytest.approx(8 / 9)
    assert (got.unmatched, got.strata, got.controls) == (1, 2, 3)


def test_order_of_rows_and_names_of_strata_are_irrelevant():
    rng = np.random.default_rng(1)
    n = 200
    t, s = rng.random(n) < 0.3, rng.integers(0, 5, n)
    b, a, c = rng.lognormal(size=n), rng.lognormal(size=n), rng.integers(0, 60, n)
    p = rng.permutation(n)
    names = np.array(["v", "w", "x", "y", "z"])
    one = matched_ratio(t, s, b, a, cluster=c, draws=100)
    other = matched_ratio(t[p], names[s][p], b[p], a[p], cluster=(c * 7)[p], draws=100)
    assert one.effect.low == pytest.approx(other.effect.low, rel=1e-13)
    assert one.effect.value == pytest.approx(other.effect.value, rel=1e-13)


def test_no_effect_where_treated_and_controls_follow_the_same_season():
    # Each stratum multiplies by its own factor; the treated sit in other strata than most controls.
    rng = np.random.default_rng(2)
    s = np.r_[np.repeat([0, 1], [80, 20]), np.repeat([0, 1], [50, 400])]
    t = np.repeat([True, False], [100, 450])
    before = np.full(550, 10.0)
    after = before * np.array([0.5, 2.0])[s] * rng.lognormal(-0.005, 0.1, 550)
    got = matched_ratio(t, s, before, after, draws=300)
    assert got.effect.value == pytest.approx(1.0, abs=0.05)
    assert got.effect.low < 1 < got.effect.high
    unmatched = (after[t].sum() / before[t].sum()) / (after[~t].sum() / before[~t].sum())
    assert unmatched < 0.5  # what ignoring the strata would have reported


def test_dependent_rows_widen_the_interval():
    # Ten copies of every row are no more information once they are one cluster.
    rng = np.random.default_rng(3)
    t, b = np.repeat([True, False], 40), rng.lognormal(size=80)
    a = b * rng.lognormal(sigma=0.5, size=80)
    s = np.zeros(80)
    copies = [np.tile(x, 10) for x in (t, s, b, a)]
    naive = matched_ratio(*copies, draws=400).effect
    honest = matched_ratio(*copies, cluster=np.tile(np.arange(80), 10), draws=400).effect
    single = matched_ratio(t, s, b, a, draws=400).effect
    assert honest.half_width == pytest.approx(single.half_width, rel=1e-9)
    assert honest.half_width > 2.5 * naive.half_width
    assert honest.n == 40


def test_a_unit_may_be_a_control_early_and_treated_later():
    t, s = [False, True, False, False], ["1", "2", "1", "2"]
    got = matched_difference(t, s, [0, 1, 0, 0], cluster=["A", "A", "B", "B"], draws=50)
    assert (got.treated, got.controls, got.strata, got.effect.n) == (1, 1, 1, 1)


def test_no_losses_on_one_side_are_not_certainty():
    got = matched_difference(np.repeat([1, 0], 20), np.zeros(40), np.zeros(40), draws=100).effect
    # Wilson 0 of 20 is 0 … 0.1611 on both sides; Newcombe: ±0.1611
    assert (got.value, got.low, got.high) == pytest.approx((0, -0.1611, 0.1611), abs=1e-4)


def test_reasons():
    assert matched_ratio([1, 1], ["a", "a"], [1, 1], [1, 1]).effect.reason == "no_units"
    assert matched_ratio([1, 0], ["a", "b"], [1, 1], [1, 1]).unmatched == 1
    assert matched_ratio([], [], [], []).effect.reason == "no_units"
    assert matched_ratio([1, 0], ["a", "a"], [0, 1], [1, 1]).effect.reason == "zero_denominator"
    assert matched_ratio([1, 0], ["a", "a"], [1, 1], [1, 0]).effect.reason == "zero_denominator"
    one = matched_ratio([1, 0, 0], ["a"] * 3, [1, 1, 2], [1, 1, 2])
    assert (one.effect.value, one.effect.reason) == (1.0, "too_few_units")
    with pytest.raises(ValueError, match="one length"):
        matched_ratio([1, 0], ["a", "a"], [1], [1, 1])
