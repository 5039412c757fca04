"""How much a share told from memory is worth.

An error that all tellers share (everybody forgets the telephone) is not in these intervals.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from audit.stats.intervals import wilson

__all__ = ["CASES", "pooled", "told_bounds", "told_cases"]

CASES = {1: 23.0, 2: 51.0, 3: 104.0}
"""Independent cases that one person's share of time is worth, by how sure the person is (1 guess, 3 records kept).

A standard error of 7 points at one half is √(¼ ÷ 51); 10.4 and 4.9 points for the other two.
"""


def told_cases(hours: ArrayLike, confidence: ArrayLike) -> float:
    """Return how many independent cases the shares of time that people tell from memory are worth together.

    Grain: one entry per person: ``hours``; ``confidence`` 1–3. Each is worth `CASES`; together, with hours as weights,
    (Σh)² ÷ Σ(h² ÷ cases) (Kish). Nobody with hours: 0.
    Source: L. Kish, Survey Sampling, 1965; the error of one person's report is an assumption of the kit.
    """
    weight, sure = np.asarray(hours, dtype=np.float64), np.asarray(confidence, dtype=np.float64)
    if weight.ndim != 1 or weight.shape != sure.shape:
        raise ValueError("hours and confidence must be vectors of one length")
    if not (weight >= 0).all() or not np.isin(sure, list(CASES)).all():
        raise ValueError("hours are not negative, confidence is 1, 2 or 3")
    worth = np.array([CASES[int(x)] for x in sure])
    spread = float((weight**2 / worth).sum())
    return float(weight.sum()) ** 2 / spread if spread > 0 else 0.0


def told_bounds(least: float, most: float, cases: float, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's limits of a share told by people, so that a share told as nothing is not certain.

    ``least`` and ``most``: the share as told, twice, or what answers not given leave open; the lower limit is that of
    the one, the upper that of the other.
    """
    return wilson(least * cases, cases, level)[0], wilson(most * cases, cases, level)[1]


def pooled(estimates: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return value and standard error of estimates of one share from several sources, weighted by inverse variance.

    ``estimates``: value and standard error, above 0. 0.50 ± 0.06 told and 0.56 ± 0.08 logged: weights 278 and 156,
    together 0.522 ± 0.048.
    """
    weights = [1.0 / error**2 for _, error in estimates]
    whole = sum(weights)
    return sum(w * value for w, (value, _) in zip(weights, estimates, strict=True)) / whole, whole**-0.5
