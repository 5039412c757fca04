"""Comparing units of different size fairly: each against what the others and chance let expect.

A raw league table of small and large units always ranks small ones first and last. Here every unit is held
against the spread of the others, and against the limits that a unit of its own size would keep to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = ["Outliers", "limits_of_size", "outliers"]

Floats = NDArray[np.float64]

LEAST_UNITS = 3
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


def limits_of_size(n: ArrayLike, centre: float, spread: float, units: int, level: float) -> tuple[Floats, Floats]:
    """Return the lowest and highest share that a unit of n cases reaches in ``level`` of all cases by chance.

    ``centre``, ``spread``: of the ``units`` on the arcsine scale, as in `Outliers`.
    """
    size = np.asarray(n, dtype=np.float64)
    half = special.stdtrit(min(2.0 * units, MOST_FREE), 0.5 + level / 2) * np.sqrt(spread**2 + 1 / (4 * size + 2))
    low, high = (np.clip(centre + sign * half, 0.0, np.pi / 2) for sign in (-1, 1))
    return np.sin(low) ** 2, np.sin(high) ** 2


def outliers(k: ArrayLike, n: ArrayLike, expected: ArrayLike | None = None) -> Outliers:
    """Hold every unit's share against that of the others, units differing among themselves as a rule.

    Grain: one entry per unit, ``k`` with the outcome among ``n`` cases; ``expected``: the number that the mix of its cases
    lets expect (none: the common share), so that nobody is blamed for the cases given. Shares are compared as arcsines
    of their roots, whose variance 1 ÷ (4n + 2) does not hang on the share. Level and spread of the others are those of
    a random-effects model without the unit itself (DerSimonian and Laird's moments, at least `LEAST_SPREAD`), so that
    one bad unit neither moves the level it is held against nor hides in a spread of its own making. p-values are those
    of t with twice the number of units as degrees of freedom, at most 18, since the spread is estimated; q-values are
    Benjamini and Hochberg's. Fewer than `LEAST_UNITS` units with cases: no p-values.
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
    if units >= LEAST_UNITS:
        rest = [_random_effects(np.delete(y, i), np.delete(variance, i)) for i in range(units)]
        level, spread, error = (np.array(x) for x in zip(*rest, strict=True))
        z[used] = (y - level) / np.sqrt(variance + spread**2 + error)
        p[used] = special.stdtr(min(2.0 * units, MOST_FREE), -z[used])
        q[used] = _false_discovery(p[used])
        mean[used] = np.sin(np.clip(level, 0.0, np.pi / 2)) ** 2
    return Outliers(share, mean, z, p, q, everyone[0], everyone[1])


def _false_discovery(p: Floats) -> Floats:
    """Return Benjamini and Hochberg's q-values. (``scipy.stats`` has them too, and takes half a second to import.)"""
    order = np.argsort(p)[::-1]
    scaled = p[order] * len(p) / np.arange(len(p), 0, -1)
    q = np.empty(len(p))
    q[order] = np.clip(np.minimum.accumulate(scaled), 0.0, 1.0)
    return q


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
