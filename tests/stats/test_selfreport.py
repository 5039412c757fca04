"""Shares told from memory: by hand."""

import numpy as np
import pytest

from audit.stats.intervals import wilson
from audit.stats.selfreport import CASES, pooled, told_bounds, told_cases


def test_one_person_by_hand():
    # Middling confidence: 51 cases, at one half a standard error of √(¼ ÷ 51) = 7.0 points.
    assert np.sqrt(0.25 / CASES[2]) == pytest.approx(0.07, abs=1e-4)
    assert told_cases([160], [2]) == pytest.approx(51)
    assert told_bounds(0.5, 0.5, 51) == pytest.approx(wilson(25.5, 51))


def test_people_add_up_by_hours():
    # Equal hours: cases add. Hours 3 : 1 with 51 cases each: 16 ÷ (9/51 + 1/51) = 81.6; only proportions count.
    assert told_cases([160, 160], [2, 2]) == pytest.approx(102)
    assert told_cases([160, 160], [1, 3]) == pytest.approx(4 / (1 / 23 + 1 / 104))
    assert told_cases([120, 40], [2, 2]) == pytest.approx(81.6)
    assert told_cases([1.2, 0.4], [2, 2]) == pytest.approx(81.6)
    assert told_cases([], []) == told_cases([0], [2]) == 0.0


def test_nothing_told_is_not_certain():
    low, high = told_bounds(0.0, 0.0, 51)
    assert (low, high) == (0.0, pytest.approx(wilson(0, 51)[1]))
    # Nobody told anything: nothing is known.
    assert told_bounds(0.0, 0.0, 0.0) == (0.0, 1.0)


def test_what_is_left_open_widens_both_ways():
    low, high = told_bounds(0.2, 0.4, 102)
    assert low == pytest.approx(wilson(20.4, 102)[0]) and high == pytest.approx(wilson(40.8, 102)[1])


@pytest.mark.parametrize("wrong", [([-1], [2]), ([1], [4]), ([1, 1], [2])])
def test_impossible_answers_are_refused(wrong):
    with pytest.raises(ValueError):
        told_cases(*wrong)


def test_what_is_told_and_what_is_logged_are_weighted_by_their_precision() -> None:
    # 1 ÷ 0.06² = 277.8, 1 ÷ 0.08² = 156.3: (277.8 · 0.50 + 156.3 · 0.56) ÷ 434 = 0.5216; 434^−½ = 0.048.
    assert pooled([(0.50, 0.06), (0.56, 0.08)]) == pytest.approx((0.5216, 0.048))
    assert pooled([(0.3, 0.1)]) == pytest.approx((0.3, 0.1))
