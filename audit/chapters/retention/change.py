"""What became of last year's revenue: kept, lost, grown, and through which of frequency, breadth and value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.model.window import Window
from audit.stats.decompose import Bridge, bridge, lmdi
from audit.stats.runrate import run_rate, usual_gap

__all__ = ["Drivers", "bridge_of", "bridge_table", "drivers_of", "loss_columns", "run_rates", "stock_up"]

Floats = NDArray[np.float64]

PARTS = ("new", "returned", "grown", "shrunk", "lost", "inactive")
SAME_SHARE = 0.02
"""An effect smaller than this share of the earlier revenue is not called a change."""


def loss_columns(clients: pd.DataFrame) -> dict[str, tuple[Floats, Floats]]:
    """Return the columns of three shares, one entry per client: lost revenue, gross and net retention.

    ``lost_revenue``: prior revenue of clients with no order day in the recent period ÷ all prior revenue. ``grr`` and
    ``nrr``: over clients with prior revenue above zero, min(recent, prior) and recent ÷ prior.
    """
    r0 = clients["prior_revenue"].to_numpy(dtype=np.float64)
    r1 = clients["recent_revenue"].to_numpy(dtype=np.float64)
    gone = clients["recent_days"].to_numpy() == 0
    had = r0 > 0
    base = np.where(had, r0, 0.0)
    return {
        "lost_revenue": (np.where(gone, r0, 0.0), r0),
        "grr": (np.where(had, np.minimum(r1, r0), 0.0), base),
        "nrr": (np.where(had, r1, 0.0), base),
    }


def run_rates(clients: pd.DataFrame, gaps: pd.DataFrame, window: Window, gone: float) -> pd.DataFrame:
    """Return the yearly rate of the regular clients that ordered in the 12 months before, and who of them is lost.

    ``clients``: rows of ``clients.sql``; ``gaps``: client_key, gaps, median_gap_days; ``gone``: usual gaps of silence.
    The clients' index is kept. Columns: ``yearly_rate`` (money a year, at least 0), ``lost``. See
    `audit.stats.runrate`.
    """
    known = clients[["client_key"]].merge(gaps[["client_key", "gaps", "median_gap_days"]], on="client_key", how="left")
    count = known["gaps"].fillna(0).to_numpy(dtype=np.float64)
    median = np.maximum(known["median_gap_days"].fillna(1).to_numpy(dtype=np.float64), 1.0)
    regular = ((clients["order_days"] >= 2) & (clients["prior_days"] > 0)).to_numpy()
    rows = clients[regular]
    start = pd.Timestamp(window.start)

    def day(column: str) -> Floats:
        return np.asarray((rows[column] - start).dt.days, dtype=np.float64)

    found = run_rate(
        day("first_seen_day"),
        day("last_day"),
        usual_gap(count[regular], median[regular]),
        rows["last_year_revenue"],
        rows["prior_revenue"],
        earlier_start=(window.prior_start - window.start).days,
        recent_start=(window.recent_start - window.start).days,
        end=(window.as_of - window.start).days,
        gone=gone,
    )
    return pd.DataFrame({"yearly_rate": np.maximum(found.rate, 0.0), "lost": found.lost}, index=rows.index)


def bridge_of(clients: pd.DataFrame, known_earlier: NDArray[np.bool_]) -> Bridge:
    """Return the way from prior to recent revenue; a client is active in a period if it has an order day there."""
    return bridge(
        clients["prior_revenue"].to_numpy(dtype=np.float64),
        clients["recent_revenue"].to_numpy(dtype=np.float64),
        known_earlier,
        clients["prior_days"].to_numpy() > 0,
        clients["recent_days"].to_numpy() > 0,
    )


def bridge_table(parts: Bridge) -> pd.DataFrame:
    """Return the bridge as rows: part, revenue (change; for before and after the sum), clients."""
    rows: list[dict[str, Any]] = [{"part": "before", "revenue": parts.before, "clients": None}]
    rows += [{"part": p, "revenue": getattr(parts, p), "clients": parts.counts[p]} for p in PARTS]
    rows.append({"part": "after", "revenue": parts.after, "clients": None})
    return pd.DataFrame(rows).astype({"revenue": float, "clients": float})


@dataclass(frozen=True, slots=True)
class Drivers:
    """The change of the clients that bought in both periods, divided among the factors of their revenue.

    ``table``: driver (frequency, breadth, value — or value alone without items — and returns), effect (money), share
    (of the earlier revenue). ``change``: its sum, that of the clients in both periods. ``pattern``: ``stocking_up``
    (rarer but bigger, the sum about even), ``smaller_and_more_often``, ``growth``, ``decline`` or ``even``.
    """

    table: pd.DataFrame
    change: float
    before: float
    clients: int
    with_items: bool
    pattern: str


def drivers_of(clients: pd.DataFrame, with_items: bool) -> Drivers:
    """Divide the change of the clients with order days in both periods among frequency, breadth and value.

    Revenue = order days × distinct items per order day × revenue per item-day (two factors without items). Clients
    whose year nets to zero or less, or whose items are missing, cannot be divided and stand in the line «returns». The
    lines add up to the change exactly.
    """
    both = clients[(clients["prior_days"] > 0) & (clients["recent_days"] > 0)]
    r0 = both["prior_revenue"].to_numpy(dtype=np.float64)
    r1 = both["recent_revenue"].to_numpy(dtype=np.float64)
    d0 = both["prior_days"].to_numpy(dtype=np.float64)
    d1 = both["recent_days"].to_numpy(dtype=np.float64)
    if with_items:
        i0 = both["prior_items"].to_numpy(dtype=np.float64)
        i1 = both["recent_items"].to_numpy(dtype=np.float64)
        before = {"frequency": d0, "breadth": i0 / d0, "value": _per(r0, i0)}
        after = {"frequency": d1, "breadth": i1 / d1, "value": _per(r1, i1)}
        whole = (i0 > 0) & (i1 > 0)
    else:
        before = {"frequency": d0, "value": r0 / d0}
        after = {"frequency": d1, "value": r1 / d1}
        whole = np.ones(len(both), dtype=np.bool_)
    parts = lmdi(before, after)
    # A client without items has a product of zero: its change is added by hand so that the lines sum to the change.
    left_out = float((r1 - r0)[~whole].sum())
    counted = whole & (r0 > 0) & (r1 > 0)
    change = float((r1 - r0).sum())
    effects = dict(parts.effects)
    effects["returns"] = float((r1 - r0)[whole & ~counted].sum()) + left_out
    total = float(r0.sum())
    table = pd.DataFrame(
        {
            "driver": list(effects),
            "effect": list(effects.values()),
            "share": [e / total if total > 0 else np.nan for e in effects.values()],
        }
    ).astype({"effect": float, "share": float})
    pattern = stock_up(effects["frequency"], effects["value"] + effects.get("breadth", 0.0), total)
    return Drivers(table, change, total, len(both), with_items, pattern)


def _per(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.zeros(len(top)), where=bottom > 0)


def stock_up(frequency: float, size: float, before: float) -> str:
    """Name the pattern of the effects of frequency and of order size (breadth and value together).

    Opposite effects that cancel to less than half of the larger are one habit replaced by another, no growth, no
    decline.
    """
    if before <= 0:
        return "even"
    f, s = frequency / before, size / before
    if min(abs(f), abs(s)) >= SAME_SHARE and f * s < 0 and abs(f + s) < max(abs(f), abs(s)) / 2:
        return "stocking_up" if f < 0 else "smaller_and_more_often"
    if abs(f + s) < SAME_SHARE:
        return "even"
    return "growth" if f + s > 0 else "decline"
