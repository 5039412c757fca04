"""How sure we are of a figure: Wilson, t and resampling intervals, and figures that hang on one unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from audit.stats.resample import DRAWS, SEED, canonical_order, effective_units, percentile_interval, resampled_totals

__all__ = [
    "Dominance",
    "Estimate",
    "Reason",
    "bootstrap_ratio",
    "clopper_pearson",
    "dominant_unit",
    "mean_t",
    "proportion",
    "ratio_t",
    "wilson",
    "wilson_bounds",
]

Floats = NDArray[np.float64]

Reason = Literal[
    "no_units",  # nothing to compute from
    "too_few_units",  # a value, but no interval: one unit, or samples without a denominator
    "zero_denominator",  # the figure divides by nothing
    "not_positive",  # a growth rate of a figure that is zero or negative
    "beyond_follow_up",  # nobody was observed as long as the horizon asks
    "too_few_months",  # the calendar is too short for the comparison
    "not_converged",  # the model could not be fitted
]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval.

    ``value`` is None when it cannot be had, ``low`` and ``high`` when it cannot be bounded; ``reason`` then
    says why. ``n`` counts the independent units behind it.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    level: float = 0.95
    reason: Reason | None = None

    @property
    def half_width(self) -> float | None:
        """Half the length of the interval; None without one."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    def map(self, function: Callable[[float], float]) -> Estimate:
        """Return the estimate on another scale; a falling ``function`` swaps the limits."""
        value = None if self.value is None else function(self.value)
        if self.low is None or self.high is None:
            return Estimate(value, None, None, self.n, self.level, self.reason)
        low, high = sorted((function(self.low), function(self.high)))
        return Estimate(value, low, high, self.n, self.level, self.reason)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")


