"""Survival against arithmetic, published tables, SciPy and real data."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audit.stats.survival import kaplan_meier, logrank, logrank_by_stratum
from tests.shared_data import shared

# Acute myelogenous leukaemia (Miller 1997), the classical table: weeks, + = censored.
MAINTAINED = "9 13 13+ 18 23 28+ 31 34 45+ 48 161+"
NOT_MAINTAINED = "5 5 8 8 12 16+ 23 27 30 33 43 45"


def weeks(text):
    words = text.split()
    return np.array([float(w.rstrip("+")) for w in words]), np.array([not w.endswith("+") for w in words])


def test_five_units_by_hand():
    # Times 2, 3+, 5, 5, 9+. S(2) = 4/5; S(5) = 4/5 · (1 − 2/3) = 4/15.
    curve = kaplan_meier([2, 3, 5, 5, 9], [1, 0, 1, 1, 0])
    assert curve.times.tolist() == [2, 3, 5, 9]
    assert curve.at_risk.tolist() == [5, 4, 3, 1]
    assert curve.events.tolist() == [1, 0, 2, 0]
    assert curve.censored.tolist() == [0, 1, 0, 1]
    assert curve.survival == pytest.approx([4 / 5, 4 / 5, 4 / 15, 4 / 15])
    assert (curve.n, curve.events.sum(), curve.median, curve.times[-1]) == (5, 3, 5, 9)
    # Greenwood at 2: 1/(5·4) = 0.05; ln 0.8 = −0.223144; z√0.05 ÷ 0.223144 = 1.964032;
    # limits 0.8^exp(±1.964032) = 0.8^7.12799 = 0.203809 and 0.8^0.140292 = 0.969180
    at = curve.at(2)
    assert (at.low, at.high) == pytest.approx((0.203809, 0.969180), abs=2e-6)
    # The horizon is inclusive; just before it two more were at risk.
    assert curve.at(5).survival == pytest.approx(4 / 15)
    assert curve.at(4.9).survival == pytest.approx(4 / 5)
    assert (curve.at(4.9).at_risk, curve.at(5).at_risk, curve.at(6).at_risk) == (3, 3, 1)
    assert curve.at(5).events == 3


def test_event_share_swaps_the_limits():
    at = kaplan_meier([2, 3, 5, 5, 9], [1, 0, 1, 1, 0]).at(2)
    share = at.event_share
    assert (share.value, share.low, share.high) == pytest.approx((0.2, 1 - at.high, 1 - at.low))


def test_published_leukaemia_table():
    t, e = weeks(MAINTAINED)
    curve = kaplan_meier(t, e)
    got = [at.survival for at in curve.at_all([9, 13, 18, 23, 31, 34, 48])]
    assert got == pytest.approx([0.9091, 0.8182, 0.7159, 0.6136, 0.4909, 0.3682, 0.1841], abs=5e-5)
    assert curve.median == 31
    t2, e2 = weeks(NOT_MAINTAINED)
    assert kaplan_meier(t2, e2).median == 23
    group = np.repeat([0, 1], [len(t), len(t2)])
    test = logrank(np.append(t, t2), np.append(e, e2), group)
    assert test.chi2 == pytest.approx(3.396389, abs=5e-7)
    assert test.p_value == pytest.approx(0.06533932, abs=5e-9)
    assert test.z is not None and test.z < 0  # the maintained have the event later
    assert test.observed.sum() == pytest.approx(test.expected.sum())


def test_real_second_purchases_equal_the_reference():
    data = pd.read_csv(shared("reference_numbers/online_retail_or1_km_input.csv"))
    reference = json.loads(shared("online_retail/reference.json").read_text(encoding="utf-8"))["OR1_clean"]
    curve = kaplan_meier(data["T"], data["E"])
    for horizon, expected in reference["km_second_purchase"].items():
        at = curve.at(float(horizon))
        share = at.event_share
        assert share.value == pytest.approx(expected["F"], abs=1e-9)
        assert share.low == pytest.approx(expected["F_lo_loglog"], abs=1e-9)
        assert share.high == pytest.approx(expected["F_hi_loglog"], abs=1e-9)
        assert at.at_risk == expected["at_risk"]
    assert curve.median == reference["km_median_days_to_second"]
    assert (curve.events.sum(), curve.censored.sum()) == (reference["km_events"], reference["km_censored"])
    test = logrank(data["T"], data["E"], data["uk"])
    assert test.chi2 == pytest.approx(0.5339062, abs=5e-8)


@pytest.mark.parametrize("seed", range(5))
def test_curve_equals_scipy(seed):
    rng = np.random.default_rng(seed)
    t, e = rng.integers(1, 30, 60).astype(float), rng.random(60) < 0.6
    ours = kaplan_meier(t, e)
    theirs = stats.ecdf(stats.CensoredData(uncensored=t[e], right=t[~e])).sf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SciPy warns where the interval does not exist
        band = theirs.confidence_interval(0.95, method="log-log")
    inside = (ours.survival > 0) & (ours.survival < 1)
    assert ours.survival == pytest.approx(theirs.evaluate(ours.times), abs=1e-12)
    assert ours.low[inside] == pytest.approx(band.low.evaluate(ours.times)[inside], abs=1e-12)
    assert ours.high[inside] == pytest.approx(band.high.evaluate(ours.times)[inside], abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_logrank_equals_scipy(seed):
    rng = np.random.default_rng(seed)
    t, e, g = rng.integers(1, 40, 90).astype(float), rng.random(90) < 0.7, rng.integers(0, 2, 90) == 1
    ours = logrank(t, e, g)
    theirs = stats.logrank(
        stats.CensoredData(uncensored=t[~g & e], right=t[~g & ~e]),
        stats.CensoredData(uncensored=t[g & e], right=t[g & ~e]),
    )
    assert ours.chi2 == pytest.approx(theirs.statistic**2, rel=1e-10)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-10)


def test_logrank_of_300_000_rows_does_not_overflow():
    # Copying every row k times multiplies observed − expected by k and the variance nearly so.
    rng = np.random.default_rng(8)
    t, g = rng.integers(1, 500, 3000).astype(float), rng.integers(0, 2, 3000)
    e = rng.random(3000) < np.where(g == 1, 0.55, 0.5)
    small, big = logrank(t, e, g), logrank(np.tile(t, 100), np.tile(e, 100), np.tile(g, 100))
    assert big.n == 300_000
    assert big.observed - big.expected == pytest.approx(100 * (small.observed - small.expected), rel=1e-9)
    assert big.chi2 == pytest.approx(100 * small.chi2, rel=0.01)


def test_stratified_logrank_adds_up_the_strata():
    rng = np.random.default_rng(3)
    t, e = rng.integers(1, 30, 120).astype(float), rng.random(120) < 0.7
    g, s = rng.integers(0, 2, 120), rng.integers(0, 3, 120)
    whole = logrank(t, e, g, strata=s)
    parts = [logrank(t[s == k], e[s == k], g[s == k]) for k in range(3)]
    difference = sum(p.observed[0] - p.expected[0] for p in parts)
    variance = sum(((p.observed[0] - p.expected[0]) / p.z) ** 2 for p in parts)
    assert whole.chi2 == pytest.approx(difference**2 / variance)
    z = logrank_by_stratum(t, e, g == 1, s, 4)
    assert z[:3] == pytest.approx([-p.z for p in parts])
    assert np.isnan(z[3])  # an empty stratum


def test_strata_remove_a_difference_that_is_only_composition():
    # Quick stratum A holds mostly group 1, slow stratum B mostly group 0; within each the groups are alike.
    quick = np.repeat([True, False], 100)
    plain, stratified = [], []
    for seed in range(400):
        rng = np.random.default_rng([10, seed])
        g = rng.random(200) < np.where(quick, 0.8, 0.2)
        t = np.ceil(rng.exponential(np.where(quick, 20.0, 60.0)))
        plain.append(logrank(t, np.ones(200), g).p_value < 0.05)
        stratified.append(logrank(t, np.ones(200), g, strata=quick).p_value < 0.05)
    assert np.mean(plain) > 0.9
    assert 0.02 < np.mean(stratified) < 0.08


def test_three_groups_have_two_degrees_of_freedom():
    rng = np.random.default_rng(11)
    g = np.repeat(["a", "b", "c"], 80)
    t = np.ceil(rng.exponential(np.where(g == "c", 30.0, 60.0)))
    got = logrank(t, np.ones(240), g)
    assert (got.df, got.groups, got.z) == (2, ("a", "b", "c"), None)
    assert got.p_value < 0.001
    assert got.observed.sum() == pytest.approx(got.expected.sum())


def test_nothing_to_compare():
    assert logrank([1, 2], [1, 1], ["a", "a"]).p_value is None
    assert logrank([1, 2], [0, 0], ["a", "b"]).p_value is None
    assert logrank([], [], []).p_value is None
    # The first group is gone before the second is ever at risk with an event: both at risk only at time 1.
    assert logrank([1, 1, 5], [0, 0, 1], ["a", "a", "b"]).p_value is None


def test_late_entry_by_hand():
    # Exits 3, 5, 6, 8 with entries 0, 4, 0, 5. At risk at 3: {1st, 3rd}; at 5: {2nd, 3rd} (the fourth enters at 5,
    # after); at 6: {3rd, 4th}; at 8: {4th}. S = 1/2, 1/4, 1/8, 1/8 (8 is censored).
    curve = kaplan_meier([3, 5, 6, 8], [1, 1, 1, 0], entry=[0, 4, 0, 5])
    assert curve.at_risk.tolist() == [2, 2, 2, 1]
    assert curve.survival == pytest.approx([0.5, 0.25, 0.125, 0.125])
    assert curve.at(4).at_risk == 1
    assert curve.at(4.5).at_risk == 2


def test_late_entry_in_the_logrank():
    rng = np.random.default_rng(12)
    entry = rng.integers(0, 10, 100).astype(float)
    t = entry + rng.integers(1, 30, 100)
    g, e = rng.integers(0, 2, 100), rng.random(100) < 0.8
    got = logrank(t, e, g, entry=entry)
    observed = expected = variance = 0.0
    for time in np.unique(t[e]):  # the definition, time by time
        risk = (entry < time) & (t >= time)
        d, r, r0 = (risk & e & (t == time)).sum(), risk.sum(), (risk & (g == 0)).sum()
        observed += (risk & e & (t == time) & (g == 0)).sum()
        expected += d * r0 / r
        variance += d * (r - d) / max(r - 1, 1) * r0 / r * (1 - r0 / r)
    assert got.chi2 == pytest.approx((observed - expected) ** 2 / variance)


def test_nothing_has_happened_yet():
    # 8 watched for 400 days, none has the event: at least 0.025^(1/8) = 0.6306 have not had it.
    at = kaplan_meier([400] * 8, [0] * 8).at(365)
    assert (at.survival, at.high, at.at_risk, at.events) == (1.0, 1.0, 8, 0)
    assert at.low == pytest.approx(0.025 ** (1 / 8))
    # Only those still watched at the horizon tell about it.
    mixed = kaplan_meier([400] * 8 + [10] * 50, [0] * 58)
    assert mixed.at(365).low == pytest.approx(0.025 ** (1 / 8))
    assert mixed.at(5).low == pytest.approx(0.025 ** (1 / 58))
    assert kaplan_meier([20, 30], [0, 0], entry=[1, 25]).at(0.5).low == 0.0  # before anybody was watched


def test_it_has_happened_to_all():
    # 4 units, all at day 3: none of 4 survive, each limit at half the error: 1 − 0.0125^(1/4) = 0.6656.
    at = kaplan_meier([3] * 4, [1] * 4).at(365)
    assert (at.survival, at.low, at.at_risk, at.events) == (0.0, 0.0, 0, 4)
    assert at.high == pytest.approx(1 - 0.0125**0.25)
    # A last unit alone proves little by itself; the limit before its event does more.
    late = kaplan_meier(np.arange(1, 31), np.ones(30)).at(60)
    assert late.survival == 0.0
    assert 0 < late.high < 0.3


def test_beyond_follow_up_there_is_no_value():
    at = kaplan_meier([10, 20, 30], [1, 0, 0]).at(31)
    assert (at.survival, at.low, at.at_risk, at.reason) == (None, 0.0, 0, "beyond_follow_up")
    assert at.high == pytest.approx(kaplan_meier([10, 20, 30], [1, 0, 0]).at(30).high)
    share = at.event_share
    assert (share.value, share.high, share.reason) == (None, 1.0, "beyond_follow_up")


def test_no_units_and_an_event_at_once():
    empty = kaplan_meier([], []).at(365)
    assert (empty.survival, empty.n, empty.reason) == (None, 0, "no_units")
    assert empty.event_share.reason == "no_units"
    at = kaplan_meier([0, 0, 7], [1, 0, 0]).at(0)
    assert (at.survival, at.at_risk, at.events) == (pytest.approx(2 / 3), 3, 1)


def test_one_unit():
    assert kaplan_meier([5], [1]).at(5).event_share.value == 1.0
    assert kaplan_meier([5], [0]).at(5).event_share.value == 0.0
    assert kaplan_meier([5], [0]).median is None


@pytest.mark.parametrize(
    ("t", "e", "entry"),
    [
        ([1, -1], [0, 1], None),
        ([1, np.nan], [0, 1], None),
        ([1, 2], [0, 2], None),
        ([1, 2], [0], None),
        ([1, 2], [0, 1], [1, 0]),
    ],
)
def test_impossible_input_is_refused(t, e, entry):
    with pytest.raises(ValueError, match=r"duration|event|entry"):
        kaplan_meier(t, e, entry)


histories = st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=40)


@given(histories, st.integers(0, 50))
def test_the_curve_is_sane_whatever_the_data(rows, horizon):
    t, e = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    curve = kaplan_meier(t, e)
    assert (np.diff(curve.survival) <= 1e-15).all()
    assert (curve.low <= curve.survival + 1e-12).all() and (curve.survival <= curve.high + 1e-12).all()
    assert curve.events.sum() + curve.censored.sum() == curve.n
    at = curve.at(horizon)
    assert 0.0 <= at.low <= at.high <= 1.0
    assert at.at_risk == (t >= horizon).sum()
    assert at.survival is None or at.low <= at.survival <= at.high


@given(histories, st.randoms())
def test_order_of_units_is_irrelevant(rows, random):
    shuffled = rows.copy()
    random.shuffle(shuffled)
    a = kaplan_meier(*np.array(rows).T)
    b = kaplan_meier(*np.array(shuffled).T)
    assert np.array_equal(a.survival, b.survival) and np.array_equal(a.low, b.low)
