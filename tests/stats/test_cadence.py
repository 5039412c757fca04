"""Cadence: own quantiles, shrinkage, and the test for slowing down."""

import numpy as np
import pytest

from audit.stats.cadence import gap_quantiles, gaps_longer
from audit.stats.survival import logrank
from benchmarks.simulation import next_gap_exceeds, slowing_rate


def days(*gaps):
    return np.concatenate([[0], np.cumsum(gaps)])


def test_own_quantiles_by_hand():
    # Nine gaps 1 … 9: position 0.5 · 10 = 5th → 5; position 0.9 · 10 = 9th → 9.
    got = gap_quantiles([7] * 10, days(3, 1, 2, 9, 8, 7, 4, 5, 6))
    assert (got.units.tolist(), got.gaps.tolist(), got.own.tolist()) == ([7], [9], [True])
    assert (got.p50[0], got.p90[0], got.last[0]) == (5, 9, 45)
    # Nineteen gaps of 10, 20 … 190: the last twelve, 80 … 190; positions 6.5 and 11.7 of them.
    got = gap_quantiles([1] * 20, days(*range(10, 200, 10)))
    assert (got.gaps[0], got.p50[0], got.p90[0]) == (19, pytest.approx(135), pytest.approx(187))


def test_repeated_days_and_order_of_rows_are_irrelevant():
    day = days(*([10] * 9))
    got = gap_quantiles([1] * 13, np.r_[day[::-1], day[:3]])
    assert (got.gaps[0], got.p50[0], got.p90[0]) == (9, 10, 10)


def hundred_units(gaps_each=3, sigma=0.5, tau=0.7, seed=1):
    rng = np.random.default_rng(seed)
    level = rng.normal(3.0, tau, 100)
    gaps = np.exp(level[:, None] + sigma * rng.normal(size=(100, gaps_each)))
    day = np.concatenate([np.zeros((100, 1)), np.cumsum(gaps, axis=1)], axis=1)
    return np.repeat(np.arange(100), gaps_each + 1), day.ravel(), gaps


def test_few_gaps_are_drawn_towards_the_group_and_more_gaps_less():
    unit, day, _ = hundred_units()
    # Three newcomers with gaps of e⁵ = 148 days, far above the group's e³: none, one, and five gaps of it.
    extra_unit = np.r_[[200], [201] * 2, [202] * 6]
    extra_day = np.r_[[0], days(148.4), days(*[148.4] * 5)]
    got = gap_quantiles(np.r_[unit, extra_unit], np.r_[day, extra_day])
    nobody, one, five = (got.p50[got.units == u][0] for u in (200, 201, 202))
    assert nobody == pytest.approx(np.exp(3.0), rel=0.25)
    assert nobody == got.group_p50[0]
    assert nobody < one < five < 148.4
    assert five > 0.75 * 148.4


def test_shrinkage_weight_by_hand():
    # Perfect time keepers (no spread within a unit): one gap tells it all, weight 1.
    unit = np.repeat(np.arange(40), 3)
    day = np.concatenate([days(10 + k, 10 + k) for k in range(40)])
    got = gap_quantiles(unit, day)
    assert got.p50 == pytest.approx(np.arange(40) + 10.0)
    assert got.p90 == pytest.approx(got.p50)
    # No spread between units: nothing of a unit's own level is believed, all get one p50.
    rng = np.random.default_rng(1)
    values = np.exp(rng.normal(3, 0.5, 40))
    same = gap_quantiles(np.repeat(np.arange(40), 3), np.concatenate([days(v, 400 / v) for v in values]))
    assert np.ptp(np.log(same.p50)) < 0.35 * np.ptp(np.log(values))


def test_one_gap_in_ten_exceeds_p90():
    for known, share in next_gap_exceeds(3, 14_000).items():
        assert 0.07 < share < 0.13, known


def test_one_gap_in_ten_exceeds_p90_again_ten_gaps_after_slowing_down():
    rng = np.random.default_rng(501)
    units = 3000
    gaps = 20 * np.exp(0.5 * rng.normal(size=(units, 31)) + 0.5 * rng.normal(size=(units, 1)))
    gaps[:, 20:] *= 2
    for known, low, high in ((20, 0.25, 0.6), (30, 0.08, 0.12)):
        day = np.concatenate([np.zeros((units, 1)), np.cumsum(gaps[:, :known], axis=1)], axis=1)
        usual = gap_quantiles(np.repeat(np.arange(units), known + 1), day.ravel())
        assert low < (gaps[:, known] > usual.p90).mean() < high


