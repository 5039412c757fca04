"""Sleeping revenue, the return of sleepers, and a second opinion on who is still alive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.chapters.retention.cadence import Limits
from audit.chapters.retention.second import Waits
from audit.stats.buytilldie import BuyTillDie, FitCheck, fit, fit_check, group_histories

__all__ = ["Alive", "alive", "crossings", "return_waits", "sleeping_columns"]

Floats = NDArray[np.float64]
FITTED_CLIENTS = 20_000


def sleeping_columns(clients: pd.DataFrame, rhythm: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return sleeping revenue and the revenue it is a share of, one entry per client (top and bottom of the share).

    Sleeping: what a sleeping client bought in the 365 days up to its last order. Bottom: the same, plus the last 12
    months of every client that is neither sleeping nor lost, one-time clients included. A net-negative sum of a
    sleeping client counts as nothing at stake.
    """
    state = clients["client_key"].map(rhythm.set_index("client_key")["state"])
    asleep = (state == "sleeping").to_numpy(dtype=np.bool_)
    awake = ~asleep & ~(state == "lost").to_numpy(dtype=np.bool_)
    stake = np.maximum(clients["last_year_revenue"].to_numpy(dtype=np.float64), 0.0)
    recent = clients["recent_revenue"].to_numpy(dtype=np.float64)
    top = np.where(asleep, stake, 0.0)
    return top, top + np.where(awake, recent, 0.0)


def crossings(silences: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """Return each client's first silence that crossed its limit, one row per client that ever did.

    ``silences``: rows of ``retention_silences.sql``. The limit comes from the gaps before the silence alone: the later
    fate of a client cannot decide whether it counts. Columns: client_key, ``limit_days``, ``days_after`` (from crossing
    to return or to the end of watching), ``followed_after`` (from crossing to as_of), ``returned``.
    """
    # Engines interpolate quantiles differently in the last bit; whole days must not hang on it.
    p90 = np.round(silences["p90_before_days"].to_numpy(dtype=np.float64), 6)
    limit = np.round(np.maximum(limits.sleeping_gap_multiple * p90, limits.sleeping_min_days), 6)
    rows = silences.assign(limit_days=limit)
    rows = rows[rows["silent_days"] > rows["limit_days"]]
    rows = rows.sort_values(["client_key", "purchase_no"]).drop_duplicates("client_key")
    return pd.DataFrame(
        {
            "client_key": rows["client_key"],
            "limit_days": rows["limit_days"],
            "days_after": rows["silent_days"] - rows["limit_days"],
            "followed_after": rows["followed_days"] - rows["limit_days"],
            "returned": rows["returned"] == 1,
        }
    ).reset_index(drop=True)


def return_waits(crossed: pd.DataFrame) -> Waits:
    """Return the wait from crossing the limit to the next order, in whole days (rounded up)."""
    days, followed = (
        np.ceil(np.round(crossed[c].to_numpy(dtype=np.float64), 6)).astype(np.int64)
        for c in ("days_after", "followed_after")
    )
    return Waits(days, crossed["returned"].to_numpy(dtype=np.bool_), followed)


@dataclass(frozen=True, slots=True)
class Alive:
    """P(alive) per client with the model behind it and how well that fits."""

    p_alive: Floats
    model: BuyTillDie
    check: FitCheck | None


def alive(order_days: NDArray[np.int64], first_to_last: NDArray[np.int64], first_to_end: NDArray[np.int64]) -> Alive:
    """Fit MBG/NBD to all clients with an order day and return P(alive) for each (NaN where it did not converge).

    Time in weeks, as in the literature. Of very many clients every k-th is fitted (in the order of their histories, so
    that neither rows nor names matter): four parameters are known to the third digit from so many.
    """
    x = np.asarray(order_days, dtype=np.float64) - 1.0
    t_x, t = np.asarray(first_to_last) / 7.0, np.asarray(first_to_end) / 7.0
    order = np.lexsort((t, t_x, x))[:: max(1, -(-len(x) // FITTED_CLIENTS))]
    histories = group_histories(x[order], t_x[order], t[order])
    model = fit(histories)
    if not model.converged:
        return Alive(np.full(len(x), np.nan), model, None)
    return Alive(model.p_alive(x, t_x, t), model, fit_check(model, histories))
