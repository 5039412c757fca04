"""Comparing units of different size fairly: a funnel of what chance allows around the common rate.

A raw league table of small and large units always ranks small ones first and last. Here every unit is held
against the limits that a unit of its own size would keep to by chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = ["INNER", "OUTER", "Funnel", "funnel", "funnel_limits"]

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
