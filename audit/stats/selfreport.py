"""How much a share told from memory is worth, alone and together with a share that was written down.

An error that all tellers share (everybody forgets the telephone) is not in these intervals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from audit.stats.intervals import Estimate, wilson

__all__ = ["CASES", "Told", "pooled", "told_share"]

CASES = {1: 23.0, 2: 51.0, 3: 104.0}
"""Independent cases that one person's share of time is worth, by how sure the person is (1 guess, 3 records kept).

A standard error of 7 points at one half is √(¼ ÷ 51); 10.4 and 4.9 points for the other two.
"""

LEAST_VARIANCE = 0.01
"""That of a share of 1 %: near 0 and 1 a few days would otherwise pass for nothing or for everything."""


@dataclass(frozen=True, slots=True)
class Told:
    """A share told by people: the estimate and how many independent cases it is worth."""

    estimate: Estimate
    cases: float


def told_share(share: ArrayLike, hours: ArrayLike, confidence: ArrayLike, level: float = 0.95) -> Told:
    """Return the share of all hours that people say they spend on a task, with the error of telling from memory.

    Grain: one entry per person: ``share`` of the own hours, 0–1; ``hours``; ``confidence`` 1–3. Each share is worth
    `CASES`; together, with hours as weights, they are worth (Σh)² ÷ Σ(h² ÷ cases) (Kish), and the interval is Wilson's
    for so many, so that a share told as nothing is not certain. ``n`` counts people with hours.
    Source: L. Kish, Survey Sampling, 1965; the error of one person's report is an assumption of the kit.
    """
    told, weight, sure = (np.asarray(x, dtype=np.float64) for x in (share, hours, confidence))
    if told.ndim != 1 or not told.shape == weight.shape == sure.shape:
        raise ValueError("share, hours and confidence must be vectors of one length")
    if not ((told >= 0) & (told <= 1) & (weight >= 0)).all() or not np.isin(sure, list(CASES)).all():
        raise ValueError("shares lie between 0 and 1, hours are not negative, confidence is 1, 2 or 3")
    people, total = int((weight > 0).sum()), float(weight.sum())
    if people == 0:
        return Told(Estimate(None, None, None, 0, level, "no_units"), 0.0)
    worth = np.array([CASES[int(x)] for x in sure])
    cases = total**2 / float((weight**2 / worth).sum())
    value = float((told * weight).sum()) / total
    low, high = wilson(value * cases, cases, level)
    return Told(Estimate(value, low, high, people, level), cases)


def pooled(told: Told, written: Estimate) -> Told:
    """Return one share from what was told and what a day log shows, each weighted by the inverse of its variance.

    The half-width of ``written`` says how many cases it is worth at the value half-way; cases add up, and the interval
    is Wilson's. Without an interval of the log the told share stays as it is.
    """
    value, half = written.value, written.half_width
    if told.estimate.value is None or value is None or half is None or half == 0:
        return told
    level, first = told.estimate.level, told.estimate.value
    z = float(special.ndtri(0.5 + written.level / 2))
    middle = (first + value) / 2
    cases = max(middle * (1 - middle), LEAST_VARIANCE) / (half / z) ** 2
    together = told.cases + cases
    share = (told.cases * first + cases * value) / together
    low, high = wilson(share * together, together, level)
    return Told(Estimate(share, low, high, told.estimate.n, level), together)
