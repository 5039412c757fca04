"""How often each unit comes back, when to expect it, and whether it is slowing down.

A unit's gaps are the days between its successive distinct days. With eight gaps or more the last twelve speak for
themselves; with fewer they are drawn towards the gaps of the unit's group, the more the fewer they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from audit.stats.survival import logrank_by_stratum

__all__ = ["LAST_GAPS", "LEAST_GAPS", "OWN_GAPS", "Cadence", "GapTest", "gap_quantiles", "gaps_longer"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# From this many gaps on a unit's own quantiles are used unshrunk.
OWN_GAPS = 8

# So many of the latest gaps make them: a unit that slowed down is held against its new rhythm ten gaps later.
LAST_GAPS = 12

# The group's spread counts as this many gaps when a unit's own few are blended with it.
_SPREAD_WORTH = 4.0

# With fewer repeated gaps than this the spread cannot be told: gaps of goods used up, with a coefficient of variation
# near one half (standard deviation of the log).
_LEAST_FREE = 10
_USUAL_SPREAD = 0.46

# Gaps on either side below which the normal approximation of the test for slowing errs.
LEAST_GAPS = 4

# A group with fewer gaps than this borrows everything from all units together.
_GROUP_GAPS = 30


@dataclass(frozen=True, slots=True)
class Cadence:
    """Usual gaps; one entry per unit that has any day, units ascending.

    ``gaps``: completed gaps; ``last``: the last day; ``p50``, ``p90``: the gap that half, nine tenths of
    the unit's next gaps do not exceed, in days — own quantiles of the last twelve from eight gaps on (``own``),
    otherwise shrunk towards the group; NaN where there is nothing to go by (no unit has any gap). ``group_p50``,
    ``group_p90``: what a unit of that group without any gaps gets.
    """

    units: NDArray[np.generic]
    gaps: Ints
    last: Floats
    p50: Floats
    p90: Floats
    own: Bools
    group_p50: Floats
    group_p90: Floats


@dataclass(frozen=True, slots=True)
class _Gaps:
    """Gaps of all units in one column, ordered by unit and time."""

    units: NDArray[np.generic]
    unit_of: Ints
    start: Floats
    length: Floats
    last: Floats


def _gaps(unit: ArrayLike, day: ArrayLike) -> _Gaps:
    """Return the gaps between successive distinct days of every unit."""
    labels, days = np.asarray(unit), np.asarray(day, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != days.shape or not np.isfinite(days).all():
        raise ValueError("unit and day must be vectors of one length, days finite numbers")
    ahead = labels[1:] > labels[:-1]
    if (ahead | ((labels[1:] == labels[:-1]) & (days[1:] >= days[:-1]))).all():  # in order, as a query gives them
        new = np.concatenate([np.ones(min(len(labels), 1), dtype=np.bool_), ahead])
        units, code = labels[new], np.cumsum(new) - 1
    else:
        units, code = np.unique(labels, return_inverse=True)
        order = np.lexsort((days, code))
        code, days = code[order].astype(np.int64), days[order]
    last_row = np.append(np.flatnonzero(np.diff(code)), len(code) - 1) if len(code) else np.zeros(0, dtype=np.int64)
    same = (np.diff(code) == 0) & (np.diff(days) > 0)
    return _Gaps(units, code[:-1][same], days[:-1][same], np.diff(days)[same], days[last_row])


@dataclass(frozen=True, slots=True)
class _Prior:
    """Log gaps in a group: mean and variance of the units' levels, variance within a unit, shape."""

    level: float
    between: float
    within: float
    middle: float  # standardised median of a unit's log gaps
    upper: float  # standardised 0.9 quantile


def _prior(n: Floats, mean: Floats, unit_of: Ints, logs: Floats) -> _Prior:
    """Estimate a group by the moments of a one-way random-effects model of log gaps.

    ``n``, ``mean``: gaps and mean log gap of its units (those with gaps only); ``unit_of``, ``logs``: every
    gap.
    """
    total, units = float(n.sum()), len(n)
    residual = logs - mean[unit_of]
    free = total - units
    within = float((residual**2).sum()) / free if free >= _LEAST_FREE else _USUAL_SPREAD**2
    grand = float((n * mean).sum()) / total
    between = 0.0
    if units > 1:
        mean_square = float((n * (mean - grand) ** 2).sum()) / (units - 1)
        size = (total - float((n**2).sum()) / total) / (units - 1)
        between = max(0.0, (mean_square - within) / size) if size > 0 else 0.0
    weight = 1.0 / (between + within / n) if between + within > 0 else n
    level = float((weight * mean).sum() / weight.sum())
    # Residuals of a unit with n gaps are short by √((n − 1)/n); units with one gap have none.
    repeated = n[unit_of] > 1
    middle, upper = 0.0, float(special.ndtri(0.9))
    if within > 0 and repeated.sum() >= _GROUP_GAPS:
        size_of = n[unit_of][repeated]
        standard = residual[repeated] / np.sqrt(within * (size_of - 1) / size_of)
        middle, upper = (float(q) for q in np.quantile(standard, [0.5, 0.9]))
    return _Prior(level, between, within, middle, upper)


