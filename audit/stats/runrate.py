"""Which part of a yearly run rate is lost in a year, when units leave in its middle and others act rarely.

The plain share (what those brought last year who bring nothing this year) shows a constant loss as about 0.6 of
itself: who left half-way had brought half a year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LOST_GAPS", "RunRate", "run_rate", "usual_gap"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

YEAR = 365.0
LOST_GAPS = 4.0
"""Silent for so many usual gaps, and for a year: lost."""
BORROWED = 2.0
"""The median gap of all counts as so many gaps of a unit's own."""


def usual_gap(gaps: ArrayLike, median: ArrayLike) -> Floats:
    """Return every unit's usual gap in days, drawn towards the median of all by as much as two gaps.

    ``gaps``: its completed gaps, k; ``median``: their median, ignored where k = 0. exp of (k·ln own + 2·ln of all) ÷
    (k + 2); ``of all``: the median of the units' medians. NaN where no unit has a gap.
    """
    k, own = np.asarray(gaps, dtype=np.float64), np.asarray(median, dtype=np.float64)
    has = k > 0
    if not has.any():
        return np.full(len(k), np.nan)
    everyone = np.log(np.median(own[has]))
    logs = np.log(own, out=np.full(len(k), everyone), where=has)
    return np.asarray(np.exp((k * logs + BORROWED * everyone) / (k + BORROWED)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class RunRate:
    """Yearly rate of every unit and whether it is lost; one entry per unit, in the order given."""

    rate: Floats
    lost: Bools


def run_rate(
    first: ArrayLike,
    last: ArrayLike,
    gap: ArrayLike,
    last_year: ArrayLike,
    earlier: ArrayLike,
    *,
    earlier_start: float,
    recent_start: float,
    end: float,
    gone: float = LOST_GAPS,
) -> RunRate:
    """Return the yearly rate of units that acted in the earlier of two years, and which of them are lost.

    Grain: one entry per unit with an act in the earlier year. Days count from the start of the window: ``first``,
    ``last`` day with an act; ``gap``: the usual gap; the earlier year runs from ``earlier_start`` to the day before
    ``recent_start``, the last year from there to ``end``. ``last_year``: amount of the 365 days up to and including the
    last act; ``earlier``: amount of the earlier year.

    Lost: no act in the last year, and silent for longer than ``gone`` usual gaps. Without an act in the last year the
    rate is that of the 365 days up to the last act, × 365 ÷ the days of them on which the unit was there; otherwise the
    amount of the earlier year × 365 ÷ the days of it on which it was there. It was there from the start of the window, or
    from its first act if that is later by more than a usual gap. An act stands for half a usual gap on either side: where
    the days begin or end with one, half a gap is added to them. (Without it a unit whose first act is the last day of the
    earlier year would act 365 times a year, and a base that is renewed would look larger than it is.)
    """
    begins, ends, usual, total, before = (
        np.asarray(x, dtype=np.float64) for x in (first, last, gap, last_year, earlier)
    )
    quiet = ends < recent_start
    came = begins > usual
    there = np.where(came, begins, 0.0)
    half = usual / 2
    since = np.where(quiet, ends - YEAR + 1, earlier_start)
    until = np.where(quiet, ends + 1 + half, recent_start)
    days = until - np.maximum(there, since) + np.where(came & (begins >= since), half, 0.0)
    rate = np.where(quiet, total, before) * YEAR / days
    return RunRate(rate, quiet & (end - ends > gone * usual))
