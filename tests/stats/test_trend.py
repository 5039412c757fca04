"""Trends: arithmetic on small calendars, seasons kept out, order of rows irrelevant."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from audit.stats import trend as module
from audit.stats.intervals import Estimate
from audit.stats.trend import last_year_change, months_to_tell, tellable, yearly_slope, yearly_trend, yearly_trends
from benchmarks.intervals import ShakenMarket, market_coverage


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


def test_months_of_nothing_are_gaps():
    # Nobody ordered from April to June: no level is told, and the trend of the other months stays what it is.
    month = np.arange(36)
    figure = 50.0 * 0.9 ** (month / 12)
    figure[[15, 16, 17]] = 0
    assert yearly_slope(figure) == pytest.approx(-0.1)
    assert last_year_change(figure) == pytest.approx(-0.1)
    figure[12:] = 0
    assert np.isnan(yearly_slope(figure))


def test_negative_months_and_short_calendars_have_no_slope():
    assert np.isnan(yearly_slope(np.full(12, 5.0)))
    assert np.isnan(yearly_slope(np.full(24, -5.0)))
    assert np.isnan(last_year_change(np.ones(23)))


def test_last_year_by_hand():
    # 12 months of 10, then 12 of 8: −20 %. Half of the months at 5 instead: √(0.8 · 0.5) − 1.
    value = np.repeat([99.0, 10.0, 8.0], [5, 12, 12])
    assert last_year_change(value) == pytest.approx(-0.2)
    value[-6:] = 5.0
    assert last_year_change(value) == pytest.approx(np.sqrt(0.4) - 1)
    # Only six months of the year known in both years: just enough; five are not.
    value[-12:-6] = np.nan
    assert last_year_change(value) == pytest.approx(-0.5)
    value[-1] = np.nan
    assert np.isnan(last_year_change(value))


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
    # Last 12 months (18 … 29) against the 12 before: half of the active clients, half of the value of an order.
    assert got["active"].last_year.value == pytest.approx(-0.5)
    assert got["ticket"].last_year.value == pytest.approx(-0.5)
    assert got["active"].pairs == 18 + 6
    assert got["active"].yearly.n == 2


def test_the_last_year_shows_a_recent_collapse():
    # Four steady years, the last one at half: pairs within the first three years outweigh it.
    unit = np.repeat(np.arange(20), 60)
    month = np.tile(np.arange(60), 20)
    keep = (month < 54) | (unit < 10)
    got = yearly_trend(unit[keep], month[keep], np.ones(keep.sum()), first_month=0, last_month=59, draws=20)
    assert got.yearly.value == 0.0
    assert got.last_year.value == pytest.approx(np.sqrt(0.5) - 1)


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


def test_interval_by_its_formula_in_plain_loops():
    # Units drawn with replacement one draw at a time, residuals by statsmodels, paths of months step by step.
    rng = np.random.default_rng(2)
    units, months = 60, 26
    shaken = np.exp(0.2 * rng.normal(size=months))
    value = rng.gamma(4.0, size=(units, months)) * 0.9 ** (np.arange(months) / 12) * shaken
    unit, month = np.indices((units, months)).reshape(2, -1)
    got = yearly_trend(unit, month, value.ravel(), first_month=0, last_month=months - 1, draws=4000)

    def slope(y):
        return np.median([(y[b] - y[a]) / ((b - a) / 12) for a in range(months) for b in range(a + 12, months, 12)])

    def change(y):
        return y[-12:].mean() - y[-24:-12].mean()

    y = np.log(value.sum(axis=0))
    d = [np.log(value[rng.integers(0, units, units)].sum(axis=0)) - y for _ in range(1500)]
    design = np.column_stack([np.eye(12)[np.arange(months) % 12], np.arange(months)])
    squares = sm.OLS(y, design).fit().ssr - np.mean([sm.OLS(x, design).fit().ssr for x in d])
    hat = design @ np.linalg.pinv(design)
    alike = np.array([[0.8 ** abs(i - j) for j in range(months)] for i in range(months)])
    made = (np.eye(months) - hat) @ alike
    shock = squares / np.trace(made)
    free = np.trace(made) ** 2 / np.trace(made @ made)
    paths = np.linalg.cholesky(alike) @ rng.normal(size=(months, 4000))
    for estimate, b in ((got.yearly, slope), (got.last_year, change)):
        by_units, by_months = np.var([b(x) for x in d]), shock * np.var([b(p) for p in paths.T])
        both = by_units + by_months
        t = stats.t.ppf(0.975, both**2 / (by_units**2 / (units - 1) + by_months**2 / free))
        assert estimate.value == pytest.approx(np.expm1(b(y)))
        assert np.log1p(estimate.high) - np.log1p(estimate.low) == pytest.approx(2 * t * np.sqrt(both), rel=0.05)


@pytest.mark.parametrize(("months", "kappa", "free"), [(24, 0.85, 3.5), (36, 0.26, 6.5)])
def test_what_months_alone_do_to_a_slope(months, kappa, free):
    got = module._calendar((True,) * months)
    assert got.slope == pytest.approx(kappa, abs=0.01)
    assert got.free == pytest.approx(free, abs=0.05)


def test_months_are_never_taken_for_quite_steady():
    # A perfect exponential of many alike units: σ = 0.03 alone makes the interval, ± t(6.5) · 0.03 · √0.26.
    unit, month = np.indices((500, 36)).reshape(2, -1)
    got = yearly_trend(unit, month, 0.9 ** (month / 12), first_month=0, last_month=35, draws=50).yearly
    calendar = module._calendar((True,) * 36)
    assert got.value == pytest.approx(-0.1)
    # Alike units still number more or fewer in a copy, which moves no slope.
    assert np.log1p(got.high) - np.log(0.9) == pytest.approx(
        stats.t.ppf(0.975, calendar.free) * 0.03 * np.sqrt(calendar.slope), rel=1e-6
    )


def test_a_gap_of_months_leaves_an_interval():
    rng = np.random.default_rng(4)
    unit, month = np.indices((80, 36)).reshape(2, -1)
    value = rng.gamma(2.0, size=len(unit))
    keep = ~np.isin(month, [13, 14, 15])
    got = yearly_trend(unit[keep], month[keep], value[keep], first_month=0, last_month=35, draws=200)
    whole = yearly_trend(unit, month, value, first_month=0, last_month=35, draws=200)
    assert 0.8 * whole.yearly.half_width < got.yearly.half_width < 2 * whole.yearly.half_width
    assert got.pairs == whole.pairs - 3 * 2
    # Eighteen known months hold five more than the seasons and a line: a value without an interval.
    short = yearly_trend(unit, month, value, first_month=0, last_month=17, draws=50).yearly
    assert (short.low, short.reason) == (None, "too_few_months")


def test_the_decline_that_could_be_told():
    # ± 0.2 on the log about −0.1: a fall by 1 − e^−0.2 = 18 % would lie wholly below zero.
    e = Estimate(np.expm1(-0.1), np.expm1(-0.3), np.expm1(0.1), 50)
    assert tellable(e) == pytest.approx(1 - np.exp(-0.2))
    assert tellable(Estimate(0.1, None, None, 1)) is None


@pytest.mark.parametrize("months", [24, 36])
def test_trends_in_a_shaken_market(months):
    for name, got in market_coverage(ShakenMarket(months=months, shock=0.1), seeds=200, draws=300, seed=201).items():
        assert got.coverage.covered >= 0.85, name
        assert got.found <= 0.05, name  # 2.5 %, and what 200 seeds leave to chance


def test_resampled_totals_are_weighted_sums():
    unit, month, _, value = small_panel()
    panel = module._panel(unit, month, {"": (value, None)}, 100, 30)
    weights = module.poisson_weights(np.random.default_rng(1), (10, 2))
    assert module._resample(panel, 10, 1)[0] == pytest.approx(weights @ panel.tables[0].toarray())


def test_reasons_for_missing_trends():
    got = yearly_trend([], [], [], first_month=0, last_month=30)
    assert (got.yearly.reason, got.last_year.reason) == ("no_units", "no_units")
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


def test_months_that_would_tell_a_change_from_its_limit() -> None:
    def needed(low: float, high: float, limit: float) -> int | None:
        return months_to_tell(Estimate(-0.02, low, high, 100), limit, 24)

    # Three years know the slope of a restless market more than twice as well as two, four years more than four times.
    assert needed(-0.06, 0.02, -0.05) == 36
    assert needed(-0.20, 0.15, -0.05) == 72
    assert needed(-0.20, 0.15, 0.0) == 84  # the other side is nearer: that it does not rise
    assert needed(-0.90, 9.0, -0.05) is None
    assert months_to_tell(Estimate(-0.02, None, None, 100), -0.05, 24) is None
    assert months_to_tell(Estimate(-0.02, -0.1, 0.1, 100), -0.05, 14) is None  # no calendar to go by
