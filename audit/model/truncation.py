"""Who is new, when the records begin in the middle: how long to wait before the first act seen is taken for the first.

A unit with long gaps may have acted before the records began and be seen for the first time long after. The
longer the wait (the burn-in), the fewer such units pass for new, and the fewer new ones are left.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["burn_in", "contamination"]

Floats = NDArray[np.float64]


def contamination(gaps: ArrayLike, first_seen: ArrayLike, window: float, wait: float) -> float:
    """Return which share of the units first seen after the wait are probably old ones; NaN if none is.

    ``gaps``: every completed gap between acts inside the window, in days; ``first_seen``: one entry per unit, days from
    the start of the window to its first act; ``window``: its length W. A gap of length g is seen whole in W − g of its
    W possible places, and lies over the start with more than ``wait`` days to go in g − wait of them; so each gap
    completed stands for (g − wait) ÷ (W − g) gaps over the start. The divisor is at least W ÷ 4: a gap nearly as long as
    the window is seen by luck, and would count for too many. In a window shorter than ten usual gaps the longest gaps
    are never seen whole, and the result is too low.
    Source: the forward recurrence time of a renewal process, D. R. Cox, Renewal Theory, 1962, chapter 5; the limit of
    the divisor is the kit's own.
    """
    g, first = np.asarray(gaps, dtype=np.float64), np.asarray(first_seen, dtype=np.float64)
    new = int((first >= wait).sum())
    if new == 0:
        return float("nan")
    long = g[g > wait]
    old = (np.minimum(long, window) - wait) / np.maximum(window - long, window / 4)
    return float(old.sum()) / new


def burn_in(
    gaps: ArrayLike,
    first_seen: ArrayLike,
    window: int,
    *,
    least: int = 180,
    step: int = 30,
    most_share: float = 0.5,
    allowed: float = 0.03,
) -> int:
    """Return the shortest wait (days) after which at most ``allowed`` of the units first seen are probably old.

    Tried: ``least`` days, then more by ``step``, up to ``most_share`` of the window, which is returned if none will do.
    See `contamination` for the columns.
    """
    g, first = np.asarray(gaps, dtype=np.float64), np.asarray(first_seen, dtype=np.float64)
    most = int(window * most_share)
    for wait in range(least, most, step):
        if contamination(g, first, window, wait) <= allowed:
            return wait
    return most
