"""Shares told from memory: by hand, and together with a day log."""

import numpy as np
import pytest

from audit.stats.intervals import Estimate, proportion
from audit.stats.selfreport import CASES, pooled, told_share


def test_one_person_by_hand():
    # ½ told with middling confidence: 51 cases, standard error √(¼ ÷ 51) = 7.0 points.
    assert np.sqrt(0.25 / CASES[2]) == pytest.approx(0.07, abs=1e-4)
    got = told_share([0.5], [160], [2])
    plain = proportion(25.5, 51)
    assert (got.estimate.value, got.estimate.low, got.estimate.high) == pytest.approx((0.5, plain.low, plain.high))
    assert (got.cases, got.estimate.n) == (pytest.approx(51), 1)


def test_people_add_up_by_hours():
    # Equal hours: cases add. Hours 3 : 1 with 51 cases each: 16 ÷ (9/51 + 1/51) = 81.6.
    assert told_share([0.2, 0.4], [160, 160], [2, 2]).cases == pytest.approx(102)
    assert told_share([0.2, 0.4], [160, 160], [1, 3]).cases == pytest.approx(4 / (1 / 23 + 1 / 104))
    uneven = told_share([0.2, 0.4], [120, 40], [2, 2])
    assert uneven.cases == pytest.approx(81.6)
    assert uneven.estimate.value == pytest.approx(0.25)
    # Hours count by their proportions only.
    assert told_share([0.2, 0.4], [1.2, 0.4], [2, 2]).cases == pytest.approx(uneven.cases)


def test_nothing_told_is_not_certain():
    got = told_share([0.0], [160], [2]).estimate
    assert (got.value, got.low) == (0.0, 0.0)
    assert got.high == pytest.approx(proportion(0, 51).high)
    assert told_share([], [], []).estimate.reason == "no_units"


def test_a_guess_is_worth_less_than_a_record():
    widths = [told_share([0.3], [160], [c]).estimate.half_width for c in (1, 2, 3)]
    assert widths[0] > widths[1] > widths[2]


def test_pooling_by_inverse_variance_by_hand():
    # Told ½ (51 cases); log ½ ± 1.959964 · 0.07: worth 51 cases, too. Together 102, half-way.
    told = told_share([0.5], [160], [2])
    half = 1.959963985 * np.sqrt(0.25 / 51)
    got = pooled(told, Estimate(0.5, 0.5 - half, 0.5 + half, 5))
    assert got.cases == pytest.approx(102)
    assert got.estimate.value == pytest.approx(0.5)
    # Told 0.4, log 0.6 with half the variance: weights 1 : 2 at the value half-way, ½.
    half = 1.959963985 * np.sqrt(0.25 / 102)
    got = pooled(told_share([0.4], [160], [2]), Estimate(0.6, 0.6 - half, 0.6 + half, 5))
    assert got.estimate.value == pytest.approx((0.4 + 2 * 0.6) / 3)
    assert got.estimate.half_width < told.estimate.half_width


def test_a_log_without_an_interval_changes_nothing():
    told = told_share([0.4], [160], [2])
    assert pooled(told, Estimate(0.7, None, None, 1, reason="too_few_units")) == told
    assert pooled(told, Estimate(None, None, None, 0, reason="no_units")) == told


@pytest.mark.parametrize("wrong", [([1.2], [1], [2]), ([0.5], [-1], [2]), ([0.5], [1], [4]), ([0.5, 0.1], [1], [2])])
def test_impossible_answers_are_refused(wrong):
    with pytest.raises(ValueError):
        told_share(*wrong)
