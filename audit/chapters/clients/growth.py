"""Earned growth: what a manager's clients grew beyond their segment, and in categories new to them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.stats.intervals import bootstrap_ratio

__all__ = ["earned_growth", "rank_correlation", "segment_growth"]

GROWTH_COLUMNS = [
    "manager",
    "clients",
    "prior_revenue",
    "revenue",
    "expected_revenue",
    "earned",
    "earned_share",
    "low",
    "high",
    "new_category_revenue",
    "new_category_share",
]


def segment_growth(clients: pd.DataFrame) -> pd.Series:
    """Return each segment's Σ revenue ÷ Σ prior revenue, lost clients included; no segment is a segment too."""
    segment = clients["segment"].astype(object).where(clients["segment"].notna(), "")
    sums = clients.groupby(segment)[["prior_revenue", "revenue"]].sum()
    return sums["revenue"] / sums["prior_revenue"]


def earned_growth(clients: pd.DataFrame, *, min_clients: int = 20, draws: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Tell, per manager, the revenue its clients brought beyond what their segments' growth explains.

    ``clients``: one row per client with positive prior revenue: manager, segment, prior_revenue, revenue,
    new_category_revenue. Grain of the result: one row per manager. ``expected_revenue`` = Σ prior revenue × the
    growth of the client's segment; ``earned`` = revenue − expected; ``earned_share`` = earned ÷ prior revenue with
    ``low`` and ``high`` from resampling clients (None below ``min_clients``); ``new_category_share`` = revenue in
    categories the client had never bought ÷ revenue. Clients without a manager are left out of the rows and stay in
    the segments.
    """
    if clients.empty:
        return pd.DataFrame(columns=GROWTH_COLUMNS)
    segment = clients["segment"].astype(object).where(clients["segment"].notna(), "")
    expected = clients["prior_revenue"] * segment.map(segment_growth(clients)).astype(float)
    rows = []
    for manager, part in clients.assign(expected=expected).dropna(subset=["manager"]).groupby("manager", sort=True):
        earned = (part["revenue"] - part["expected"]).to_numpy(dtype=np.float64)
        prior = part["prior_revenue"].to_numpy(dtype=np.float64)
        est = bootstrap_ratio(earned, prior, draws=draws, seed=seed)
        wide = len(part) >= min_clients
        revenue = float(part["revenue"].sum())
        fresh = float(part["new_category_revenue"].sum())
        rows.append(
            {
                "manager": str(manager),
                "clients": len(part),
                "prior_revenue": float(prior.sum()),
                "revenue": revenue,
                "expected_revenue": float(part["expected"].sum()),
                "earned": float(earned.sum()),
                "earned_share": est.value,
                "low": est.low if wide else None,
                "high": est.high if wide else None,
                "new_category_revenue": fresh,
                "new_category_share": fresh / revenue if revenue > 0 else None,
            }
        )
    out = pd.DataFrame(rows, columns=GROWTH_COLUMNS)
    return out.sort_values(["prior_revenue", "manager"], ascending=[False, True], ignore_index=True)


def rank_correlation(a: pd.Series, b: pd.Series) -> float | None:
    """Return Spearman's rank correlation where both are known; None below four pairs or without spread."""
    both = pd.DataFrame({"a": a, "b": b}).apply(pd.to_numeric, errors="coerce").dropna()
    if len(both) < 4 or both["a"].nunique() < 2 or both["b"].nunique() < 2:
        return None
    return float(both["a"].rank().corr(both["b"].rank()))
