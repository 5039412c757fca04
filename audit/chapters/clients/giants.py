"""Indigestion: what happens to everybody else after an order too large for the company."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

__all__ = ["OUTCOMES", "Outcome", "compare", "joint_p", "label_days", "outcomes"]

OUTCOMES: dict[str, tuple[str, str, Literal["high", "low"]]] = {
    "late": ("late", "shipped", "high"),
    "silent": ("silent", "followed", "high"),
    "margin": ("margin", "margin_revenue", "low"),
}
"""Outcome → column above, column below the line, the side that is bad."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome of the other clients after giant orders against the months before.

    ``after``, ``before``: the ratio in both; ``after_n``, ``before_n``: what stands below the line (orders, or money);
    ``p``: one-sided probability that chance makes it so much worse; ``half``: half-width of the 95 % interval of
    after − before.
    """

    name: str
    after: float
    before: float
    after_n: float
    before_n: float
    p: float
    half: float

    @property
    def worse(self) -> bool:
        """Whether it went the bad way."""
        return self.worsening > 0

    @property
    def worsening(self) -> float:
        """By how much it went the bad way (below 0: the good one)."""
        return self.after - self.before if OUTCOMES[self.name][2] == "high" else self.before - self.after


def label_days(days: pd.Series, giants: Sequence[dt.date], after_days: int, before_days: int) -> pd.Series:
    """Mark each day as ``after`` a giant order, ``before`` one, or neither (None).

    After: 1 … ``after_days`` days behind any giant order (its own day is neither). Before: up to ``before_days``
    ahead of one and not after another.
    """
    d = pd.to_datetime(days).to_numpy(dtype="datetime64[D]")
    after, before, on = (np.zeros(len(d), dtype=bool) for _ in range(3))
    for giant in giants:
        gap = (d - np.datetime64(giant)).astype(np.int64)
        after |= (gap >= 1) & (gap <= after_days)
        before |= (gap <= -1) & (gap >= -before_days)
        on |= gap == 0
    label = np.full(len(d), None, dtype=object)
    label[before & ~on] = "before"
    label[after] = "after"
    return pd.Series(label, index=days.index, dtype=object)


def compare(slices: pd.DataFrame, name: str, *, least: float = 20.0) -> Outcome | None:
    """Compare one outcome after giant orders with the months before; None where there is too little on a side.

    ``slices``: one row per calendar month × label: ``label`` (after, before), ``top``, ``bottom``. The spread is
    that of the monthly ratios before, weighted by their size, and never less than that of independent orders:
    lateness comes in waves, and waves are not orders. A t-test with months before − 1 degrees of freedom, at least
    three months are needed. ``least``: orders that each side must have (for margin, which is in money, any revenue
    is enough).
    """
    _, _, bad = OUTCOMES[name]
    part = slices[slices["bottom"] > 0]
    before, after = part[part["label"] == "before"], part[part["label"] == "after"]
    n0, n1 = float(before["bottom"].sum()), float(after["bottom"].sum())
    counted = name != "margin"
    if len(before) < 3 or n1 <= 0 or (counted and min(n0, n1) < least):
        return None
    r0, r1 = float(before["top"].sum()) / n0, float(after["top"].sum()) / n1
    residual = before["top"].to_numpy(float) - r0 * before["bottom"].to_numpy(float)
    variance = float((residual**2 / before["bottom"].to_numpy(float)).sum()) / (len(before) - 1)
    if counted:
        pooled = float(part["top"].sum()) / (n0 + n1)
        variance = max(variance, pooled * (1 - pooled))
    sign = 1.0 if bad == "high" else -1.0
    error = float(np.sqrt(variance * (1 / n1 + 1 / n0)))
    worse = sign * (r1 - r0)
    t = worse / error if error > 0 else np.inf if worse > 0 else -np.inf
    p = float(special.stdtr(len(before) - 1, -t))
    return Outcome(name, r1, r0, n1, n0, p, error * float(special.stdtrit(len(before) - 1, 0.975)))


def outcomes(daily: pd.DataFrame, label: pd.Series) -> list[Outcome]:
    """Return every outcome that can be compared; ``daily`` has one row per day with the columns of `OUTCOMES`."""
    out = []
    for name, (top, bottom, _) in OUTCOMES.items():
        frame = pd.DataFrame(
            {
                "month": daily["month_index"],
                "label": label,
                "top": daily[top].astype(float).fillna(0.0),
                "bottom": daily[bottom].astype(float).fillna(0.0),
            }
        )
        slices = frame.dropna(subset=["label"]).groupby(["month", "label"], as_index=False)[["top", "bottom"]].sum()
        found = compare(slices, name)
        if found is not None:
            out.append(found)
    return out


def joint_p(found: Sequence[Outcome]) -> float:
    """Return the smallest p-value times the number of outcomes looked at (Bonferroni), at most 1."""
    return min(1.0, min(o.p for o in found) * len(found)) if found else 1.0