def gap_quantiles(unit: ArrayLike, day: ArrayLike, group: ArrayLike | None = None, own_gaps: int = OWN_GAPS) -> Cadence:
    """Return each unit's median and 0.9 quantile of its gaps, shrunk to its group below ``own_gaps`` gaps.

    Grain: one row per unit and day (repeated days are one); ``day`` in days since any origin; ``group``:
    label per row, the same in all rows of a unit (if not, the one of its last day counts). Only completed
    gaps are used; the silence going on is compared with the result, not mixed into it.

    Shrinkage below eight gaps (empirical Bayes on log gaps, whose spread is about the same for quick and
    slow units): levels of units are normal with the group's mean m and variance τ², a unit's log gaps have
    variance σ² around its level, both estimated from the group's gaps. With n gaps of mean log l the level
    is w·l + (1 − w)·m, w = n ÷ (n + σ²/τ²); the unit's own variance joins σ² with n − 1 against four gaps'
    weight; p50 and p90 are the group's standardised quantiles at that level, p90 widened by what is not
    known of the level, so that about one gap in ten exceeds it whatever n is. A unit without gaps gets the
    group's. A group with fewer than 30 gaps takes the estimates of all units together.
    """
    gaps = _gaps(unit, day)
    units = len(gaps.units)
    n = np.bincount(gaps.unit_of, minlength=units).astype(np.float64)
    logs = np.log(gaps.length)
    mean = np.bincount(gaps.unit_of, weights=logs, minlength=units) / np.maximum(n, 1.0)
    squares = np.bincount(gaps.unit_of, weights=(logs - mean[gaps.unit_of]) ** 2, minlength=units)
    group_of = _group_of_units(unit, day, group, gaps.units)

    p50, p90, group_p50, group_p90 = (np.full(units, np.nan) for _ in range(4))
    if len(logs):
        everyone = _prior_of(np.ones(units, dtype=np.bool_), n, mean, gaps.unit_of, logs)
        for code in range(int(group_of.max()) + 1):
            mine = group_of == code
            enough = n[mine].sum() >= _GROUP_GAPS
            prior = _prior_of(mine, n, mean, gaps.unit_of, logs) if enough else everyone
            p50[mine], p90[mine] = _shrunk(prior, n[mine], mean[mine], squares[mine])
            zero = np.zeros(1)
            (group_p50[mine],), (group_p90[mine],) = ((q[0],) for q in _shrunk(prior, zero, zero, zero))
    own = n >= own_gaps
    if own.any():
        p50[own], p90[own] = (_own_quantile(gaps, n, q)[own] for q in (0.5, 0.9))
    return Cadence(gaps.units, n.astype(np.int64), gaps.last, p50, p90, own, group_p50, group_p90)


def _group_of_units(unit: ArrayLike, day: ArrayLike, group: ArrayLike | None, units: NDArray[np.generic]) -> Ints:
    """Return the group number of every unit: that of its last day, the greatest label on a tie."""
    if group is None or len(units) == 0:
        return np.zeros(len(units), dtype=np.int64)
    _, code = np.unique(np.asarray(group), return_inverse=True)
    position = np.searchsorted(units, np.asarray(unit))
    if code.shape != position.shape:
        raise ValueError("one group label per row is needed")
    out = np.zeros(len(units), dtype=np.int64)
    order = np.lexsort((code, np.asarray(day, dtype=np.float64)))
    out[position[order]] = code[order]
    return out


def _prior_of(mine: Bools, n: Floats, mean: Floats, unit_of: Ints, logs: Floats) -> _Prior:
    """Return the prior of the units ``mine`` (those of them that have gaps)."""
    used = mine & (n > 0)
    number = np.cumsum(used) - 1
    rows = used[unit_of]
    return _prior(n[used], mean[used], number[unit_of[rows]], logs[rows])


