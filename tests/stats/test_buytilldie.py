"""Buy-till-you-die models against published fits, integrals and simulated truth."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special

from audit.stats.buytilldie import (
    BuyTillDie,
    _acts_of_living,
    _terms,
    _value_and_slope,
    fit,
    fit_check,
    group_histories,
    log_likelihood,
)
from tests.shared_data import shared

MODELS = ("BG/NBD", "MBG/NBD")


@pytest.fixture(scope="module")
def sample():
    data = pd.read_csv(shared("cdnow/cdnow_sample.csv"), parse_dates=["date"])
    return histories_of(data, "master_id")


def histories_of(data, client):
    """Whole days of records merged, weeks from the first day, watched to the end of September 1997."""
    end = pd.Timestamp("1997-09-30")
    first = data.loc[data["date"] <= end, [client, "date"]].drop_duplicates()
    per = first.groupby(client)["date"].agg(["min", "max", "count"])
    weeks = [(per["max"] - per["min"]).dt.days / 7, (end - per["min"]).dt.days / 7]
    return group_histories(per["count"] - 1, *weeks)


@pytest.fixture(scope="module")
def references():
    return json.loads(shared("reference_numbers/reference.json").read_text(encoding="utf-8"))


def parameters(reference):
    return [reference[k] for k in ("r", "alpha", "a", "b")]


@pytest.mark.parametrize("model", MODELS)
def test_fit_equals_the_published_one(sample, references, model):
    reference = references[model]
    own = reference["reproduced"]["own"]
    got = fit(sample, model)
    assert got.converged and got.reason is None
    assert got.units == 2357
    assert got.params == pytest.approx(parameters(reference), abs=1.5e-3)
    assert got.params == pytest.approx(own[:4], abs=2e-4)
    assert got.log_likelihood == pytest.approx(own[4], abs=0.01)
    checks = reference["point_checks"]
    assert got.p_alive(2, 30.43, 38.86) == pytest.approx(checks["P(alive|2,30.43,38.86)"], abs=1e-3)
    if model == "BG/NBD":
        assert got.p_alive(0, 0, 38.86) == checks["P(alive|x=0)"]
        at = [0.1429, 1, 3, 31.8571, 32, 78]
        assert got.expected(at) == pytest.approx([0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576], abs=1e-3)
    else:
        assert got.p_alive(0, 0, 38.86) == pytest.approx(checks["P(alive|0,0,38.86)"], abs=1e-3)


def test_bg_nbd_calls_every_one_time_unit_alive(sample, references):
    trap = references["P_alive_headline_trap_cdnow"]
    for model in MODELS:
        alive = fit(sample, model).p_alive(sample.x, sample.t_x, sample.T)
        mean = float(alive @ sample.count) / sample.units
        assert mean == pytest.approx(trap[f"mean P(alive) {model}"], abs=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_fit_of_the_whole_cohort(model):
    reference = json.loads(shared("cdnow/reference.json").read_text(encoding="utf-8"))
    expected = reference["master"]["calibration_39w"][model]
    data = pd.read_parquet(shared("cdnow/cdnow_master.parquet"))
    data["date"] = pd.to_datetime(data["date"])
    got = fit(histories_of(data, "customer_id"), model)
    assert got.converged
    assert got.params == pytest.approx(expected["params"], abs=1e-3)
    assert got.log_likelihood == pytest.approx(expected["LL"], abs=0.01)


@pytest.mark.parametrize("model", MODELS)
def test_fit_check_on_the_sample(sample, model):
    check = fit_check(fit(sample, model), sample)
    assert check.observed.tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert check.expected.sum() == pytest.approx(2357)
    # Sum of the positive differences, as a share: little over one unit in a hundred is misplaced.
    assert check.misplaced == pytest.approx(np.maximum(check.observed - check.expected, 0).sum() / 2357)
    assert check.misplaced < 0.02
    assert (check.df, check.p_value > 0.05) == (3, True)


def test_likelihood_by_hand():
    # MBG/NBD, r = α = a = b = 1, one unit with x = 0, T = 1: P = B(1, 2)/B(1, 1) · 1/2 + B(2, 1)/B(1, 1) = ¼ + ½ = ¾.
    # One with x = 1, t_x = 1, T = 3: B(1, 3) · 1/4² + B(2, 2) · 1/2² = 1/48 + 1/24 = 1/16.
    histories = group_histories([0, 1, 1], [0, 1, 1], [1, 3, 3])
    assert histories.units == 3
    assert len(histories.x) == 2
    got = log_likelihood("MBG/NBD", (1, 1, 1, 1), histories)
    assert got == pytest.approx(np.log(3 / 4) + 2 * np.log(1 / 16))
    # BG/NBD: x = 0 cannot have left: (1/2); x = 1: B(1, 2) · 1/16 + B(2, 1) · 1/4 = 1/32 + 1/8 = 5/32.
    assert log_likelihood("BG/NBD", (1, 1, 1, 1), histories) == pytest.approx(np.log(1 / 2) + 2 * np.log(5 / 32))
    model = BuyTillDie("MBG/NBD", 1, 1, 1, 1, 0.0, 3, True)
    assert model.p_alive([0, 1], [0, 1], [1, 3]) == pytest.approx([1 / 3, 1 / 3])


@pytest.mark.parametrize("model", MODELS)
def test_slope_of_the_likelihood_is_its_derivative(model):
    histories = group_histories([0, 1, 4, 4], [0, 2, 9, 3], [10, 10, 12, 12], [5, 3, 2, 1])
    at, terms = np.log([0.4, 5.0, 0.7, 2.0]), _terms(model, histories)
    _, slope = _value_and_slope(at, histories, terms)
    for i in range(4):
        step = np.zeros(4)
        step[i] = 1e-5
        up, down = (_value_and_slope(at + s * step, histories, terms)[0] for s in (1, -1))
        assert slope[i] == pytest.approx((up - down) / 2e-5, rel=1e-6)


def integral(r, alpha, a, b, t):
    def inner(p):
        return -np.expm1(-r * np.log1p(p * t / alpha)) / p if p > 0 else r * t / alpha

    value, _ = integrate.quad(inner, 0, 1, weight="alg", wvar=(a - 1, b - 1), limit=400)
    return value / special.beta(a, b)


@pytest.mark.parametrize(
    "case",
    [
        (0.24, 4.4, 0.79, 2.4, 32),
        (0.5, 6.2, 1.0, 1.6, 78),
        (3, 20, 5, 0.5, 10),
        (0.3, 2, 0.05, 0.1, 1000),
        (80, 90, 0.2, 60, 365),
        (0.9, 1e-3, 0.3, 0.4, 50),
        (0.9, 2.0, 0.3, 0.7, 50),
    ],
)
def test_expected_acts_equal_the_integral(case):
    *parameters_, t = case
    assert _acts_of_living(*parameters_, np.array(float(t))) == pytest.approx(integral(*case), rel=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_expected_is_the_mean_of_the_distribution(model):
    got = BuyTillDie(model, 0.8, 5.0, 0.9, 2.0, 0.0, 1, True)
    p = got.count_probabilities([30.0], 400)[0]
    assert p.sum() == pytest.approx(1, abs=1e-9)
    assert (p * np.arange(401)).sum() == pytest.approx(float(got.expected(30.0)), rel=1e-6)


def test_units_with_thousands_of_acts_do_not_overflow():
    model = BuyTillDie("MBG/NBD", 0.5, 6.0, 0.9, 1.6, 0.0, 1, True)
    assert model.p_alive(5000, 10.0, 400.0) == 0.0
    assert model.p_alive(5000, 399.9, 400.0) == pytest.approx(1.0, abs=0.01)


def simulate(rng, n, r, alpha, a, b, weeks):
    x, t_x = np.zeros(n), np.zeros(n)
    rate, leave = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    alive = rng.random(n) >= leave
    clock = np.zeros(n)
    while alive.any():
        clock = clock + rng.exponential(1 / rate)
        alive &= clock <= weeks
        x[alive] += 1
        t_x[alive] = clock[alive]
        alive &= rng.random(n) >= leave
    return x, t_x


def test_a_simulated_world_is_recovered():
    rng = np.random.default_rng(1)
    weeks = np.full(20_000, 104.0)
    x, t_x = simulate(rng, 20_000, 0.8, 6.0, 0.9, 2.5, weeks)
    got = fit(group_histories(x, t_x, weeks))
    assert got.converged
    assert got.params == pytest.approx((0.8, 6.0, 0.9, 2.5), rel=0.12)
    assert float(got.expected(104.0)) == pytest.approx(x.mean(), rel=0.02)


def test_days_and_weeks_give_the_same_model(sample):
    days = group_histories(sample.x, sample.t_x * 7, sample.T * 7, sample.count)
    weekly, daily = fit(sample), fit(days)
    assert daily.alpha == pytest.approx(7 * weekly.alpha, rel=1e-4)
    assert daily.p_alive(2, 210, 270) == pytest.approx(weekly.p_alive(2, 30, 270 / 7), abs=1e-5)


def test_order_of_units_is_irrelevant(sample):
    p = np.random.default_rng(1).permutation(len(sample.x))
    again = group_histories(sample.x[p], sample.t_x[p], sample.T[p], sample.count[p])
    assert fit(again) == fit(sample)


def test_no_fit_says_so():
    empty = fit(group_histories([], [], []))
    assert (empty.converged, empty.reason) == (False, "no_units")
    nobody = fit(group_histories([0, 0, 0], [0, 0, 0], [10, 20, 30]))
    assert (nobody.converged, nobody.reason) == (False, "not_converged")
    one = fit(group_histories([3], [20], [30]))
    assert not one.converged
    at_once = fit(group_histories([0, 0], [0, 0], [0, 0]))
    assert not at_once.converged


@pytest.mark.parametrize(
    ("x", "t_x", "T"), [([1], [5], [4]), ([0], [1], [4]), ([1.5], [1], [4]), ([-1], [0], [4]), ([1, 2], [1], [4])]
)
def test_impossible_histories_are_refused(x, t_x, T):
    with pytest.raises(ValueError, match=r"histories|whole|repeats|one length"):
        group_histories(x, t_x, T)


def test_parameters_and_entries_are_checked():
    with pytest.raises(ValueError, match="positive"):
        log_likelihood("BG/NBD", (1, 0, 1, 1), group_histories([0], [0], [1]))
    with pytest.raises(ValueError, match="six entries"):
        fit_check(BuyTillDie("BG/NBD", 1, 1, 1, 1, 0.0, 1, True), group_histories([0], [0], [1]), highest=3)
