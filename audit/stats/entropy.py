"""How many things a mixture really consists of: Shannon entropy and effective numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["effective_number", "hill_number", "shannon"]

Floats = NDArray[np.float64]


def _shares(amounts: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """Return shares along the last axis, and which rows have any."""
    x = np.asarray(amounts, dtype=np.float64)
    if x.ndim == 0 or not np.isfinite(x).all() or (x < 0).any():
        raise ValueError("amounts must be finite and not negative")
    total = x.sum(axis=-1, keepdims=True)
    return np.divide(x, total, out=np.zeros(x.shape), where=total > 0), total[..., 0] > 0


def shannon(amounts: ArrayLike) -> Floats:
    """Return the Shannon entropy (natural log) of amounts along the last axis; NaN where all are zero."""
    p, known = _shares(amounts)
    terms = p * np.log(np.where(p > 0, p, 1.0))
    return np.where(known, np.abs(terms.sum(axis=-1)), np.nan)


def hill_number(amounts: ArrayLike, q: float) -> Floats:
    """Return the effective number of parts of order q along the last axis; NaN where all amounts are zero.

    q = 0 counts the parts that are not zero; q = 1 is the exponential of Shannon's entropy; q = 2 is one
    over the sum of squared shares (the inverse of the concentration index). Four equal parts give 4 for
    every q; the larger q, the less small parts count. Source: M. O. Hill, Ecology 54, 1973.
    """
    if q < 0:
        raise ValueError("q must not be negative")
    if q == 1:
        return np.asarray(np.exp(shannon(amounts)))
    p, known = _shares(amounts)
    sums = np.where(p > 0, p, 1.0) ** q * (p > 0)
    total = np.where(known, sums.sum(axis=-1), 1.0)
    return np.where(known, total ** (1.0 / (1.0 - q)), np.nan)


def effective_number(amounts: ArrayLike) -> Floats:
    """Return exp(Shannon entropy) along the last axis: of how many equal parts the mixture is worth."""
    return hill_number(amounts, 1)
