"""Entropy and Hill numbers against arithmetic and SciPy."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audit.stats.entropy import effective_number, hill_number, shannon

rows = st.lists(st.floats(0, 1e6), min_size=2, max_size=12).filter(lambda x: sum(x) > 1e-3)


def test_equal_parts_are_as_many_as_they_are():
    for q in (0, 0.5, 1, 2, 5):
        assert hill_number([25, 25, 25, 25], q) == pytest.approx(4)


def test_unequal_parts_by_hand():
    # Shares ½, ¼, ¼: H = ½ ln 2 + ½ ln 4 = 1.5 ln 2; exp = 2^1.5 = 2.828; 1 ÷ (¼ + 1/16 + 1/16) = 2.667
    assert shannon([2, 1, 1]) == pytest.approx(1.5 * np.log(2))
    assert effective_number([2, 1, 1]) == pytest.approx(2**1.5)
    assert hill_number([2, 1, 1, 0], 2) == pytest.approx(8 / 3)
    assert hill_number([2, 1, 1, 0], 0) == 3


def test_one_part_is_one_whatever_it_is():
    assert effective_number([0, 7, 0]) == 1.0
    assert hill_number([0, 7, 0], 2) == 1.0


def test_rows_without_anything_have_no_number():
    got = effective_number([[0, 0], [3, 3]])
    assert np.isnan(got[0]) and got[1] == pytest.approx(2)
    assert np.isnan(hill_number([0.0, 0.0], 2))
    assert np.isnan(hill_number([0.0, 0.0], 0))


@given(rows)
def test_shannon_equals_scipy(x):
    assert shannon(x) == pytest.approx(stats.entropy(x), abs=1e-9)


@given(rows)
def test_larger_orders_count_small_parts_less(x):
    numbers = [float(hill_number(x, q)) for q in (0, 0.5, 1, 2, 3)]
    assert all(a >= b - 1e-9 for a, b in pairwise(numbers))
    assert numbers[-1] >= 1 - 1e-9
    assert numbers[0] <= len(x)


@pytest.mark.parametrize("bad", [[-1, 2], [np.nan, 1]])
def test_negative_amounts_are_refused(bad):
    with pytest.raises(ValueError, match="not negative"):
        shannon(bad)


def test_a_negative_order_is_refused():
    with pytest.raises(ValueError, match="q"):
        hill_number([1, 2], -1)
