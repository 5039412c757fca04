"""What a change is made of: its parts by kind of unit, and by factor.

The parts add up to the change to the last digit that floating point allows; nothing is left over or spread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.stats.intervals import Estimate
from audit.stats.resample import SEED, sparse_canonical_order

__all__ = ["Bridge", "Factors", "bridge", "grr_noise", "lmdi", "logarithmic_mean"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def logarithmic_mean(a: ArrayLike, b: ArrayLike) -> Floats:
    """Return the logarithmic mean (a − b) ÷ ln(a ÷ b) of positive numbers, element by element; L(r, r) = r.

    It lies between the geometric and the arithmetic mean, and is 0 where one of the two is 0 (its limit).
    Negative numbers have none: ``ValueError``.
    """
    x, y = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    if not ((x >= 0) & (y >= 0)).all():
        raise ValueError("the logarithmic mean needs numbers that are not negative")
    positive = (x > 0) & (y > 0)
    # b·(eᵘ − 1)/u with u = ln(a/b) loses no digits when a and b are nearly equal.
    u = np.log(np.where(positive, x, 1.0)) - np.log(np.where(positive, y, 1.0))
    factor = np.divide(np.expm1(u), u, out=np.ones(u.shape), where=u != 0)
    return np.where(positive, y * factor, 0.0)


@dataclass(frozen=True, slots=True)
class Factors:
    """A change divided among the factors of a product (logarithmic mean Divisia index, additive form).

    ``effects``: factor → its part of the change, over all units; ``outside``: the change of units that have a
    zero or negative factor in either period, which no factor can explain. ``change``: the whole change, the
    sum of all effects and ``outside``.
    """

    effects: dict[str, float]
    outside: float
    change: float


def lmdi(before: Mapping[str, ArrayLike], after: Mapping[str, ArrayLike]) -> Factors:
    """Divide the change of Σ (product of factors) among the factors, without a remainder.

    Grain: one entry per unit. ``before`` and ``after``: the same factor names → values; a unit's figure is
    the product of its factors (times × pieces a time × value a piece). Effect of x for a unit:
    L(r1, r0) · ln(x1/x0), r the product, L the logarithmic mean. A unit that is zero or negative in any
    factor goes to ``outside``.
    Source: B. W. Ang, Energy Policy 33, 2005.
    """
    names = list(before)
    if set(names) != set(after) or not names:
        raise ValueError("before and after need the same factors")
    x0 = np.array([np.asarray(before[k], dtype=np.float64) for k in names])
    x1 = np.array([np.asarray(after[k], dtype=np.float64) for k in names])
    if x0.ndim != 2 or x0.shape != x1.shape or not (np.isfinite(x0).all() and np.isfinite(x1).all()):
        raise ValueError("every factor needs one finite number per unit")
    r0, r1 = x0.prod(axis=0), x1.prod(axis=0)
    inside = ((x0 > 0) & (x1 > 0)).all(axis=0)
    weight = logarithmic_mean(np.where(inside, r1, 0.0), np.where(inside, r0, 0.0))
    safe0, safe1 = np.where(inside, x0, 1.0), np.where(inside, x1, 1.0)
    parts = weight * (np.log(safe1) - np.log(safe0))
    change = r1 - r0
    return Factors(
        effects={name: float(part.sum()) for name, part in zip(names, parts, strict=True)},
        outside=float(change[~inside].sum()),
        change=float(change.sum()),
    )


@dataclass(frozen=True, slots=True)
class Bridge:
    """The way from one period's sum to the next.

    before + new + returned + grown + shrunk + lost + inactive = after. Changes, so ``shrunk`` and ``lost``
    are negative. ``inactive``: units active in neither period whose sum changed all the same.
    ``counts``: units in each part, ``unchanged`` included; ``part``: the part of each unit.
    """

    before: float
    new: float
    returned: float
    grown: float
    shrunk: float
    lost: float
    inactive: float
    after: float
    counts: dict[str, int]
    part: NDArray[np.str_]


def bridge(
    before: ArrayLike,
    after: ArrayLike,
    known_earlier: ArrayLike,
    active_before: ArrayLike | None = None,
    active_after: ArrayLike | None = None,
) -> Bridge:
    """Divide the change of a sum between two periods by what happened to the units.

    Grain: one entry per unit. ``before``, ``after``: its sums; ``known_earlier``: whether it was active
    before the first period (tells *returned* from *new*); ``active_before``, ``active_after``: whether it
    was active in the period, by default whether its sum is above zero — give them where a unit can be
    active and net zero or negative. Active in both: *grown* or *shrunk* by the sign of the change,
    *unchanged* at zero; in the first only: *lost*; in the second only: *returned* or *new*.
    """
    r0, r1 = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    was = r0 > 0 if active_before is None else np.asarray(active_before, dtype=np.bool_)
    is_ = r1 > 0 if active_after is None else np.asarray(active_after, dtype=np.bool_)
    known = np.asarray(known_earlier, dtype=np.bool_)
    if r0.ndim != 1 or not (r0.shape == r1.shape == was.shape == is_.shape == known.shape):
        raise ValueError("all columns must be vectors of one length")
    change = r1 - r0
    part = np.select(
        [was & is_ & (change > 0), was & is_ & (change < 0), was & is_, was, is_ & known, is_],
        ["grown", "shrunk", "unchanged", "lost", "returned", "new"],
        "inactive",
    )
    names = ("new", "returned", "grown", "shrunk", "unchanged", "lost", "inactive")
    sums = {name: float(change[part == name].sum()) for name in names}
    return Bridge(
        before=float(r0.sum()),
        new=sums["new"],
        returned=sums["returned"],
        grown=sums["grown"],
        shrunk=sums["shrunk"],
        lost=sums["lost"],
        inactive=sums["inactive"],
        after=float(r1.sum()),
        counts={name: int((part == name).sum()) for name in names},
        part=part,
    )


def grr_noise(unit: ArrayLike, value: ArrayLike, draws: int = 400, seed: int = SEED, level: float = 0.95) -> Estimate:
    """Return the gross retention that the chance timing of acts alone would give, nobody having changed.

    Grain: one row per act (an order) of the two periods together; ``unit``: whose, ``value``: how much
    (acts of value zero or less are left out). Pass the units that existed before the second period began:
    one that is new cannot shrink.

    Definition: if a unit acts at the same rate in both periods, each of its acts is equally likely to fall
    into either, whatever that rate is (the split of a Poisson count given its sum is binomial ½). So every
    act is thrown into one of two periods by a fair coin, its value staying with it, and Σ min ÷ Σ first is
    computed; ``value`` is its mean over ``draws`` throws, ``low`` and ``high`` the range within which
    chance alone leaves it (not an error of the mean). No rate has to be estimated, so luck in the first
    period (the units that did most then will do less) is in it as well. Units that act by the clock
    fluctuate less than this, and units really lost have half their acts on each side: for both reasons the
    true noise is a little smaller than given here, and what exceeds it is safe to name. A unit with a
    single act is never kept, by this as by the measured figure: units that never came a second time are
    part of the floor and have to be judged elsewhere.
    """
    codes, amounts = np.asarray(unit), np.asarray(value, dtype=np.float64)
    if codes.ndim != 1 or codes.shape != amounts.shape or not np.isfinite(amounts).all():
        raise ValueError("unit and value must be vectors of one length, values finite")
    counted = amounts > 0
    labels, row = np.unique(codes[counted], return_inverse=True)
    amounts = amounts[counted]
    n = len(labels)
    if n == 0:
        return Estimate(None, None, None, 0, level, "no_units")
    rank = np.empty(n, dtype=np.int64)
    rank[sparse_canonical_order(row.astype(np.int64), [amounts], n)] = np.arange(n)
    order = np.lexsort((amounts, rank[row]))
    amounts = amounts[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(rank[row][order])) + 1])
    whole = np.add.reduceat(amounts, starts)

    rng = np.random.default_rng(seed)
    out = np.full(draws, np.nan)
    for i in range(draws):
        coins = np.unpackbits(np.frombuffer(rng.bytes((len(amounts) + 7) // 8), dtype=np.uint8))[: len(amounts)]
        first = np.add.reduceat(amounts * coins, starts)
        base = float(first.sum())
        if base > 0:
            out[i] = float(np.minimum(first, np.maximum(whole - first, 0.0)).sum()) / base
    usable = out[np.isfinite(out)]
    if usable.size < 0.95 * draws:
        return Estimate(None, None, None, n, level, "too_few_units")
    low, high = np.quantile(usable, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(usable.mean()), float(low), float(high), n, level)
