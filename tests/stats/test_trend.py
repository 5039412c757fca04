"""Trends: arithmetic on small calendars, seasons kept out, order of rows irrelevant."""

import numpy as np
import pytest

from audit.stats import trend as module
from audit.stats.resample import effective_units, percentile_interval
from audit.stats.trend import year_on_year, yearly_slope, yearly_trend, yearly_trends


def test_pairs_of_same_months_by_hand():
    # 25 months of 100 except month 12 → 80, month 24 → 90. Pairs: (0, 12) −20 %, (12, 24) +12.5 %,
    # (0, 24) over two years √0.9 − 1, and the twelve pairs (1, 13) … (12, 24) less (12, 24): eleven at 0 %. Median 0.
    monthly = np.full(25, 100.0)
    monthly[12], monthly[24] = 80, 90
    assert yearly_slope(monthly) == 0.0
    # Only the months 0, 12, 24 known: slopes ln 0.8, ln 1.125, ½ ln 0.9: the median is √0.9 − 1.
    only = np.full(25, np.nan)
    only[[0, 12, 24]] = [100, 80, 90]
    assert yearly_slope(only) == pytest.approx(np.sqrt(0.9) - 1)


def test_a_steady_fall_under_any_season_is_found_exactly():
    month = np.arange(40)
    season = 1 + 0.9 * np.sin(2 * np.pi * month / 12)
    assert yearly_slope(1000 * season * 0.95 ** (month / 12)) == pytest.approx(-0.05)


def test_resampled_copies_keep_their_axes():
    copies = np.vstack([0.9 ** (np.arange(30) / 12), 1.2 ** (np.arange(30) / 12)])
    assert yearly_slope(copies) == pytest.approx([-0.1, 0.2])


def test_one_broken_month_does_not_matter():
    month = np.arange(48)
    figure = 100 * 1.03 ** (month / 12)
    figure[20] = 1e-6
    assert yearly_slope(figure) == pytest.approx(0.03, abs=0.002)


def test_months_of_nothing_count_as_a_fall():
    figure = np.full(36, 50.0)
    figure[12:] = 0
    # Slopes: year 1 → 2 and 1 → 3 infinite falls (24 pairs), 2 → 3 unknown: the median falls without bound.
    assert yearly_slope(figure) == -1.0
    assert yearly_slope(figure[::-1]) == np.inf


def test_negative_months_and_short_calendars_have_no_slope():
    assert np.isnan(yearly_slope(np.full(12, 5.0)))
    assert np.isnan(yearly_slope(np.full(24, -5.0)))
    assert np.isnan(year_on_year(np.ones(23)))


def test_year_on_year_by_hand():
    # 12 months of 10, then 12 of 8: −20 %. As value per order: (12 · 8 ÷ 12 · 2) ÷ (12 · 10 ÷ 12 · 4) = 4 ÷ 2.5 = +60 %
    value = np.repeat([99.0, 10.0, 8.0], [5, 12, 12])
    orders = np.repeat([1.0, 4.0, 2.0], [5, 12, 12])
    assert year_on_year(value) == pytest.approx(-0.2)
    assert year_on_year(value, orders) == pytest.approx(0.6)
    assert np.isnan(year_on_year(np.repeat([0.0, 5.0], 12)))


def small_panel(months=30):
    # Unit 1 every month with 2 orders of 10 each, unit 2 every month with 1 order of 40 until month 17.
    unit = np.array([1] * months + [2] * 18)
    month = np.concatenate([np.arange(months), np.arange(18)]) + 100
    orders = np.array([2.0] * months + [1.0] * 18)
    value = np.array([20.0] * months + [40.0] * 18)
    return unit, month, orders, value


def test_monthly_figures_by_hand():
    unit, month, orders, value = small_panel()
    ones = np.ones(len(unit))
    got = yearly_trends(
        unit,
        month,
        {"active": (ones, None), "ticket": (value, orders), "frequency": (orders, ones)},
        first_month=100,
        last_month=129,
        draws=50,
    )
    assert got["active"].monthly.tolist() == [2.0] * 18 + [1.0] * 12
    assert got["ticket"].monthly.tolist() == [20.0] * 18 + [10.0] * 12
    assert got["frequency"].monthly.tolist() == [1.5] * 18 + [2.0] * 12
    # Last 12 months against the 12 before: 12 of 24 active; value per order 240 ÷ 24 against 720 ÷ 36.
    assert got["active"].last_year.value == pytest.approx(-0.5)
    assert got["ticket"].last_year.value == pytest.approx(10 / 20 - 1)
    assert got["active"].pairs == 18 + 6
    assert got["active"].yearly.n == 2


def test_the_worse_of_two_shows_a_recent_collapse():
    # Four steady years, the last one at half: pairs within the first three years outweigh it.
    unit = np.repeat(np.arange(20), 60)
    month = np.tile(np.arange(60), 20)
    keep = (month < 54) | (unit < 10)
    got = yearly_trend(unit[keep], month[keep], np.ones(keep.sum()), first_month=0, last_month=59, draws=20)
    assert got.yearly.value == 0.0
    assert got.last_year.value == pytest.approx((12 * 20 - 6 * 10) / 240 - 1)
    assert got.worse == got.last_year.value


