"""How much a unit brings on average by a given time after its start, when many have not been watched that long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from audit.stats.resample import DRAWS, SEED, canonical_order, poisson_weights

__all__ = ["MeanCumulative", "mean_cumulative"]

Floats = NDArray[np.float64]

_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class MeanCumulative:
    """The mean amount per unit by the horizon; ``value`` None if nobody was watched that long.

    ``draws``: the same in resampled copies of the units, NaN in a copy without anybody watched; ``n`` units.
    """

    value: float | None
    draws: Floats
    n: int


def mean_cumulative(
    unit: ArrayLike,
    time: ArrayLike,
    amount: ArrayLike,
    watched: ArrayLike,
    horizon: int,
    draws: int = DRAWS,
    seed: int = SEED,
) -> MeanCumulative:
    """Return the mean cumulative function of an amount at ``horizon`` whole days after each unit's own start.

    ``unit`` (0 … n − 1), ``time`` (whole days since the unit's start, the start itself is 0), ``amount``: one row per
    act, acts at or after the horizon are left out; ``watched``: one entry per unit, days for which it was seen, the day
    of the start included. The sum over days of what that day brought ÷ units watched on that day, so that
    every unit counts as long as it was seen, and those seen briefly are neither dropped nor taken for poor.
    Copies draw units with all their acts.
    Source: W. Nelson, Journal of Quality Technology 20, 1988; J. F. Lawless, C. Nadeau, Technometrics 37, 1995.
    """
    who, when = np.asarray(unit, dtype=np.int64), np.asarray(time, dtype=np.int64)
    value, follow = np.asarray(amount, dtype=np.float64), np.asarray(watched, dtype=np.int64)
    if (follow < 1).any() or (when < 0).any() or (len(who) and (when >= follow[who]).any()):
        raise ValueError("acts lie in the days for which their unit was watched")
    n = len(follow)
    inside = when < horizon
    who, when, value = who[inside], when[inside], value[inside]
    rank = np.empty(n, dtype=np.int64)
    rank[canonical_order(np.column_stack([follow, np.bincount(who, weights=value, minlength=n)]))] = np.arange(n)
    table, long = csr_array((value, (rank[who], when)), shape=(n, horizon)), np.empty(n, dtype=np.int64)
    long[rank] = follow
    rng = np.random.default_rng(seed)
    sums, brought, there = np.zeros((2, horizon)), np.zeros((draws, horizon)), np.zeros((draws, horizon))
    block = max(1, _CELLS // draws)
    for start in range(0, n, block):
        acts = table[start : start + block].toarray()
        seen = (np.arange(horizon) < long[start : start + block, None]).astype(np.float64)
        weights = poisson_weights(rng, (draws, len(acts)))
        sums += [acts.sum(axis=0), seen.sum(axis=0)]
        brought += weights @ acts
        there += weights @ seen

    def total(above: Floats, below: Floats) -> Floats:
        daily = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
        return np.asarray(daily.sum(axis=-1))

    whole = float(total(sums[0], sums[1]))
    return MeanCumulative(whole if np.isfinite(whole) else None, total(brought, there), n)
