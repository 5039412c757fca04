"""Old units that pass for new: by hand, and in a world where it is known who is old."""

import numpy as np
import pytest

from audit.model.truncation import burn_in, contamination


def test_contamination_by_hand():
    # Window 1 000 days, wait 180. Gaps 100 (ends before the wait), 280, 580: 100 ÷ 720 + 400 ÷ 420 = 1.0913 old units;
    # first seen at day 50 (not new), 200, 600, 900: three.
    got = contamination([100, 280, 580], [50, 200, 600, 900], 1000, 180)
    assert got == pytest.approx((100 / 720 + 400 / 420) / 3)
    # A gap of 900 days is divided by a quarter of the window, not by the 100 days it had to spare.
    assert contamination([900], [200], 1000, 180) == pytest.approx(720 / 250)
    assert np.isnan(contamination([280], [50], 1000, 180))
    assert contamination([], [200], 1000, 180) == 0.0


def test_burn_in_by_hand():
    # One long gap of 260 days and twenty new units in a window of 1 000: 80/740/20 = 0.5 % at once.
    first = np.linspace(300, 900, 20)
    assert burn_in([260], first, 1000) == 180
    # Ten such gaps: 5.4 % at 180, 50/740·10/20 = 3.4 % at 210, 20/740·10/20 = 1.4 % at 240.
    assert burn_in([260] * 10, first, 1000) == 240
    assert burn_in([260] * 10, first, 1000, allowed=0.06) == 180
    # Nothing will do: half of the window; as in a window too short for the least wait.
    assert burn_in([700] * 50, first, 1000) == 500
    assert burn_in([30], [5.0, 60.0], 300) == 150


def world(rng, median, clients=400, window=1096, new=180):
    """Gaps and first days seen, and who is new: old clients buy in a steady state, new ones start inside."""
    usual = median * np.exp(0.5 * rng.normal(size=clients + new))
    old = np.arange(clients + new) < clients
    # Steady state: run from long before; the start of the window falls anywhere.
    day = np.where(old, -20.0 * usual - 365, rng.uniform(0, window, clients + new))
    seen = [[] for _ in usual]
    while (day < window).any():
        for i in np.flatnonzero((day >= 0) & (day < window)):
            seen[i].append(day[i])
        day = day + usual * np.exp(0.4 * rng.normal(size=len(day)))
    seen_any = [i for i, d in enumerate(seen) if d]
    gaps = np.concatenate([np.diff(seen[i]) for i in seen_any])
    return gaps, np.array([seen[i][0] for i in seen_any]), ~old[seen_any]


@pytest.mark.parametrize("median", [60, 110])
def test_contamination_is_about_the_share_of_old_units(median):
    told, true = [], []
    for i in range(8):
        gaps, first, new = world(np.random.default_rng([401, i]), median)
        told.append(contamination(gaps, first, 1096, 180))
        true.append(1 - new[first >= 180].mean())
    # Gaps of new units count as well, though nothing of them lies before the start: it errs high, as it should.
    assert np.mean(true) > 0.01
    assert np.mean(true) - 0.01 < np.mean(told) < 1.5 * np.mean(true)


def test_the_burn_in_leaves_few_old_units():
    for i in range(5):
        gaps, first, new = world(np.random.default_rng([402, i]), 110)
        wait = burn_in(gaps, first, 1096)
        assert 180 < wait <= 548
        assert 1 - new[first >= wait].mean() < 0.06
