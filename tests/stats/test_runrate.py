"""Lost run rate by hand, and against a loss that is known."""

import numpy as np
import pytest

from audit.stats.runrate import run_rate, usual_gap
from audit.stats.shares import weighted_share


def test_usual_gap_by_hand():
    # Medians 10, 40, 90: of all 40. One gap of 10: (ln 10 + 2 ln 40) ÷ 3; none: 40; six of 90: (6 ln 90 + 2 ln 40) ÷ 8.
    got = usual_gap([1, 0, 6, 4], [10, 0, 90, 40])
    assert got == pytest.approx([(10 * 40**2) ** (1 / 3), 40, (90**6 * 40**2) ** (1 / 8), 40])
    assert np.isnan(usual_gap([0], [0])).all()


def test_rates_by_hand():
    # A window of 730 days: the earlier year is days 0 … 364.
    got = run_rate(
        # 1 stays; 2 was there from day 100 on and stays; 3 bought on days 20 and 170, nothing since;
        # 4 the same with a usual gap of 150 days: 4 gaps are 600 days, it may come back.
        first=[5, 100, 20, 20],
        last=[720, 715, 170, 170],
        gap=[30, 30, 30, 150],
        last_year=[0, 0, 200, 200],
        earlier=[100, 100, 200, 200],
        earlier_start=0,
        recent_start=365,
        end=729,
    )
    # 1: seen all 365 days. 2: from half a gap before day 100. 3 and 4: first order within a gap of the start, so there
    # from the start, until half a gap after day 170.
    assert got.rate == pytest.approx([100, 100 * 365 / (265 + 15), 200 * 365 / (171 + 15), 200 * 365 / (171 + 75)])
    assert got.lost.tolist() == [False, False, True, False]


def test_a_unit_seen_for_a_year_is_not_stretched():
    got = run_rate([400], [800], [30], [90], [70], earlier_start=570, recent_start=935, end=1299)
    # Silent for 499 days; there on all of the 365 days up to its last act, which stands for 15 days more.
    assert got.rate[0] == pytest.approx(90 * 365 / (365 + 15))
    assert got.lost[0]


def test_whose_first_act_is_the_last_day_of_the_year_is_no_giant():
    got = run_rate([364], [700], [30], [0], [100], earlier_start=0, recent_start=365, end=729)
    assert got.rate[0] == pytest.approx(100 * 365 / (1 + 15))


@pytest.mark.parametrize("loss", [0.1, 0.26])
def test_a_constant_loss_is_told_as_it_is(loss):
    told, counted = [], []
    for i in range(30):
        rng = np.random.default_rng([601, i])
        clients, window = 150, 1096
        gap = 30 * np.exp(0.4 * rng.normal(size=clients))
        size = rng.lognormal(0.0, 0.8, clients)
        # Leaving at a constant hazard; who leaves is replaced at once, so that the base stands still.
        rows = []
        for c in range(clients):
            begin = 0.0
            while begin < window:
                end = min(begin + rng.exponential(-365 / np.log(1 - loss)), window)
                days = [
                    d
                    for d in np.floor(begin + np.cumsum(gap[c] * rng.gamma(3, 1 / 3, 200)) - gap[c] / 2)
                    if begin <= d < end
                ]
                if len(days) > 1:
                    rows.append((np.array(days), size[c]))
                begin = end
        first, last, k, median, year, earlier = [], [], [], [], [], []
        for d, s in rows:
            before = ((d >= window - 730) & (d < window - 365)).sum()
            if before:
                first.append(d[0]), last.append(d[-1]), k.append(len(d) - 1), median.append(np.median(np.diff(d)))
                year.append(s * (d > d[-1] - 365).sum()), earlier.append(s * before)
        years = dict(earlier_start=window - 730, recent_start=window - 365, end=window - 1)
        got = run_rate(first, last, usual_gap(k, np.maximum(median, 1)), year, earlier, **years)
        told.append(weighted_share(got.rate * got.lost, got.rate).value)
        counted.append(got.lost.mean())
    assert np.mean(told) == pytest.approx(loss, abs=0.05)
    assert np.mean(counted) == pytest.approx(loss, abs=0.05)