def wilson_bounds(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the Wilson limits of k successes among n trials, element by element.

    ``k``, ``n``: counts, 0 ≤ k ≤ n, broadcast against each other. No trials: the limits are 0 and 1.
    Source: E. B. Wilson, JASA 22, 1927.
    """
    _check_level(level)
    successes, trials = np.broadcast_arrays(np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64))
    if not ((successes >= 0) & (successes <= trials)).all():
        raise ValueError("successes must lie between 0 and the number of trials")
    z = float(special.ndtri(0.5 + level / 2))
    safe = np.maximum(trials, 1.0)
    p = successes / safe
    centre = (p + z * z / (2 * safe)) / (1 + z * z / safe)
    half = z / (1 + z * z / safe) * np.sqrt(p * (1 - p) / safe + z * z / (4 * safe * safe))
    # At the edges the formula gives 1e-17 instead of the exact 0 or 1.
    low = np.where(successes == 0, 0.0, centre - half)
    high = np.where(successes == trials, 1.0, centre + half)
    return low, high


def wilson(k: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Return the Wilson limits of one proportion; (0, 1) without trials."""
    low, high = wilson_bounds(k, n, level)
    return float(low), float(high)


def proportion(k: float, n: float, level: float = 0.95) -> Estimate:
    """Return the share k ÷ n with its Wilson interval; no trials: no value."""
    if n == 0:
        return Estimate(None, None, None, 0, level, "no_units")
    low, high = wilson(k, n, level)
    return Estimate(k / n, low, high, int(n), level)


def clopper_pearson(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact binomial limits of one proportion (never too narrow); (0, 1) without trials."""
    _check_level(level)
    if not 0 <= k <= n:
        raise ValueError("successes must lie between 0 and the number of trials")
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else float(special.betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(special.betaincinv(k + 1, n - k, 1 - tail))
    return low, high


def mean_t(values: ArrayLike, level: float = 0.95, bounds: tuple[float, float] | None = None) -> Estimate:
    """Return the mean of few independent observations (days of a diary) with its t-interval.

    ``values``: one number per sampling unit, every unit counting the same; when long days should count for
    more, use `ratio_t`, which describes ``bounds``. One observation: a value without an interval.
    """
    x = np.asarray(values, dtype=np.float64)
    return ratio_t(x, np.ones_like(x), level, bounds)


def ratio_t(
    numerator: ArrayLike, denominator: ArrayLike, level: float = 0.95, bounds: tuple[float, float] | None = None
) -> Estimate:
    """Return Σ numerator ÷ Σ denominator over few sampling units (hours on a task ÷ all hours), t-interval.

    The spread is that of the residuals numerator − ratio × denominator between the units (linearisation),
    with n − 1 degrees of freedom; with equal denominators it is the t-interval of the mean. ``bounds`` are
    the values that are possible, e.g. (0, 1) for a share: the limits are cut to them, and if every unit
    sits on one of them (three days without the task do not prove that it never happens) the exact binomial
    limit for n units takes the place of a t-interval of width zero. One unit: no interval.
    """
    _check_level(level)
    x, y = _pairs(numerator, denominator)
    n = len(x)
    if n == 0:
        return Estimate(None, None, None, 0, level, "no_units")
    total = float(y.sum())
    if total <= 0:
        return Estimate(None, None, None, n, level, "zero_denominator")
    value = float(x.sum()) / total
    if n == 1:
        return Estimate(value, None, None, 1, level, "too_few_units")
    residual = x - value * y
    error = np.sqrt(n / (n - 1) * float((residual**2).sum())) / total
    half = float(special.stdtrit(n - 1, 0.5 + level / 2)) * float(error)
    low, high = value - half, value + half
    if bounds is not None:
        least, most = bounds
        if error == 0 and value in bounds:
            low, high = (least + (most - least) * x for x in clopper_pearson(n if value == most else 0, n, level))
        low, high = max(low, least), min(high, most)
    return Estimate(value, low, high, n, level)


def _pairs(numerator: ArrayLike, denominator: ArrayLike) -> tuple[Floats, Floats]:
    """Return both columns in the canonical order of the units, checked."""
    x = np.asarray(numerator, dtype=np.float64)
    y = np.asarray(denominator, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError("numerator and denominator must be vectors of one length")
    both = np.column_stack([x, y])
    order = canonical_order(both)
    return both[order, 0], both[order, 1]


def bootstrap_ratio(
    numerator: ArrayLike, denominator: ArrayLike, draws: int = DRAWS, seed: int = SEED, level: float = 0.95
) -> Estimate:
    """Return Σ numerator ÷ Σ denominator over units with the interval from resampling units.

    Grain: one entry per unit (both columns of a unit travel together). Equals `bootstrap_units` with that
    statistic, draw by draw, at a fraction of its time; the interval is widened where few units pull hard (see
    `audit.stats.resample.effective_units`). The denominator may hold zeros; if its sum is zero or negative
    there is no value, and if that happens in more than 5 % of the draws there is no interval.
    Where the figure is a share (0 ≤ numerator ≤ denominator in every unit) and none or all of it is there,
    resampling sees no spread: the limits are then Wilson's for as many equal units as the denominators are
    worth (Kish), not a false certainty.
    """
    _check_level(level)
    x, y = _pairs(numerator, denominator)
    n = len(x)
    if n == 0:
        return Estimate(None, None, None, 0, level, "no_units")
    if y.sum() <= 0:
        return Estimate(None, None, None, n, level, "zero_denominator")
    totals = resampled_totals(np.column_stack([x, y]), draws, seed)
    usable = totals[:, 1] > 0
    drawn = np.divide(totals[:, 0], totals[:, 1], out=np.full(draws, np.nan), where=usable)
    value = float(x.sum() / y.sum())
    if n > 1 and value in (0.0, 1.0) and (x >= 0).all() and (x <= y).all():
        worth = float(y.sum() ** 2 / (y**2).sum())
        low, high = wilson(value * worth, worth, level)
        return Estimate(value, low, high, n, level)
    return _with_interval(value, drawn, n, effective_units(x - value * y), level)


def _with_interval(value: float, drawn: Floats, n: int, worth: float, level: float) -> Estimate:
    """Join a value with the percentile interval of its resampled copies."""
    interval = percentile_interval(drawn, worth, level)
    if interval is None:
        return Estimate(value, None, None, n, level, "too_few_units")
    return Estimate(value, interval[0], interval[1], n, level)


@dataclass(frozen=True, slots=True)
class Dominance:
    """Whether one unit makes up too much of a figure.

    ``index``: position of that unit in the input, None if no unit exceeds the limit. ``share``: the largest
    share that any unit has in the numerator or the denominator. ``figure`` and ``without``: the figure with
    all units and without that one (equal to the figure if there is none); None where the denominator is
    gone.
    """

    index: int | None
    share: float
    figure: float | None
    without: float | None


def dominant_unit(numerator: ArrayLike, denominator: ArrayLike | None = None, limit: float = 0.2) -> Dominance:
    """Tell whether one unit makes up more than ``limit`` of a figure, and what the figure is without it.

    The figure is Σ numerator, or Σ numerator ÷ Σ denominator. A unit's share is taken of the sum of
    absolute values, in the numerator or the denominator, whichever is larger. When several units exceed the
    limit, the one whose absence moves the figure most is meant. Rows with NaN are the caller's mistake.
    """
    x = np.asarray(numerator, dtype=np.float64)
    y = None if denominator is None else np.asarray(denominator, dtype=np.float64)
    if x.ndim != 1 or (y is not None and y.shape != x.shape):
        raise ValueError("numerator and denominator must be vectors of one length")
    if not np.isfinite(x).all() or (y is not None and not np.isfinite(y).all()):
        raise ValueError("values must be finite")

    order = canonical_order(x if y is None else np.column_stack([x, y]))

    def figure(left_out: int | None) -> float | None:
        keep = order if left_out is None else order[order != left_out]
        above = float(x[keep].sum())
        if y is None:
            return above
        below = float(y[keep].sum())
        return above / below if below > 0 else None

    share = np.zeros(len(x))
    for column in (x,) if y is None else (x, y):
        size = float(np.abs(column[order]).sum())
        if size > 0:
            share = np.maximum(share, np.abs(column) / size)
    whole = figure(None)
    largest = float(share.max()) if len(share) else 0.0
    candidates = np.flatnonzero(share > limit)
    if candidates.size == 0:
        return Dominance(None, largest, whole, whole)

    def moved(index: int) -> float:
        rest = figure(index)
        return np.inf if rest is None or whole is None else abs(rest - whole)

    chosen = max((int(i) for i in candidates), key=moved)
    return Dominance(chosen, float(share[chosen]), whole, figure(chosen))
