"""Propagation of low / base / high against closed forms."""

import numpy as np
import pytest
from scipy import stats

from audit.stats.montecarlo import (
    Range,
    drawn_estimate,
    drawn_gamma,
    drawn_range,
    drawn_share,
    product,
    propagate,
    shares_of_spread,
)


def test_triangle_moments_and_quantiles_equal_scipy():
    r = Range(1, 2, 5)
    scipy_triangle = stats.triang(c=0.25, loc=1, scale=4)
    assert (r.mean, r.variance) == pytest.approx((scipy_triangle.mean(), scipy_triangle.var()))
    p = np.linspace(0, 1, 11)
    assert r.quantile(p) == pytest.approx(scipy_triangle.ppf(p))


@pytest.mark.parametrize("r", [Range(1, 1, 3), Range(1, 3, 3), Range(2, 2, 2)])
def test_triangles_with_the_base_at_an_end(r):
    q = r.quantile(np.array([0.0, 0.5, 1.0]))
    assert (q[0], q[2]) == (r.low, r.high)
    assert r.low <= q[1] <= r.high


def test_a_product_by_hand():
    # 100 hours × (0.5 … 0.7 … 0.9) × (10 … 10 … 10): base 700, worst 500, best 900, mean 700
    got = product({"hours": Range(100, 100, 100), "part": Range(0.5, 0.7, 0.9), "cost": Range(10, 10, 10)})
    assert (got.base, got.worst, got.best, got.mean) == pytest.approx((700, 500, 900, 700))
    # Limits: triangle quantiles 0.5 + √(0.025 · 0.4 · 0.2) = 0.5447 and 0.8553
    assert (got.low, got.high) == pytest.approx((544.7, 855.3), abs=3)


def test_the_mean_of_a_product_is_the_product_of_the_means():
    ranges = {"a": Range(1, 2, 6), "b": Range(0, 1, 5)}  # means 3 and 2
    assert product(ranges).mean == pytest.approx(6)
    simulated = propagate(lambda a, b: a * b, ranges, draws=400_000)
    assert simulated.mean == pytest.approx(6, abs=0.02)
    # Var = (v1 + 9)(v2 + 4) − 36 with v1 = 7/6, v2 = 7/6
    assert (Range(1, 2, 6).variance, Range(0, 1, 5).variance) == pytest.approx((7 / 6, 7 / 6))


def test_result_does_not_depend_on_the_order_of_names_and_keeps_the_draws_of_the_others():
    a, b, c = Range(1, 2, 3), Range(0, 1, 4), Range(5, 5, 5)
    first = propagate(lambda x, y: x + y, {"x": a, "y": b})
    assert first == propagate(lambda x, y: x + y, {"y": b, "x": a})
    with_constant = propagate(lambda x, y, z: x + y + z, {"x": a, "y": b, "z": c})
    assert with_constant.low == pytest.approx(first.low + 5)


def test_a_formula_with_powers():
    # ((s + φΔ)/s)^ε − 1 at s = 0.4, Δ = 0.1, φ = 0.7, ε = 0.34: (0.47/0.4)^0.34 − 1 = 0.05637
    got = propagate(
        lambda phi, eps: ((0.4 + phi * 0.1) / 0.4) ** eps - 1,
        {"phi": Range(0.3, 0.7, 1.0), "eps": Range(0.10, 0.34, 0.60)},
    )
    assert got.base == pytest.approx(1.175**0.34 - 1)
    assert got.worst == pytest.approx((0.43 / 0.4) ** 0.10 - 1)
    assert got.best == pytest.approx((0.5 / 0.4) ** 0.60 - 1)
    assert got.worst < got.low < got.base < got.high < got.best


def test_the_limits_always_contain_the_base():
    got = propagate(lambda x: x, {"x": Range(0, 0, 1)})
    assert (got.base, got.low) == (0, 0)


def test_a_range_out_of_order_is_refused():
    with pytest.raises(ValueError, match="low ≤ base ≤ high"):
        Range(2, 1, 3)
    with pytest.raises(ValueError, match="at least one"):
        propagate(lambda: np.zeros(1), {})
    with np.errstate(divide="ignore"), pytest.raises(ValueError, match="finite"):
        propagate(lambda x: 1 / x, {"x": Range(0, 1, 2)})


def test_draws_follow_what_they_are_drawn_from() -> None:
    e = drawn_estimate("e", 0.5, 0.4, 0.8)
    low, middle, high = np.quantile(e, [0.025, 0.5, 0.975])
    assert (low, middle, high) == pytest.approx((0.4, 0.5, 0.8), abs=0.01)
    assert (drawn_estimate("e", 0.5, None, None) == 0.5).all()
    # Beta(2.5, 8.5): mean 2.5 ÷ 11; gamma(9.5): mean and variance 9.5.
    assert drawn_share("s", 0.2, 10).mean() == pytest.approx(2.5 / 11, rel=0.02)
    assert drawn_gamma("g", 9).mean() == pytest.approx(9.5, rel=0.02)
    assert drawn_gamma("g", 9).var() == pytest.approx(9.5, rel=0.06)
    assert np.median(drawn_range("r", Range(0.0, 0.5, 1.0))) == pytest.approx(0.5, abs=0.01)


def test_the_spread_is_shared_out_by_what_each_input_carries() -> None:
    a, b, c = (drawn_range(n, Range(0.0, 0.5, 1.0)) for n in "abc")
    # Variances 4 : 1 : 0 of the same triangle.
    parts = shares_of_spread(2 * a + b, {"a": a, "b": b, "c": c, "fixed": np.ones(len(a))})
    assert parts["a"] == pytest.approx(0.8, abs=0.03) and parts["b"] == pytest.approx(0.2, abs=0.03)
    assert parts["c"] < 0.02 and "fixed" not in parts and list(parts) == ["a", "b", "c"]
    assert shares_of_spread(np.ones(10), {"a": a[:10]}) == {}