def test_rows_of_one_cell_are_added_and_rows_outside_left_out():
    unit, month, _, value = small_panel()
    whole = yearly_trend(unit, month, value, first_month=100, last_month=129, draws=30)
    halves = yearly_trend(
        np.r_[unit, unit, 9],
        np.r_[month, month, 99],
        np.r_[value / 2, value / 2, 1e6],
        first_month=100,
        last_month=129,
        draws=30,
    )
    assert np.array_equal(whole.monthly, halves.monthly)
    assert whole.yearly == halves.yearly


def test_order_and_names_of_units_are_irrelevant():
    rng = np.random.default_rng(1)
    unit, month = rng.integers(0, 40, 900), rng.integers(0, 36, 900)
    value, orders = rng.lognormal(size=900), rng.integers(1, 4, 900).astype(float)
    p, names = rng.permutation(900), rng.permutation(40) + 7
    a = yearly_trend(unit, month, value, orders, first_month=0, last_month=35, draws=100)
    b = yearly_trend(names[unit][p], month[p], value[p], orders[p], first_month=0, last_month=35, draws=100)
    assert (a.yearly, a.last_year) == (b.yearly, b.last_year)
    assert np.array_equal(a.monthly, b.monthly)


def test_intervals_against_the_plain_bootstrap():
    # Same world, units drawn with replacement one draw at a time, figures by their definition in plain loops.
    rng = np.random.default_rng(2)
    units, months = 60, 26
    value = rng.gamma(4.0, size=(units, months)) * 0.9 ** (np.arange(months) / 12)
    unit, month = np.indices((units, months)).reshape(2, -1)
    fast = yearly_trend(unit, month, value.ravel(), first_month=0, last_month=months - 1, draws=4000)

    def slope(y):
        pairs = [
            (np.log(y[b]) - np.log(y[a])) / ((b - a) / 12) for a in range(months) for b in range(a + 12, months, 12)
        ]
        return np.expm1(np.median(pairs))

    def change(y):
        return y[-12:].sum() / y[-24:-12].sum() - 1

    whole = value.sum(axis=0)
    assert fast.yearly.value == pytest.approx(slope(whole))
    assert fast.last_year.value == pytest.approx(change(whole))
    samples = [value[rng.integers(0, units, units)].sum(axis=0) for _ in range(1500)]
    worth = effective_units(value.sum(axis=1) - value.sum(axis=1).mean())
    plain = percentile_interval([change(y) for y in samples], worth)
    assert (fast.last_year.low, fast.last_year.high) == pytest.approx(plain, abs=0.006)
    # The plain interval of the median slope counts the noise of the original twice: up to √(4/3) too wide.
    low, high = percentile_interval([slope(y) for y in samples], worth)
    assert 0.8 < 2 * fast.yearly.half_width / (high - low) < 1.0


def test_uneven_months_are_not_taken_for_the_noise_of_few_units():
    # Slopes that truly differ (a step after two years) and hardly any noise: the copies keep the step.
    monthly = np.repeat([100.0, 50.0], [24, 24])
    rng = np.random.default_rng(3)
    copies = monthly * np.exp(0.001 * rng.normal(size=(500, 48)))
    assert module._slope_copies(monthly, copies) == pytest.approx(yearly_slope(copies), abs=2e-4)
    # Noise alone: the copies scatter about the slope as their own deviations do.
    noisy = 100 * np.exp(0.1 * rng.normal(size=48))
    drawn = module._slope_copies(noisy, noisy * np.exp(0.1 * rng.normal(size=(2000, 48))))
    fresh = yearly_slope(100 * np.exp(0.1 * rng.normal(size=(2000, 48))))
    assert drawn.std() == pytest.approx(fresh.std(), rel=0.1)
    assert yearly_slope(noisy * np.exp(0.1 * rng.normal(size=(2000, 48)))).std() > 1.08 * fresh.std()


def test_resampled_totals_are_weighted_sums():
    unit, month, _, value = small_panel()
    panel = module._panel(unit, month, {"": (value, None)}, 100, 30)
    weights = module.poisson_weights(np.random.default_rng(1), (10, 2))
    assert module._resample(panel, 10, 1)[0] == pytest.approx(weights @ panel.tables[0].toarray())


def test_reasons_for_missing_trends():
    got = yearly_trend([], [], [], first_month=0, last_month=30)
    assert (got.yearly.reason, got.last_year.reason, got.worse) == ("no_units", "no_units", None)
    got = yearly_trend([1, 1], [0, 5], [1, 1], first_month=0, last_month=11)
    assert (got.yearly.reason, got.last_year.reason) == ("too_few_months", "too_few_months")
    got = yearly_trend([1] * 3, [0, 1, 13], [1, 1, 1], first_month=0, last_month=13)
    assert (got.yearly.reason, got.last_year.reason) == ("too_few_units", "too_few_months")
    got = yearly_trend([1, 2], [25, 26], [1, 1], first_month=0, last_month=30)
    assert (got.yearly.reason, got.last_year.reason) == ("not_positive", "not_positive")


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="one finite number"):
        yearly_trend([1, 2], [0, 1], [1, np.nan], first_month=0, last_month=30)
    with pytest.raises(ValueError, match="precede"):
        yearly_trend([1], [0], [1], first_month=5, last_month=4)
    with pytest.raises(ValueError, match="one length"):
        yearly_trend([1, 2], [0], [1, 1], first_month=0, last_month=30)
