"""Comparing units of different size fairly: a funnel of what chance allows around the common rate.

A raw league table of small and large units always ranks small ones first and last. Here every unit is held
against the limits that a unit of its own size would keep to by chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = ["INNER", "OUTER", "Funnel", "Outliers", "funnel", "funnel_limits", "outliers"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INNER = 0.95
OUTER = 0.998


def funnel_limits(n: ArrayLike, rate: float, level: float = INNER) -> tuple[Floats, Floats]:
    """Return the lowest and highest share that chance allows a unit of n cases around ``rate``.

    Exact binomial: a unit whose share lies below the first or above the second (not on it) has a tail
    probability under (1 − level) ÷ 2, so at most that many units lie there by chance on each side. n = 0: 0
    and 1. The limits are shares of whole counts and therefore step with n.
    """
    if not 0 <= rate <= 1 or not 0 < level < 1:
        raise ValueError("rate and level must lie between 0 and 1")
    size = np.asarray(n, dtype=np.float64)
    tail = (1 - level) / 2
    safe = np.maximum(size, 1.0)
    # An unguarded quantile of a certain event is −1.
    low = np.maximum(stats.binom.ppf(tail, safe, rate), 0.0) / safe
    high = np.maximum(stats.binom.ppf(1 - tail, safe, rate), 0.0) / safe
    return np.where(size > 0, low, 0.0), np.where(size > 0, high, 1.0)


@dataclass(frozen=True, slots=True)
class Funnel:
    """Units against the common rate; one entry per unit, in the order given.

    ``share``: k ÷ n (NaN without cases); ``position``: 0 inside the inner (95 %) limits, ±1 outside them,
    ±2 outside the outer (99.8 %) ones, positive above; ``p_value``: two-sided exact tail probability (twice
    the smaller tail, at most 1). ``dispersion``: mean squared standardised distance from the rate, about 1
    if the units differ by chance only, NaN with fewer than two units; ``overdispersed``: whether it exceeds
    what chance gives in 95 of 100 cases — units then differ as a rule (other cases, other place) and
    being outside says less about any one of them.
    """

    rate: float
    share: Floats
    inner_low: Floats
    inner_high: Floats
    outer_low: Floats
    outer_high: Floats
    position: Ints
    p_value: Floats
    dispersion: float
    overdispersed: bool


def funnel(k: ArrayLike, n: ArrayLike, rate: float | None = None) -> Funnel | None:
    """Place every unit in a funnel with exact binomial limits around the overall rate; None without cases.

    Grain: one entry per unit; ``k`` cases with the outcome among ``n``. ``rate``: the centre, by default Σk
    ÷ Σn.
    Source: D. J. Spiegelhalter, Statistics in Medicine 24, 2005.
    """
    hits, size = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if hits.ndim != 1 or hits.shape != size.shape or not ((hits >= 0) & (hits <= size)).all():
        raise ValueError("k and n must be vectors of one length with 0 ≤ k ≤ n")
    if size.sum() == 0:
        return None
    centre = float(hits.sum() / size.sum()) if rate is None else float(rate)
    share = np.divide(hits, size, out=np.full(len(size), np.nan), where=size > 0)
    inner, outer = funnel_limits(size, centre, INNER), funnel_limits(size, centre, OUTER)

    def outside(limits: tuple[Floats, Floats]) -> Ints:
        # Counts are compared, not shares: k/n against limit/n must not hang on the last bit.
        low, high = np.rint(limits[0] * size), np.rint(limits[1] * size)
        return (hits > high).astype(np.int64) - (hits < low).astype(np.int64)

    below, above = stats.binom.cdf(hits, size, centre), stats.binom.sf(hits - 1, size, centre)
    p = np.where(size > 0, np.minimum(1.0, 2 * np.minimum(below, above)), np.nan)
    dispersion, many = np.nan, False
    used = size > 0
    spread = centre * (1 - centre)
    if used.sum() > 1 and spread > 0:
        squares = float(((share[used] - centre) ** 2 * size[used] / spread).sum())
        df = int(used.sum()) - (1 if rate is None else 0)
        dispersion, many = squares / df, bool(squares > stats.chi2.ppf(0.95, df))
    return Funnel(
        rate=centre,
        share=share,
        inner_low=inner[0],
        inner_high=inner[1],
        outer_low=outer[0],
        outer_high=outer[1],
        position=outside(inner) + outside(outer),
        p_value=p,
        dispersion=dispersion,
        overdispersed=many,
    )


LEAST_SPREAD = 0.05
"""How much units differ at least on the scale of the arcsine: five points of share around one half."""
MOST_FREE = 18.0


@dataclass(frozen=True, slots=True)
class Outliers:
    """Units held against the others; one entry per unit, in the order given, NaN where a unit has no cases.

    ``expected``: the share that the others let expect; ``z``: distance from it, positive above; ``p_value``: one-sided,
    small for units above; ``q_value``: the same after allowing for the number of units looked at (false discovery rate).
    ``centre``, ``spread``: common level and between-unit standard deviation of all units on the arcsine scale.
    """

    share: Floats
    expected: Floats
    z: Floats
    p_value: Floats
    q_value: Floats
    centre: float
    spread: float

    def limit(self, n: ArrayLike, level: float = INNER) -> tuple[Floats, Floats]:
        """Return the lowest and highest share that a unit of n cases reaches in ``level`` of all cases by chance."""
        size = np.asarray(n, dtype=np.float64)
        free = min(2.0 * int(np.isfinite(self.share).sum()), MOST_FREE)
        half = stats.t.ppf(0.5 + level / 2, free) * np.sqrt(self.spread**2 + 1 / (4 * size + 2))
        low, high = (np.clip(self.centre + sign * half, 0.0, np.pi / 2) for sign in (-1, 1))
        return np.sin(low) ** 2, np.sin(high) ** 2


def outliers(k: ArrayLike, n: ArrayLike, expected: ArrayLike | None = None) -> Outliers:
    """Hold every unit's share against that of the others, units differing among themselves as a rule.

    Grain: one entry per unit, ``k`` with the outcome among ``n`` cases; ``expected``: the number that the mix of its cases
    lets expect (none: the common share), so that nobody is blamed for the cases given. Shares are compared as arcsines
    of their roots, whose variance 1 ÷ (4n + 2) does not hang on the share. Level and spread of the others are those of
    a random-effects model without the unit itself (DerSimonian and Laird's moments, at least `LEAST_SPREAD`), so that
    one bad unit neither moves the level it is held against nor hides in a spread of its own making. p-values are those
    of t with twice the number of units as degrees of freedom, at most 18, since the spread is estimated; q-values are
    Benjamini and Hochberg's. Fewer than three units with cases: no p-values.
    Source: D. J. Spiegelhalter, Statistics in Medicine 24, 2005 (funnel with random effects); R. DerSimonian, N. Laird,
    Controlled Clinical Trials 7, 1986; Y. Benjamini, Y. Hochberg, JRSS B 57, 1995.
    """
    hits, size = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if hits.ndim != 1 or hits.shape != size.shape or not ((hits >= 0) & (hits <= size)).all():
        raise ValueError("k and n must be vectors of one length with 0 ≤ k ≤ n")
    used = size > 0
    units = int(used.sum())
    share, mean, z, p, q = (np.full(len(size), np.nan) for _ in range(5))
    share[used] = hits[used] / size[used]
    y, variance = _arcsine(hits[used], size[used]), 1 / (4 * size[used] + 2)
    if expected is not None:
        due = np.asarray(expected, dtype=np.float64)[used]
        y = y - _arcsine(due, size[used]) + _arcsine(np.array([due.sum()]), np.array([size[used].sum()]))
    everyone = _random_effects(y, variance) if units else (np.nan, np.nan, np.nan)
    if units > 2:
        rest = [_random_effects(np.delete(y, i), np.delete(variance, i)) for i in range(units)]
        level, spread, error = (np.array(x) for x in zip(*rest, strict=True))
        z[used] = (y - level) / np.sqrt(variance + spread**2 + error)
        p[used] = stats.t.sf(z[used], min(2.0 * units, MOST_FREE))
        q[used] = stats.false_discovery_control(p[used])
        mean[used] = np.sin(np.clip(level, 0.0, np.pi / 2)) ** 2
    return Outliers(share, mean, z, p, q, everyone[0], everyone[1])


def _arcsine(k: Floats, n: Floats) -> Floats:
    """Return the arcsine of the root of a share, steadied at its ends (F. J. Anscombe, Biometrika 35, 1948)."""
    return np.arcsin(np.sqrt((k + 3 / 8) / (n + 3 / 4)))


def _random_effects(y: Floats, variance: Floats) -> tuple[float, float, float]:
    """Return level, spread between units and variance of the level, by DerSimonian and Laird's moments."""
    w = 1 / variance
    fixed = float((w * y).sum() / w.sum())
    room = float(w.sum() - (w**2).sum() / w.sum())
    excess = float((w * (y - fixed) ** 2).sum()) - (len(y) - 1)
    spread = max(LEAST_SPREAD, np.sqrt(max(0.0, excess / room)) if room > 0 else 0.0)
    w = 1 / (variance + spread**2)
    return float((w * y).sum() / w.sum()), float(spread), float(1 / w.sum())
