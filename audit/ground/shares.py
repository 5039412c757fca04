"""Shares of sums over clients, each with its interval and without the client that makes up too much of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.stats.intervals import Estimate, dominant_unit

__all__ = ["Measure", "Share", "share_of"]

Measure = Callable[[NDArray[np.float64], NDArray[np.float64]], Estimate]
"""Σ top ÷ Σ bottom over clients with its interval: `audit.stats.shares.weighted_share` of amounts, `clustered_share` of
orders, `audit.stats.intervals.bootstrap_ratio` of what may exceed one."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its interval, and the same without the client that dominates it.

    ``dominant_share`` is that client's part of the figure; ``without`` is None when no client passes the limit.
    ``dominant`` is its position in the input.
    """

    whole: Estimate
    dominant: int | None
    dominant_share: float
    without: Estimate | None


def share_of(top: ArrayLike, bottom: ArrayLike, measure: Measure, dominant_limit: float) -> Share:
    """Return Σ top ÷ Σ bottom over clients by the measure, and the same without a client beyond the limit.

    Grain: one entry per client, the same clients in both columns. Clients without either count for nothing.
    """
    above, below = np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64)
    there = (above != 0) | (below != 0)
    dom = dominant_unit(above, below, dominant_limit)
    without = None
    if dom.index is not None:
        rest = there & (np.arange(len(above)) != dom.index)
        without = measure(above[rest], below[rest])
    return Share(measure(above[there], below[there]), dom.index, dom.share, without)