def _shrunk(prior: _Prior, n: Floats, mean: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Return shrunk p50 and p90 of units with n gaps of given mean and sum of squares of logs."""
    # Units that keep perfect time have no spread: one gap tells it all, and 0 ÷ 0 must not.
    w = np.divide(n * prior.between, n * prior.between + prior.within, out=(n > 0) * 1.0, where=prior.within > 0)
    level = w * mean + (1 - w) * prior.level
    own_weight = np.maximum(n - 1, 0.0)
    spread = (_SPREAD_WORTH * prior.within + squares) / (_SPREAD_WORTH + own_weight)
    unknown = (1 - w) * prior.between + 0.0 * n
    middle = np.exp(level + prior.middle * np.sqrt(spread))
    upper = np.exp(level + prior.upper * np.sqrt(spread + unknown))
    return middle, np.maximum(upper, middle)


def _own_quantile(gaps: _Gaps, n: Floats, q: float) -> Floats:
    """Return the quantile of every unit's last gaps that its next gap exceeds with chance 1 − q; NaN without.

    The value at position q·(n + 1) of the n sorted gaps, interpolated, at most the largest. The usual
    position 1 + q·(n − 1) is exceeded by 17 instead of 10 next gaps in a hundred with ten gaps known.
    """
    ends = np.cumsum(n).astype(np.int64)
    recent = ends[gaps.unit_of] - np.arange(len(gaps.unit_of)) <= LAST_GAPS
    count = np.minimum(n, LAST_GAPS)
    unit, length = gaps.unit_of[recent], gaps.length[recent]
    length = length[np.lexsort((length, unit))]
    start = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)
    place = np.clip(q * (count + 1) - 1, 0.0, np.maximum(count - 1, 0.0))
    low = np.floor(place).astype(np.int64)
    high = np.ceil(place).astype(np.int64)
    at = np.where(n > 0, start, 0)
    a, b = length[at + low], length[at + high]
    return np.where(n > 0, a + (b - a) * (place - low), np.nan)


@dataclass(frozen=True, slots=True)
class GapTest:
    """Whether recent gaps are longer than earlier ones; one entry per unit, ascending.

    ``p_value``: one-sided, small when recent gaps are longer; NaN where there are too few. ``z``: positive
    when longer. ``earlier``, ``recent``: completed gaps that began before, in or after the splitting day.
    """

    units: NDArray[np.generic]
    p_value: Floats
    z: Floats
    earlier: Ints
    recent: Ints


def gaps_longer(
    unit: ArrayLike, day: ArrayLike, as_of: float, split: float, since: float | None = None, minimum: int = LEAST_GAPS
) -> GapTest:
    """Test for every unit whether the gaps that began on or after ``split`` are longer than those before.

    Grain: one row per unit and day, none after ``as_of``; ``since``: earliest day whose gaps count. The
    test is a log-rank test of gap lengths with the silence going on until ``as_of`` as a censored gap: a
    rank test of completed gaps alone would not see that the unit has stopped coming, and would take the
    recent gaps for short, as only short ones have had time to end. A gap belongs to the period in which it
    began. Untested (NaN) with fewer than ``minimum`` earlier completed gaps, or fewer than ``minimum``
    recent gaps including the silence: the normal approximation errs below that.
    """
    gaps = _gaps(unit, day)
    if len(gaps.last) and gaps.last.max() > as_of:
        raise ValueError("no day may lie after as_of")
    units = len(gaps.units)
    code = np.concatenate([gaps.unit_of, np.arange(units)])
    start = np.concatenate([gaps.start, gaps.last])
    length = np.concatenate([gaps.length, as_of - gaps.last])
    done = np.concatenate([np.ones(len(gaps.length), dtype=np.bool_), np.zeros(units, dtype=np.bool_)])
    counted = start >= (-np.inf if since is None else since)
    code, start, length, done = code[counted], start[counted], length[counted], done[counted]
    late = start >= split
    earlier = np.bincount(code[done & ~late], minlength=units)
    recent = np.bincount(code[done & late], minlength=units)
    seen = np.bincount(code[late], minlength=units)
    enough = (earlier >= minimum) & (seen >= minimum)
    z = np.full(units, np.nan)
    if enough.any():
        rows = enough[code]
        number = np.cumsum(enough) - 1
        # Recent gaps ending sooner is the opposite of slowing down.
        z[enough] = -logrank_by_stratum(length[rows], done[rows], late[rows], number[code[rows]], int(enough.sum()))
    p = np.where(np.isnan(z), np.nan, special.ndtr(-np.where(np.isnan(z), 0.0, z)))
    return GapTest(gaps.units, p, z, earlier.astype(np.int64), recent.astype(np.int64))