def test_groups_are_kept_apart_and_small_ones_borrow():
    unit, day, _ = hundred_units()
    quick, slow = np.exp(0.0), np.exp(1.5)
    both = gap_quantiles(
        np.r_[unit, unit + 100, [900, 901, 902]],
        np.r_[day * quick, day * slow, [0, 0, 0]],
        np.r_[np.repeat(["q", "s"], len(unit)), ["q", "s", "tiny"]],
    )
    p50 = {u: both.p50[both.units == u][0] for u in (900, 901, 902)}
    assert p50[901] / p50[900] == pytest.approx(slow / quick, rel=0.01)
    assert p50[900] < p50[902] < p50[901]


def test_the_group_of_a_unit_is_that_of_its_last_day():
    unit, day, _ = hundred_units()
    base = (np.r_[unit, unit + 100, 900, 900], np.r_[day, day * 5, 0, 1.0])
    groups = np.repeat(["q", "s"], len(unit))
    moved = gap_quantiles(*base, np.append(groups, ["q", "s"]))
    stayed = gap_quantiles(*base, np.append(groups, ["s", "s"]))
    assert moved.p50[moved.units == 900] == stayed.p50[stayed.units == 900]


def test_nothing_to_go_by():
    got = gap_quantiles([1, 2], [5, 9])
    assert np.isnan(got.p50).all() and np.isnan(got.p90).all()
    assert got.gaps.tolist() == [0, 0]
    empty = gap_quantiles([], [])
    assert len(empty.units) == 0
    test = gaps_longer([], [], 100, 50)
    assert len(test.units) == 0


def test_slowing_is_the_logrank_of_gaps_with_the_silence_censored():
    # Ten gaps of 10 days, then from day 100 on four of 25 and a silence of 60.
    day = days(*[10] * 10, *[25] * 4)
    got = gaps_longer([1] * 15, day, as_of=260, split=100)
    expected = logrank([10] * 10 + [25] * 4 + [60], [1] * 14 + [0], [False] * 10 + [True] * 5)
    assert got.z[0] == pytest.approx(expected.z)
    assert got.p_value[0] < 0.01
    assert (got.earlier[0], got.recent[0]) == (10, 4)


def test_silence_counts():
    # Three recent gaps as before, then nothing for 200 days: completed gaps alone would show no change at all.
    # One silence moves the test without deciding it alone, however long it is.
    regular = days(*[9, 11, 10, 12, 8, 10, 9, 11, 10, 10], *[10, 11, 9])
    quiet = gaps_longer([1] * 14, regular, as_of=330, split=100)
    on_time = gaps_longer([1] * 14, regular, as_of=135, split=100)
    assert on_time.z[0] == pytest.approx(0.0, abs=0.5)
    assert quiet.z[0] > on_time.z[0] + 0.5
    assert quiet.z[0] > gaps_longer([1] * 14, regular, as_of=136, split=100).z[0]


def test_too_few_gaps_are_not_tested():
    got = gaps_longer(np.r_[[1] * 5, [2] * 9], np.r_[days(10, 10, 10, 10), days(*[10] * 8)], as_of=90, split=40)
    assert np.isnan(got.p_value).tolist() == [True, False]
    since = gaps_longer([2] * 9, days(*[10] * 8), as_of=90, split=40, since=20)
    assert since.earlier[0] == 2 and np.isnan(since.p_value[0])


def test_days_after_the_end_are_refused():
    with pytest.raises(ValueError, match="as_of"):
        gaps_longer([1], [101], as_of=100, split=50)


def test_false_alarms_and_power():
    for mean_gap, shape in ((10.0, 1.0), (30.0, 4.0)):
        tested, size = slowing_rate(1, 1000, mean_gap, shape)
        assert tested > 0.9
        assert size < 0.075
    assert slowing_rate(2, 300, 10.0, 4.0, slower=1.5)[1] > 0.8
